//! Sums of 32 bits become codes of 8: bias, ReLU, scale and quantizer at once.

use fewbit::formats::{Format, IntFormat};
use fewbit::quantize::Quantizer;
use fewbit::{LinearCodes, Vectorized, linear_codes, vectorize};
use ndarray::{ArcArray, IxDyn};

use crate::ops::parallel::rows;
use crate::ops::static_integer::StaticInteger;

use super::coder::linear;
use super::datum::{Codes, Scales};
use super::ints::Ints;

/// Scales up to this one leave the value of any sum of 32 bits finite.
const GREATEST: f32 = 7.9e28; // 2^96

/// ReLU, if there is one, and a quantizer to codes of at most 8 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Finish {
    plan: StaticInteger,
    format: IntFormat,
    zero_point: i64,
    /// The least sum: 0 behind ReLU.
    least: i32,
}

/// What makes codes of the sums of each output channel.
pub(super) struct OfChannels {
    plan: StaticInteger,
    /// Of each channel, or of all.
    scales: Vec<f32>,
    /// What is added to the sums of each channel.
    plus: Vec<i32>,
    least: i32,
    linear: Option<LinearCodes>,
}

impl OfChannels {
    /// By a quantizer, with at least one scale.
    pub(super) fn new(plan: StaticInteger, scales: Vec<f32>, plus: Vec<i32>, least: i32) -> Self {
        let linear = linear(&plan, scales.iter().copied().cycle(), &plus, least);
        Self { plan, scales, plus, least, linear }
    }
}

impl fewbit::Finish for OfChannels {
    fn finish(&self, channel: usize, sums: &[i32], codes: &mut [u8]) -> bool {
        let (scale, plus) = (self.scales[channel % self.scales.len()], self.plus[channel]);
        vectorize(OfSums { plan: self.plan, scale, plus, least: self.least, sums, codes })
    }

    fn linear(&self) -> Option<&LinearCodes> {
        self.linear.as_ref()
    }
}

impl Finish {
    /// What a quantizer makes of values; `None` for one without a scale that is known, and for more than 8 bits.
    pub(super) fn of(quantizer: &Quantizer) -> Option<Self> {
        let plan = StaticInteger::of(quantizer)?;
        let Format::Int(format) = quantizer.scheme().format else { return None };
        let fits = format.bits() <= 8 && plan.zero_point().fract() == 0.0;
        let zero_point = plan.zero_point() as i64;
        fits.then_some(Self { plan, format, zero_point, least: i32::MIN })
    }

    /// The same behind ReLU.
    pub(super) fn rectified(self) -> Self {
        Self { least: 0, ..self }
    }

    /// What makes codes of sums with a scale and a summand of each channel; `None` for scales so great that a value may not be
    /// finite.
    pub(super) fn of_channels(&self, scales: &[f32], plus: Vec<i32>) -> Option<OfChannels> {
        let fits = scales.iter().all(|scale| scale.abs() <= GREATEST);
        let fits = fits && (scales.len() == plus.len() || scales.len() == 1);
        fits.then(|| OfChannels::new(self.plan, scales.to_vec(), plus, self.least))
    }

    /// Bytes as codes of this format, in their shape.
    pub(super) fn codes(&self, shape: &[usize], bytes: Vec<u8>) -> Option<Codes> {
        let ints = if self.format.min() >= 0 {
            Ints::U8(ArcArray::from_shape_vec(IxDyn(shape), bytes).ok()?)
        } else {
            let signed = bytes.into_iter().map(|byte| byte as i8).collect();
            Ints::I8(ArcArray::from_shape_vec(IxDyn(shape), signed).ok()?)
        };
        let Self { format, zero_point, .. } = *self;
        Some(Codes { ints, format, scales: Scales::one(self.plan.scale()), zero_point })
    }

    /// The codes of the sums `(a - za) + (b - zb)` of codes of one scale and shape; `None` where these are no bytes.
    pub(super) fn pair(&self, a: &Codes, b: &Codes) -> Option<Codes> {
        let (scale, other) = (a.scales.single()?, b.scales.single()?);
        let shape = a.ints.shape();
        if scale != other || shape != b.ints.shape() || scale.abs() > GREATEST {
            return None;
        }
        let zero = i32::try_from(a.zero_point.checked_add(b.zero_point)?).ok()?;
        if zero.unsigned_abs() > 1 << 16 {
            return None;
        }
        let coder = self.of_channels(&[scale], vec![0])?;
        let mut bytes = vec![0u8; shape.iter().product()];
        macro_rules! bytes {
            ($a:expr, $b:expr) => {{
                let (a, b) = ($a.as_slice()?, $b.as_slice()?);
                rows(&mut bytes, PIECE, PIECE, |at, codes| {
                    let part = at * PIECE..at * PIECE + codes.len();
                    of_pairs(&coder, &a[part.clone()], &b[part], zero, codes);
                });
            }};
        }
        match (&a.ints, &b.ints) {
            (Ints::U8(a), Ints::U8(b)) => bytes!(a, b),
            (Ints::U8(a), Ints::I8(b)) => bytes!(a, b),
            (Ints::I8(a), Ints::U8(b)) => bytes!(a, b),
            (Ints::I8(a), Ints::I8(b)) => bytes!(a, b),
            _ => return None,
        }
        self.codes(shape, bytes)
    }
}

