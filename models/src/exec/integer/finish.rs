//! Sums of 32 bits become codes of 8: bias, ReLU, scale and quantizer at once.

use fewbit::formats::{Format, IntFormat};
use fewbit::quantize::Quantizer;
use fewbit::{Vectorized, vectorize};
use ndarray::{ArcArray, IxDyn};

use crate::ops::parallel::rows;
use crate::ops::static_integer::StaticInteger;

use super::coder::Coder;
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
    coders: Vec<Coder>,
    /// What is added to the sums of each channel.
    plus: Vec<i32>,
}

impl fewbit::Finish for OfChannels {
    fn finish(&self, channel: usize, sums: &[i32], codes: &mut [u8]) -> bool {
        let (coder, plus) = (self.coders[channel], self.plus[channel]);
        vectorize(OfSums { coder, sums, plus, codes })
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
        let scale = |channel: usize| scales.get(channel).or(scales.first()).copied().unwrap_or(1.0);
        let coder = |channel| Coder::new(self.plan, scale(channel), self.least);
        fits.then(|| OfChannels { coders: (0..plus.len()).map(coder).collect(), plus })
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
        let coder = Coder::new(self.plan, scale, self.least);
        let mut bytes = vec![0u8; shape.iter().product()];
        macro_rules! bytes {
            ($a:expr, $b:expr) => {{
                let (a, b) = ($a.as_slice()?, $b.as_slice()?);
                rows(&mut bytes, PIECE, PIECE, |at, codes| {
                    let part = at * PIECE..at * PIECE + codes.len();
                    let (a, b) = (&a[part.clone()], &b[part]);
                    vectorize(OfPairs { coder, a, b, zero, codes });
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

/// Elements of a task.
const PIECE: usize = 1 << 13;
/// Sums that become codes at once: most, and those behind them.
const LONG: usize = 64;
const SHORT: usize = 16;

/// The codes of sums of one scale; whether all sums fit.
struct OfSums<'a> {
    coder: Coder,
    sums: &'a [i32],
    plus: i32,
    codes: &'a mut [u8],
}

impl Vectorized for OfSums<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let Self { coder, sums, plus, codes } = self;
        let ((long, sums), (to_long, codes)) = (sums.as_chunks(), codes.as_chunks_mut());
        let ((short, sums), (to_short, codes)) = (sums.as_chunks(), codes.as_chunks_mut());
        let mut lost = 0;
        for (sums, codes) in long.iter().zip(to_long) {
            lost |= of_sums::<LONG>(&coder, sums, plus, codes);
        }
        for (sums, codes) in short.iter().zip(to_short) {
            lost |= of_sums::<SHORT>(&coder, sums, plus, codes);
        }
        if !codes.is_empty() {
            let (mut last, mut to_last) = ([0; SHORT], [0; SHORT]);
            last[..sums.len()].copy_from_slice(sums);
            lost |= of_sums(&coder, &last, plus, &mut to_last);
            codes.copy_from_slice(&to_last[..codes.len()]);
        }
        lost >= 0
    }
}

/// Codes of `P` sums; negative where a sum does not fit.
#[inline(always)]
fn of_sums<const P: usize>(coder: &Coder, sums: &[i32; P], plus: i32, codes: &mut [u8; P]) -> i32 {
    let (mut numbers, mut lost) = ([0; P], 0);
    for at in 0..P {
        let total = sums[at].wrapping_add(plus);
        // Negative where both have another sign than their sum.
        lost |= (sums[at] ^ total) & (plus ^ total);
        numbers[at] = total;
    }
    coder.bytes(&numbers, codes);
    lost
}

/// The codes of sums of codes.
struct OfPairs<'a, A, B> {
    coder: Coder,
    a: &'a [A],
    b: &'a [B],
    /// Both zero points.
    zero: i32,
    codes: &'a mut [u8],
}

impl<A: Copy + Default + Into<i32>, B: Copy + Default + Into<i32>> Vectorized
    for OfPairs<'_, A, B>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { coder, a, b, zero, codes } = self;
        let (long, codes) = codes.as_chunks_mut();
        let ((a_long, a), (b_long, b)) = (a.as_chunks(), b.as_chunks());
        for ((a, b), codes) in a_long.iter().zip(b_long).zip(long) {
            of_pairs::<A, B, LONG>(&coder, a, b, zero, codes);
        }
        if !codes.is_empty() {
            let (mut ours, mut theirs, mut last) =
                ([A::default(); LONG], [B::default(); LONG], [0; LONG]);
            ours[..a.len()].copy_from_slice(a);
            theirs[..b.len()].copy_from_slice(b);
            of_pairs(&coder, &ours, &theirs, zero, &mut last);
            codes.copy_from_slice(&last[..codes.len()]);
        }
    }
}

#[inline(always)]
fn of_pairs<A: Copy + Into<i32>, B: Copy + Into<i32>, const P: usize>(
    coder: &Coder,
    a: &[A; P],
    b: &[B; P],
    zero: i32,
    codes: &mut [u8; P],
) {
    let mut numbers = [0; P];
    for at in 0..P {
        let (a, b): (i32, i32) = (a[at].into(), b[at].into());
        numbers[at] = a + b - zero;
    }
    coder.bytes(&numbers, codes);
}
