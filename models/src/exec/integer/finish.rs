//! Sums of 32 bits become codes of 8: bias, ReLU, scale and quantizer in one pass over memory.

use std::sync::atomic::{AtomicBool, Ordering};

use fewbit::formats::{Format, IntFormat};
use fewbit::quantize::Quantizer;
use fewbit::{Vectorized, vectorize};
use ndarray::{ArcArray, IxDyn};

use crate::ops::parallel::rows;
use crate::ops::static_integer::StaticInteger;

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

/// Sums of channels: `[images, channels, positions]`, each with a number of its channel, in a scale of its channel.
pub(super) struct Channels<'a> {
    pub(super) sums: &'a [i32],
    /// What is added to the sums of each channel.
    pub(super) plus: &'a [i32],
    /// The scale of each channel, or one for all.
    pub(super) scales: &'a [f32],
    /// The extents of the result.
    pub(super) shape: &'a [usize],
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

    /// The codes of sums; `None` where one does not fit into 32 bits, or a value is not finite.
    pub(super) fn channels(&self, channels: &Channels<'_>) -> Option<Codes> {
        let Channels { sums, plus, scales, shape } = *channels;
        let plane: usize = shape.get(2..)?.iter().product();
        let fits = scales.iter().all(|scale| scale.abs() <= GREATEST);
        if !fits || plus.is_empty() || sums.len() != shape.iter().product::<usize>() {
            return None;
        }
        let job = |at: usize| {
            let channel = at % plus.len();
            let scale = scales.get(channel).or(scales.first()).copied().unwrap_or(1.0);
            (&sums[at * plane..][..plane], plus[channel], scale)
        };
        let Self { plan, least, .. } = *self;
        self.codes(shape, plane, move |at, codes| {
            let (sums, plus, scale) = job(at);
            vectorize(OfSums { plan, least, sums, plus, scale, codes })
        })
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
        let Self { plan, least, .. } = *self;
        macro_rules! bytes {
            ($a:expr, $b:expr) => {{
                let (a, b) = ($a.as_slice()?, $b.as_slice()?);
                self.codes(shape, PIECE, move |at, codes| {
                    let part = |len| at * PIECE..(at * PIECE + PIECE).min(len);
                    let (a, b) = (&a[part(a.len())], &b[part(b.len())]);
                    vectorize(OfPairs { plan, least, a, b, zero, scale, codes })
                })
            }};
        }
        match (&a.ints, &b.ints) {
            (Ints::U8(a), Ints::U8(b)) => bytes!(a, b),
            (Ints::U8(a), Ints::I8(b)) => bytes!(a, b),
            (Ints::I8(a), Ints::U8(b)) => bytes!(a, b),
            (Ints::I8(a), Ints::I8(b)) => bytes!(a, b),
            _ => None,
        }
    }

    /// Codes row by row; `fill` tells whether it could.
    fn codes(
        &self,
        shape: &[usize],
        row: usize,
        fill: impl Fn(usize, &mut [u8]) -> bool + Sync,
    ) -> Option<Codes> {
        let count: usize = shape.iter().product();
        let mut bytes = vec![0u8; count];
        let failed = AtomicBool::new(false);
        rows(&mut bytes, row, row, |at, codes| {
            if !fill(at, codes) {
                failed.store(true, Ordering::Relaxed);
            }
        });
        if failed.into_inner() {
            return None;
        }
        let ints = if self.format.min() >= 0 {
            Ints::U8(ArcArray::from_shape_vec(IxDyn(shape), bytes).ok()?)
        } else {
            let signed = bytes.into_iter().map(|byte| byte as i8).collect();
            Ints::I8(ArcArray::from_shape_vec(IxDyn(shape), signed).ok()?)
        };
        let Self { format, zero_point, .. } = *self;
        Some(Codes { ints, format, scales: Scales::one(self.plan.scale()), zero_point })
    }
}

/// Elements of a task.
const PIECE: usize = 1 << 12;

/// The codes of sums of one scale; whether all sums fit.
struct OfSums<'a> {
    plan: StaticInteger,
    least: i32,
    sums: &'a [i32],
    plus: i32,
    scale: f32,
    codes: &'a mut [u8],
}

impl Vectorized for OfSums<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let Self { plan, least, sums, plus, scale, codes } = self;
        let mut lost = 0i32;
        for (code, &sum) in codes.iter_mut().zip(sums) {
            let total = sum.wrapping_add(plus);
            // Negative where both have another sign than their sum.
            lost |= (sum ^ total) & (plus ^ total);
            *code = plan.byte(total.max(least) as f32 * scale);
        }
        lost >= 0
    }
}

/// The codes of sums of codes.
struct OfPairs<'a, A, B> {
    plan: StaticInteger,
    least: i32,
    a: &'a [A],
    b: &'a [B],
    /// Both zero points.
    zero: i32,
    scale: f32,
    codes: &'a mut [u8],
}

impl<A: Copy + Into<i32>, B: Copy + Into<i32>> Vectorized for OfPairs<'_, A, B> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let Self { plan, least, a, b, zero, scale, codes } = self;
        for ((code, &a), &b) in codes.iter_mut().zip(a).zip(b) {
            let (a, b): (i32, i32) = (a.into(), b.into());
            *code = plan.byte((a + b - zero).max(least) as f32 * scale);
        }
        true
    }
}