/// Elements of a task, and of these whose sums are made before their codes.
const PIECE: usize = 1 << 13;
const SUMS: usize = 1 << 10;

/// The codes of sums of one scale; whether all sums fit.
struct OfSums<'a> {
    plan: StaticInteger,
    scale: f32,
    plus: i32,
    least: i32,
    sums: &'a [i32],
    codes: &'a mut [u8],
}

impl Vectorized for OfSums<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let Self { plan, scale, plus, least, sums, codes } = self;
        let mut lost = 0;
        for (&sum, code) in sums.iter().zip(codes) {
            let total = sum.wrapping_add(plus);
            // Negative where both have another sign than their sum.
            lost |= (sum ^ total) & (plus ^ total);
            *code = plan.byte(total.max(least) as f32 * scale);
        }
        lost >= 0
    }
}

/// The codes of sums of codes.
fn of_pairs<A, B>(coder: &OfChannels, a: &[A], b: &[B], zero: i32, codes: &mut [u8])
where
    A: Copy + Into<i32>,
    B: Copy + Into<i32>,
{
    let mut sums = [0; SUMS];
    for ((a, b), codes) in a.chunks(SUMS).zip(b.chunks(SUMS)).zip(codes.chunks_mut(SUMS)) {
        let sums = &mut sums[..codes.len()];
        vectorize(Pairs { a, b, zero, sums });
        // Sums of bytes are small.
        let _ = linear_codes(coder, 0, sums, codes);
    }
}

/// `a + b - zero`
struct Pairs<'a, A, B> {
    a: &'a [A],
    b: &'a [B],
    zero: i32,
    sums: &'a mut [i32],
}

impl<A: Copy + Into<i32>, B: Copy + Into<i32>> Vectorized for Pairs<'_, A, B> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((sum, &a), &b) in self.sums.iter_mut().zip(self.a).zip(self.b) {
            let (a, b): (i32, i32) = (a.into(), b.into());
            *sum = a + b - self.zero;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit_testkit::Random;

    #[test]
    fn the_codes_are_those_of_the_quantizer() {
        let mut seeded = Random(1);
        let mut random = || (seeded.next() >> 33) as u32;
        // Scales whose quotient is a power of two put numbers on ties; those of a code each put them near.
        let scales = [1.0, 0.5, 0.037, 1.0 / 3.0, 3.1e-5, 2.7e-39, 1e-30, 6.1e20, f32::MAX];
        for (low, high, zero) in
            [(0.0, 255.0, 0.0), (-128.0, 127.0, 0.0), (0.0, 255.0, 117.0), (-8.0, 7.0, 3.0)]
        {
            for (s, t) in scales.into_iter().flat_map(|s| scales.map(|t| (s, t))) {
                if !t.is_normal() || s > 7.9e28 {
                    continue;
                }
                let plan = StaticInteger { scale: t, zero_point: zero, low, high };
                for least in [i32::MIN, 0] {
                    let of_channels = OfChannels::new(plan, vec![s], vec![0], least);
                    let one = (t / s).clamp(1.0, 1e6);
                    for round in 0..64 {
                        let numbers = [0; 23].map(|_| match round % 4 {
                            // Below 2^30.
                            0 => random() as i32 >> 2,
                            1 => random() as i32 % 600 - 300,
                            // Around the middle of two codes.
                            2 => ((random() % 600) as f32 * one / 2.0 - 150.0 * one) as i32,
                            _ => {
                                ((random() % 600) as f32 * one / 2.0) as i32 + (random() % 3) as i32
                                    - 1
                            }
                        });
                        let mut codes = [0; 23];
                        assert!(fewbit::linear_codes(&of_channels, 0, &numbers, &mut codes));
                        let expected = numbers.map(|n| plan.byte(n.max(least) as f32 * s));
                        assert_eq!(codes, expected, "{s} {t} {zero} {numbers:?}");
                    }
                }
            }
        }
    }
}
