//! How many bits a result has.
//!
//! Brevitas's rules look at the operands' widths alone, in f32 arithmetic, and are repeated here to the bit, misjudgements
//! included; [`BitGrowth`] says which rule an operation follows.

use crate::accumulate::bounds::{DataType, Sign};
use crate::accumulate::required_bits_of_range;

/// Which width an operation states for its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BitGrowth {
    /// That of Brevitas 0.12, see [`brevitas`]. It can be too narrow by a bit or more; a result that does not fit is an
    /// error.
    Brevitas,
    /// The least that holds every result which operands of these ranges can give. No result overflows it.
    Range,
    /// The least that holds the results at hand; it depends on the data.
    Values,
}

/// Integers between two ends, and the type that is stated for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) low: i128,
    pub(crate) high: i128,
}

impl Extent {
    pub(crate) fn new(low: i128, high: i128) -> Self {
        Self { low, high }
    }

    /// Every value of a type; `None` beyond what 128 bits hold.
    pub(crate) fn of(data_type: DataType) -> Option<Self> {
        let DataType { bits, sign } = data_type;
        let power = |exponent: u32| (exponent < 127).then(|| 1i128 << exponent);
        match sign {
            Sign::Signed => {
                let half = power(bits.checked_sub(1)?)?;
                Some(Self::new(-half, half - 1))
            }
            Sign::Unsigned => Some(Self::new(0, power(bits)? - 1)),
        }
    }

    /// The narrowest type that holds them; unsigned where nothing is negative, then of at least 1 bit.
    pub(crate) fn data_type(self) -> DataType {
        let signed = required_bits_of_range(self.low, self.high);
        match self.low < 0 {
            true => DataType { bits: signed, sign: Sign::Signed },
            false => DataType { bits: (signed - 1).max(1), sign: Sign::Unsigned },
        }
    }

    /// What both hold.
    pub(crate) fn within(self, other: Self) -> Self {
        Self::new(self.low.max(other.low), self.high.min(other.high))
    }

    pub(crate) fn sum(self, other: Self) -> Option<Self> {
        Some(Self::new(self.low.checked_add(other.low)?, self.high.checked_add(other.high)?))
    }

    pub(crate) fn negated(self) -> Self {
        Self::new(-self.high, -self.low)
    }

    pub(crate) fn product(self, other: Self) -> Option<Self> {
        let ends = [
            self.low.checked_mul(other.low)?,
            self.low.checked_mul(other.high)?,
            self.high.checked_mul(other.low)?,
            self.high.checked_mul(other.high)?,
        ];
        let extent = |a: Self, x| Self::new(a.low.min(x), a.high.max(x));
        Some(ends.into_iter().fold(Self::new(ends[0], ends[0]), extent))
    }

    /// The sum of `count` of them.
    pub(crate) fn times(self, count: usize) -> Option<Self> {
        let count = i128::try_from(count).ok()?;
        Some(Self::new(self.low.checked_mul(count)?, self.high.checked_mul(count)?))
    }
}

/// The widths that Brevitas 0.12.1 states, computed as it does: in f32, with the f32 logarithm.
///
/// Source: `brevitas/quant_tensor/int_quant_tensor.py` and `int_torch_handler.py` of release 0.12.1.
pub mod brevitas {
    use super::{DataType, Sign};

    /// Of `-x`: the same if signed, one more and signed if not. `-(-2^(b-1))` does not fit.
    pub fn negated(x: DataType) -> DataType {
        match x.sign {
            Sign::Signed => x,
            Sign::Unsigned => DataType { bits: x.bits + 1, sign: Sign::Signed },
        }
    }

    /// Of `|x|`: one less and unsigned if signed, else the same. `|-2^(b-1)|` does not fit.
    pub fn absolute(x: DataType) -> DataType {
        match x.sign {
            Sign::Signed => DataType { bits: x.bits.saturating_sub(1), sign: Sign::Unsigned },
            Sign::Unsigned => x,
        }
    }

    /// Of `a + b`: `ceil(log2(max - min))`, one too few where the span is a power of two; signed if one of them is.
    ///
    /// ```
    /// use fewbit::accumulate::bounds::{DataType, Sign};
    /// use fewbit::tensor::growth::brevitas::sum;
    /// let of = |bits| DataType { bits, sign: Sign::Unsigned };
    /// assert_eq!(sum(of(1), of(8)).bits, 8); // though 1 + 255 needs 9
    /// assert_eq!(sum(of(8), of(8)).bits, 9);
    /// ```
    pub fn sum(a: DataType, b: DataType) -> DataType {
        let max = max_int(a) + max_int(b);
        let min = min_int(a) + min_int(b);
        DataType { bits: ceil_log2(max - min), sign: either(a, b) }
    }

