//! How far numbers reach.

use ndarray::ArrayView2;

use crate::simd::{Detected, Vectorized};
use crate::tasks;

/// Numbers that one thread looks at.
const PART: usize = 1 << 14;

/// How far numbers that are neither zero, infinite nor NaN reach; of no number, `least` is beyond `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// All are multiples of 2 to this power.
    pub(super) least: i32,
    /// All are below 2 to the power after this.
    pub(super) most: i32,
    /// None has more binary digits.
    pub(super) digits: u32,
    /// Whether an infinity or NaN is among them.
    pub(super) special: bool,
    /// The least exponent that one has; of an operand, by which one is aligned.
    pub(super) least_exponent: i32,
    /// What elements are without their scales.
    pub(super) element: ElementExtent,
}

/// How far elements reach without their scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementExtent {
    /// All are multiples of 2 to this power.
    pub(super) least: i32,
    /// All are below 2 to the power after this.
    pub(super) most: i32,
    /// No scale has more binary digits; 0 where there are none.
    pub(super) scale_digits: u32,
    /// How many neighbours along k share a scale.
    pub(super) block: Option<usize>,
}

impl ElementExtent {
    /// Whether elements `width * i` to `width * (i + 1) - 1` share a scale.
    pub(super) fn shares(&self, width: usize) -> bool {
        self.block.is_none_or(|block| block.is_multiple_of(width))
    }
}

impl Extent {
    pub(super) const EMPTY: Self = Self {
        least: i32::MAX / 4,
        most: i32::MIN / 4,
        digits: 0,
        special: false,
        least_exponent: i32::MAX / 4,
        element: ElementExtent {
            least: i32::MAX / 4,
            most: i32::MIN / 4,
            scale_digits: 0,
            block: None,
        },
    };

    fn add(&mut self, x: f64) {
        if let Some((least, most)) = digits(x) {
            self.least = self.least.min(least);
            self.most = self.most.max(most);
            self.digits = self.digits.max((most - least + 1) as u32);
            self.least_exponent = self.least_exponent.min(most);
        }
    }

    /// The extent of a matrix.
    pub(super) fn of_matrix(matrix: ArrayView2<'_, f64>, isa: Detected) -> Self {
        let numbers = matrix.as_slice_memory_order();
        let reach = numbers.and_then(|numbers| {
            let reaches = tasks::map(numbers.chunks(PART), |part| isa.vectorize(Reach(part)));
            reaches.into_iter().try_fold(Self::EMPTY, |one, other| Some(one.with(other?)))
        });
        reach.unwrap_or_else(|| Self::of(matrix))
    }

    /// That of the numbers of both.
    fn with(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            digits: self.digits.max(other.digits),
            special: self.special | other.special,
            least_exponent: self.least_exponent.min(other.least_exponent),
            element: self.element,
        }
    }

    /// The extent of numbers.
    pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a f64>) -> Self {
        let mut extent = Self::EMPTY;
        for &x in values {
            extent.special |= !x.is_finite();
            extent.add(x);
        }
        extent
    }
}

/// The extent of many numbers.
struct Reach<'a>(&'a [f64]);

