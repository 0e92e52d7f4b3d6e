//! Scales that are numbers, many at once: rounded to their format, and back to values, in lanes.

use fewbit_formats::{BlockScale, Format, GroupFormat, GroupPolicy, Overflow, Rounding};

use super::extent::Extent;
use crate::convert::decode::Decoder;
use crate::convert::encode::Encoder;
use crate::convert::lane::{INFINITY, LEADING, MAGNITUDE};
use crate::convert::source::quotient_may_be_odd;
use crate::simd::{Detected, Isa, IsaError, Vectorized};

/// Blocks whose scales are found together.
pub(super) const AT_ONCE: usize = 256;

/// How the numbers are rounded.
#[derive(Clone, Debug)]
pub(super) struct ScaleLanes {
    /// The lanes of its format; none where that is `f32`, and the rounding to nearest even.
    lanes: Option<(Encoder, Decoder)>,
    /// The scale of a block of zeros, without an outer one.
    zero: BlockScale,
    /// The least one of any other block, which the policy may put above what its number is rounded to.
    least: BlockScale,
}

impl ScaleLanes {
    /// `None` where lanes do not round as the specification does, which is asked for the two special scales.
    pub(super) fn new(format: &GroupFormat, policy: &GroupPolicy) -> Option<Self> {
        let (scale, code) = (format.scale().format, &policy.scale_code);
        let wraps = matches!(code.overflow, Overflow::Wrap | Overflow::WrapSignMagnitude);
        if code.rounding.random_bits().is_some() || wraps {
            return None;
        }
        let lanes = if scale == Format::F32 {
            (code.rounding == Rounding::TiesEven).then_some(None)?
        } else {
            let odd = scale.fits_f32() && quotient_may_be_odd(scale, code);
            odd.then(|| Some((Encoder::new(scale, *code), Decoder::new(scale))))?
        };
        let zero = format.scale_of_extremes(0.0, 0.0, None, policy).ok()?;
        let tiny = 2f64.powi(-900);
        let least = format.scale_of_number(tiny, None, policy).ok()?;
        (least.value >= 0.0 && zero.value >= 0.0).then_some(Self { lanes, zero, least })
    }

    /// The same for another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub(super) fn with_isa(self, isa: Isa) -> Result<Self, IsaError> {
        let lanes = match self.lanes {
            Some((encoder, decoder)) => Some((encoder.with_isa(isa)?, decoder.with_isa(isa)?)),
            None => None,
        };
        Ok(Self { lanes, ..self })
    }

    /// Whether a number rounded to an odd `f32` is rounded as the number itself is; else its nearest `f32` is it.
    #[inline(always)]
    pub(super) fn takes_odd(&self) -> bool {
        self.lanes.is_some()
    }

    /// Finds the scales of blocks that reach so far, of which those that are not finite get any; `numbers` are what is
    /// rounded, `outers` what values are multiplied by.
    ///
    /// Whether it did: not where a scale is refused or special.
    pub(super) fn find<E: Extent>(
        &self,
        extents: &[E],
        numbers: &[f32],
        outers: &[f32; AT_ONCE],
        isa: Detected,
        scales: &mut [BlockScale],
    ) -> bool {
        let (mut codes, mut values) = ([0u32; AT_ONCE], [0f32; AT_ONCE]);
        let (codes, values) = (&mut codes[..numbers.len()], &mut values[..numbers.len()]);
        let done = match &self.lanes {
            Some((encoder, decoder)) => {
                encoder.encode(numbers, codes).and_then(|()| decoder.decode(codes, values)).is_ok()
            }
            None => {
                values.copy_from_slice(numbers);
                codes.iter_mut().zip(numbers).for_each(|(code, x)| *code = x.to_bits());
                // What is subnormal depends on the policy.
                numbers.iter().all(|x| x.to_bits() >= LEADING)
            }
        };
        done && isa.vectorize(Finish { lanes: self, extents, codes, values, outers, scales })
    }
}

/// The special scales, and the outer ones.
struct Finish<'a, E> {
    lanes: &'a ScaleLanes,
    extents: &'a [E],
    codes: &'a [u32],
    values: &'a [f32],
    outers: &'a [f32; AT_ONCE],
    scales: &'a mut [BlockScale],
}

impl<E: Extent> Vectorized for Finish<'_, E> {
    /// Whether all of them are finite.
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let Self { lanes: ScaleLanes { zero, least, .. }, extents, codes, values, outers, scales } =
            self;
        let mut most = 0;
        let blocks = extents.iter().zip(codes.iter().zip(values)).zip(outers);
        for (scale, ((extent, (&code, &value)), outer)) in scales.iter_mut().zip(blocks) {
            most = most.max(value.to_bits() & MAGNITUDE);
            let (code, own) =
                if value >= least.value { (code, value) } else { (least.code, least.value) };
            let (code, own) =
                if extent.magnitude() == 0 { (zero.code, zero.value) } else { (code, own) };
            *scale = BlockScale { code, value: own * outer, zero_point: 0 };
        }
        most < INFINITY
    }
}