    /// Of `a * b`: the widths added; signed if one of them is.
    pub fn product(a: DataType, b: DataType) -> DataType {
        DataType { bits: a.bits + b.bits, sign: either(a, b) }
    }

    /// Of the sum of `depth` products: `ceil(log2((2^a - 1)(2^b - 1) depth))`, with the unsigned maxima whatever the
    /// signs; signed if one of the factors is. For a convolution the depth is channels times kernel, see [`convolution`].
    ///
    /// ```
    /// use fewbit::accumulate::bounds::{DataType, Sign};
    /// use fewbit::tensor::growth::brevitas::dot;
    /// let of = |bits| DataType { bits, sign: Sign::Signed };
    /// assert_eq!(dot(of(8), of(8), 128).bits, 23);
    /// assert_eq!(dot(of(4), of(4), 4096).bits, 20);
    /// assert_eq!(dot(of(1), of(1), 1024).bits, 10);
    /// ```
    pub fn dot(input: DataType, weight: DataType, depth: usize) -> DataType {
        let bits = ceil_log2(unsigned_max(input) * unsigned_max(weight) * depth as f32);
        DataType { bits, sign: either(input, weight) }
    }

    /// Of a convolution with weights `[out, in, kernel...]`.
    pub fn convolution(input: DataType, weight: DataType, weight_shape: &[usize]) -> DataType {
        let (channels, kernel) = channels_and_kernel(weight_shape);
        let kernel: usize = kernel.iter().product();
        let most = unsigned_max(input) * unsigned_max(weight) * kernel as f32 * channels as f32;
        DataType { bits: ceil_log2(most), sign: either(input, weight) }
    }

    /// Of a transposed convolution with weights `[in, out, kernel...]`: as [`convolution`] with the *output* channels and
    /// the *sum* over the axes of `max(ceil(kernel / stride), 1)`.
    ///
    /// ```
    /// use fewbit::accumulate::bounds::{DataType, Sign};
    /// use fewbit::tensor::growth::brevitas::transposed_convolution;
    /// let eight = DataType { bits: 8, sign: Sign::Signed };
    /// assert_eq!(transposed_convolution(eight, eight, &[64, 16, 3, 3], &[2, 2]).bits, 22);
    /// ```
    pub fn transposed_convolution(
        input: DataType,
        weight: DataType,
        weight_shape: &[usize],
        stride: &[usize],
    ) -> DataType {
        let (channels, kernel) = channels_and_kernel(weight_shape);
        let along = |(k, s): (&usize, &usize)| k.div_ceil((*s).max(1)).max(1);
        let patch: usize = kernel.iter().zip(stride).map(along).sum();
        let most = unsigned_max(input) * unsigned_max(weight) * patch as f32 * channels as f32;
        DataType { bits: ceil_log2(most), sign: either(input, weight) }
    }

    /// Of a result with a bias: one more than the wider of the two; the sign is that of the result.
    pub fn with_bias(result: DataType, bias: DataType) -> DataType {
        DataType { bits: result.bits.max(bias.bits) + 1, sign: result.sign }
    }

    /// Of an average over `elements`, taken as their sum: `ceil(log2((2^b - 1) elements))`; the sign stays.
    ///
    /// ```
    /// use fewbit::accumulate::bounds::{DataType, Sign};
    /// use fewbit::tensor::growth::brevitas::average;
    /// assert_eq!(average(DataType { bits: 8, sign: Sign::Unsigned }, 7 * 7).bits, 14);
    /// ```
    pub fn average(x: DataType, elements: usize) -> DataType {
        DataType { bits: ceil_log2(unsigned_max(x) * elements as f32), sign: x.sign }
    }

    fn channels_and_kernel(weight_shape: &[usize]) -> (usize, &[usize]) {
        match weight_shape {
            [_, channels, kernel @ ..] => (*channels, kernel),
            _ => (1, &[]),
        }
    }

    fn either(a: DataType, b: DataType) -> Sign {
        if a.sign == Sign::Signed { Sign::Signed } else { b.sign }
    }

    fn unsigned_max(x: DataType) -> f32 {
        power_of_two(x.bits) - 1.0
    }

    fn max_int(x: DataType) -> f32 {
        match x.sign {
            Sign::Signed => power_of_two(x.bits.saturating_sub(1)) - 1.0,
            Sign::Unsigned => unsigned_max(x),
        }
    }

    fn min_int(x: DataType) -> f32 {
        match x.sign {
            Sign::Signed => -power_of_two(x.bits.saturating_sub(1)),
            Sign::Unsigned => 0.0,
        }
    }

    fn power_of_two(bits: u32) -> f32 {
        2f32.powi(bits.min(127) as i32)
    }

    /// `ceil(log2 x)` with the logarithm rounded to f32; 0 for what has no positive one.
    fn ceil_log2(x: f32) -> u32 {
        (f64::from(x).log2() as f32).ceil().max(0.0) as u32
    }
}