impl Vectorized for Reach<'_> {
    type Output = Option<Extent>;

    /// `None` where a number is so small that its lowest digit may be no normal number.
    #[inline(always)]
    fn call(self) -> Option<Extent> {
        const FRACTION: i64 = (1 << 52) - 1;
        const INFINITY: i64 = 0x7ff << 52;
        const SMALL: i64 = 64 << 52;
        const WHOLE: f64 = (1u64 << 52) as f64;
        /// The exponent of 2^52.
        const TOP: i64 = (1023 + 52) << 52;
        // Positive numbers are ordered as their bits are.
        let (mut least, mut power) = (i64::MAX, i64::MAX);
        let (mut most, mut below) = (0, 0);
        let (mut small, mut special) = (false, false);
        for x in self.0 {
            let bits = x.to_bits().cast_signed() & i64::MAX;
            let own = bits & INFINITY;
            // The lowest digit of the significand, a whole number, as a power of two.
            let significand = bits & FRACTION | 1 << 52;
            let lowest = significand & significand.wrapping_neg();
            let lowest = f64::from_bits(WHOLE.to_bits() + lowest.cast_unsigned()) - WHOLE;
            // How far it is below the highest one.
            let digits = TOP - lowest.to_bits().cast_signed();
            special |= bits >= INFINITY;
            small |= (bits != 0) & (bits < SMALL);
            let normal = (SMALL..INFINITY).contains(&bits);
            least = least.min(if normal { own - digits } else { i64::MAX });
            power = power.min(if normal { own } else { i64::MAX });
            most = most.max(if normal { bits } else { 0 });
            below = below.max(if normal { digits } else { 0 });
        }
        let exponent = |bits: i64| (bits >> 52) as i32 - 1023;
        let extent = match most {
            0 => Extent { special, ..Extent::EMPTY },
            _ => Extent {
                least: exponent(least),
                most: exponent(most),
                digits: (below >> 52) as u32 + 1,
                special,
                least_exponent: exponent(power),
                ..Extent::EMPTY
            },
        };
        (!small).then_some(extent)
    }
}

/// The exponents of the lowest and of the highest digit; `None` for zeros, infinities and NaN.
pub(super) fn digits(x: f64) -> Option<(i32, i32)> {
    let bits = x.to_bits() & !(1 << 63);
    let field = (bits >> 52) as i32;
    if bits == 0 || field == 0x7ff {
        return None;
    }
    let fraction = bits & ((1 << 52) - 1);
    if field > 0 {
        let significand = fraction | 1 << 52;
        return Some((field - 1075 + significand.trailing_zeros() as i32, field - 1023));
    }
    Some((fraction.trailing_zeros() as i32 - 1074, fraction.ilog2() as i32 - 1074))
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;

    fn any_number() -> impl Strategy<Value = f64> {
        let near = (any::<u64>(), 0u32..53, -30i32..30).prop_map(|(bits, zeros, exponent)| {
            let fraction = (bits >> 12).checked_shr(zeros).unwrap_or(0) << zeros;
            f64::from_bits(bits >> 63 << 63 | ((1023 + exponent) as u64) << 52 | fraction)
        });
        prop_oneof![
            30 => near,
            1 => Just(0.0),
            1 => any::<f64>(),
        ]
    }

    proptest! {
        #[test]
        fn many_numbers_reach_as_far_as_one_after_the_other(
            values in prop::collection::vec(any_number(), 0..70),
        ) {
            let matrix = Array2::from_shape_vec((1, values.len()), values.clone()).unwrap();
            for isa in crate::simd::Isa::available() {
                let found = Extent::of_matrix(matrix.view(), isa.detect().unwrap());
                prop_assert_eq!(found, Extent::of(&values), "{}", isa);
            }
        }
    }

    #[test]
    fn numbers_of_several_parts_reach_as_far_as_each() {
        let mut numbers = vec![0.0; 2 * PART + 7];
        for (place, number) in [(3, 0.375), (PART - 1, -1e-9), (PART, 7e5), (2 * PART + 6, 1.0625)]
        {
            numbers[place] = number;
            let matrix = Array2::from_shape_vec((1, numbers.len()), numbers.clone()).unwrap();
            let isa = crate::simd::Detected::best();
            assert_eq!(Extent::of_matrix(matrix.view(), isa), Extent::of(&numbers));
        }
        numbers[PART + 1] = f64::NEG_INFINITY;
        let matrix = Array2::from_shape_vec((1, numbers.len()), numbers.clone()).unwrap();
        assert!(Extent::of_matrix(matrix.view(), crate::simd::Detected::best()).special);
    }

    #[test]
    fn extents_by_hand() {
        let extent = Extent::of(&[0.0, 6.0, -0.375]);
        // 6 is 11.0 * 2^1, 0.375 is 11 * 2^-3.
        let Extent { least, most, digits, special, least_exponent, .. } = extent;
        assert_eq!((least, most, digits, special, least_exponent), (-3, 2, 2, false, -2));
        assert_eq!(Extent::of(&[0.0, -0.0]), Extent::EMPTY);
        assert!(Extent::of(&[1.0, f64::NAN]).special);
    }
}
