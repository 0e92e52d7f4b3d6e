//! Products with a real number as integers: how many bits it has, and the constants of each channel.

use fewbit_formats::Rounding;

use super::columns::Constants;
use super::lane::{LOW_BITS, RoundedConstants};
use super::rounding::Addend;
use crate::requantize::PerChannel;

/// Bits of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// 31 at most: the product has 64.
    Narrow,
    /// 53 at most: in two parts.
    Wide,
}

/// The constants of all channels for a product that is rounded.
pub(super) struct Product {
    pub(super) width: Width,
    /// Whether what is added before the shift depends on the product.
    pub(super) varies: bool,
    /// Values up to this magnitude are taken.
    pub(super) takes: i64,
    pub(super) constants: PerChannel<Constants>,
}

/// `(multiplier, low, shift)`
type Parts = (i64, i64, i32);

impl Product {
    /// With `2^-shift`.
    pub(super) fn shift(shift: &PerChannel<i32>, mode: Rounding) -> Option<Self> {
        Self::new(Width::Narrow, shift.map(|&shift| (1, 0, shift)), mode)
    }

    /// With a scale; `None` where it is too large, too small or the mode takes random bits.
    pub(super) fn exact(scale: &PerChannel<f64>, mode: Rounding) -> Option<Self> {
        let of = |parts: fn(f64) -> Option<Parts>| scale.try_map(|_, &x| parts(x).ok_or(())).ok();
        if let Some(parts) = of(narrow) {
            return Self::new(Width::Narrow, parts, mode);
        }
        Self::new(Width::Wide, of(wide)?, mode)
    }

    fn new(width: Width, parts: PerChannel<Parts>, mode: Rounding) -> Option<Self> {
        let constants = parts.try_map(|_, &(multiplier, low, shift)| {
            let addend = Addend::of(mode, shift.unsigned_abs()).ok_or(())?;
            let shift = shift.into();
            Ok::<_, ()>((RoundedConstants { multiplier, low, shift, addend }.into(), addend))
        });
        let constants: PerChannel<(Constants, Addend)> = constants.ok()?;
        let takes = match width {
            // A product below 2^62, and as much is added.
            Width::Narrow => {
                let greatest = parts.iter().map(|part| part.0.unsigned_abs()).max().unwrap_or(1);
                ((1 << 62) - 1) / i64::try_from(greatest.max(1)).ok()?
            }
            Width::Wide => 1 << 31,
        };
        let varies = constants.iter().any(|(_, addend)| !addend.is_constant());
        Some(Self { width, varies, takes, constants: constants.map(|(constants, _)| *constants) })
    }
}

/// `(s, e)` with `x = s 2^e` and `s` odd or 0.
fn parts(x: f64) -> (i64, i32) {
    let field = (x.to_bits() >> 52 & 0x7ff) as i32;
    let leading = if field == 0 { 0 } else { 1i64 << 52 };
    let significand = (x.to_bits() & ((1 << 52) - 1)) as i64 | leading;
    if significand == 0 {
        return (0, 0);
    }
    let zeros = significand.trailing_zeros();
    let odd = significand >> zeros;
    (if x < 0.0 { -odd } else { odd }, field.max(1) - 1075 + zeros as i32)
}

/// A number of at most 31 bits over a power of two of at most 2^62.
fn narrow(x: f64) -> Option<Parts> {
    let (significand, exponent) = parts(x);
    let bits = 64 - significand.unsigned_abs().leading_zeros() as i32 + exponent.max(0);
    if bits > 31 || exponent < -62 {
        return None;
    }
    Some((significand << exponent.max(0), 0, (-exponent).max(0)))
}

/// A number of 53 bits: what is above its lowest 27, these, and the shift of the product in units of 2^-27 and one bit
/// more for what was lost. That bit must be below half a unit.
fn wide(x: f64) -> Option<Parts> {
    let (odd, exponent) = parts(x);
    let up = odd.unsigned_abs().leading_zeros() as i32 - 11;
    if odd == 0 {
        return Some((0, 0, 2));
    }
    let (significand, shift) = (odd << up, up - exponent - LOW_BITS as i32 + 1);
    let low = significand & ((1 << LOW_BITS) - 1);
    (2..=62).contains(&shift).then_some((significand >> LOW_BITS, low, shift))
}
