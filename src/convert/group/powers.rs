//! Scales that are powers of two, found by comparisons.

use fewbit_formats::{BlockScale, GroupFormat, GroupPolicy};

use super::extent::Extent;
use crate::convert::lane::LEADING;

/// The exponent field of infinities and NaN.
const SPECIAL_FIELD: usize = 255;

/// For each exponent field of the largest magnitude, the code at its beginning and where the next one begins.
///
/// Twice a normal magnitude has a scale twice as large, so a binade has at most one turn. Both are asked of the
/// specification.
#[derive(Clone, Debug)]
pub(super) struct Powers {
    /// The code of the least magnitude of a binade, and the first magnitude, as bits, with the next code.
    binades: [(u32, u32); 256],
    /// The scale of each code.
    scales: [f32; 256],
    /// The scale of a block of zeros.
    zero: BlockScale,
}

impl Powers {
    /// `None` where the specification refuses a scale, or the codes are not those of at most 8 bits in ascending order.
    pub(super) fn new(format: &GroupFormat, policy: &GroupPolicy) -> Option<Self> {
        let scale_format = format.scale().format;
        if scale_format.bits() > 8 || scale_format.is_signed() {
            return None;
        }
        let code = |bits: u32| -> Option<u32> {
            let scale = format.scale_of_extremes(0.0, f32::from_bits(bits), None, policy);
            Some(scale.ok()?.code)
        };
        let mut binades = [(0, u32::MAX); 256];
        let mut guess = 0;
        for (field, binade) in binades.iter_mut().enumerate().take(SPECIAL_FIELD).skip(1) {
            let (first, last) = ((field as u32) << 23, ((field as u32) << 23) | 0x7f_ffff);
            let (low, high) = (code(first)?, code(last)?);
            let turn = match high.checked_sub(low)? {
                0 => u32::MAX,
                1 => turn(first, last, guess, |bits| code(bits) == Some(low)),
                _ => return None,
            };
            guess = turn & 0x7f_ffff;
            *binade = (low, turn);
        }
        let scales = std::array::from_fn(|code| format.scale_of_code(code as u32, 0, None).value);
        let zero = format.scale_of_extremes(0.0, 0.0, None, policy).ok()?;
        Some(Self { binades, scales, zero })
    }

    /// Finds the scales of blocks that reach so far, of which those that are not finite get any.
    ///
    /// Whether it did: not where a scale is refused.
    pub(super) fn find_all(
        &self,
        extents: &[impl Extent],
        format: &GroupFormat,
        policy: &GroupPolicy,
        scales: &mut [BlockScale],
    ) -> bool {
        let mut any_small = false;
        for (scale, extent) in scales.iter_mut().zip(extents) {
            let magnitude = extent.magnitude();
            let (low, turn) = self.binades[(magnitude >> 23) as usize & 0xff];
            let code = (low + u32::from(magnitude >= turn)) & 0xff;
            let value = self.scales[code as usize];
            *scale = BlockScale { code, value, zero_point: 0 };
            any_small |= magnitude < LEADING;
        }
        !any_small || self.find_small(extents, format, policy, scales)
    }

    /// As [`Self::find_all`], of zeros and subnormal values.
    #[cold]
    fn find_small(
        &self,
        extents: &[impl Extent],
        format: &GroupFormat,
        policy: &GroupPolicy,
        scales: &mut [BlockScale],
    ) -> bool {
        for (scale, extent) in scales.iter_mut().zip(extents) {
            *scale = match extent.magnitude() {
                0 => self.zero,
                LEADING.. => continue,
                _ => match format.scale_of_extremes(0.0, extent.single(), None, policy) {
                    Ok(scale) => scale,
                    Err(_) => return false,
                },
            };
        }
        true
    }
}

/// The first of `first..=last` that is not low any more; `guess` is the place of the turn in the binade before.
fn turn(first: u32, last: u32, guess: u32, is_low: impl Fn(u32) -> bool) -> u32 {
    let guessed = first | guess;
    if guess != 0 && !is_low(guessed) && is_low(guessed - 1) {
        return guessed;
    }
    let (mut low, mut high) = (first, last);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if is_low(middle) { low = middle } else { high = middle }
    }
    high
}
