//! One value through one channel's constants. All arithmetic stays within 64 bits.

use super::columns::Constants;

/// What a lane makes of a value.
#[derive(Clone, Copy)]
pub(super) struct Lane {
    /// The scaled value in 32 bits.
    pub(super) value: i32,
    /// Negative where the specification has to be asked.
    pub(super) odd: i64,
}

/// From a value to a scaled one.
pub(super) trait ScaleLane: Copy + Send + Sync {
    /// The scaled value.
    fn scaled(self, x: i64, constants: Constants) -> Lane;
}

/// Negative where 32 bits do not hold `x`, of at most 63 bits.
#[inline(always)]
const fn beyond_32(x: i64) -> i64 {
    (x - i32::MIN as i64) | (i32::MAX as i64 - x)
}

/// What becomes of a quotient.
pub(super) mod quotient {
    /// It fits 32 bits.
    pub(crate) const FITS: u8 = 0;
    /// Its low bits are taken.
    pub(crate) const WRAPS: u8 = 1;
    /// One beyond is odd.
    pub(crate) const CHECKED: u8 = 2;
    /// A value of at least `bound` in magnitude is odd; others fit.
    pub(crate) const BOUNDED: u8 = 3;
}

/// `floor((x multiplier + base + [x < 0] negative) / 2^shift)`: TOSA, TFLite with one rounding, 48 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Single<const SIGNED: bool, const QUOTIENT: u8>;

/// The constants of [`Single`].
pub(super) struct SingleConstants {
    pub(super) multiplier: i64,
    pub(super) shift: i64,
    pub(super) base: i64,
    pub(super) negative: i64,
    pub(super) bound: i64,
}

impl From<SingleConstants> for Constants {
    fn from(c: SingleConstants) -> Self {
        [c.multiplier, c.shift, c.base, c.negative, c.bound, 0, 0, 0]
    }
}

impl<const SIGNED: bool, const QUOTIENT: u8> ScaleLane for Single<SIGNED, QUOTIENT> {
    #[inline(always)]
    fn scaled(self, x: i64, [multiplier, shift, base, negative, bound, ..]: Constants) -> Lane {
        // Multipliers have 32 bits, which makes the product one instruction.
        let mut sum = x * i64::from(multiplier as i32) + base;
        if SIGNED {
            sum += (x >> 63) & negative;
        }
        let value = sum >> (shift & 63);
        let odd = match QUOTIENT {
            quotient::CHECKED => beyond_32(value),
            quotient::BOUNDED => (x + bound) | (bound - 1 - x),
            _ => 0,
        };
        Lane { value: value as i32, odd }
    }
}

/// Two roundings, by a doubling high product and a shift: gemmlowp, CMSIS-NN, ruy.
///
/// `LEFT` says what becomes of the value that was shifted to the left: [`quotient::FITS`] where none is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubled<const LEFT: u8>;

/// The constants of [`Doubled`].
pub(super) struct DoubledConstants {
    pub(super) multiplier: i64,
    pub(super) left: i64,
    pub(super) right: i64,
    /// Half a unit of the shift to the right.
    pub(super) half: i64,
    /// -1 where ties of negative numbers go down, 0 where they go up.
    pub(super) away: i64,
}

impl From<DoubledConstants> for Constants {
    fn from(c: DoubledConstants) -> Self {
        [c.multiplier, c.left, c.right, c.half, c.away, 0, 0, 0]
    }
}

impl<const LEFT: u8> ScaleLane for Doubled<LEFT> {
    #[inline(always)]
    fn scaled(self, x: i64, [multiplier, left, right, half, away, ..]: Constants) -> Lane {
        let (mut x, mut odd) = (x, 0);
        if LEFT != quotient::FITS {
            x <<= left & 31;
            if LEFT == quotient::CHECKED {
                odd = beyond_32(x);
            }
            x = i64::from(x as i32);
        }
        let high = (x * i64::from(multiplier as i32) + (1 << 30)) >> 31;
        let value = (high + half + ((high >> 63) & away)) >> (right & 63);
        Lane { value: value as i32, odd }
    }
}

/// `t = floor(x multiplier / 2^shift)` in 32 bits, then `floor((t + 1) / 2)`: CMSIS-NN with one rounding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Narrowed<const QUOTIENT: u8>;

impl<const QUOTIENT: u8> ScaleLane for Narrowed<QUOTIENT> {
    #[inline(always)]
    fn scaled(self, x: i64, [multiplier, shift, ..]: Constants) -> Lane {
        let narrowed = (x * i64::from(multiplier as i32)) >> (shift & 63);
        let odd = if QUOTIENT == quotient::CHECKED {
            beyond_32(narrowed) | beyond_32(narrowed + 1)
        } else {
            0
        };
        Lane { value: (narrowed as i32).wrapping_add(1) >> 1, odd }
    }
}

/// The product with a real number, rounded in any mode, then clamped to the output's range: exact products and shifts.
///
/// `WIDE`: the number has up to 53 bits, the multiplier is what is above the lowest 27 of them, which are `low`; what
/// they lose is the last bit of the sum. `VARIES`: the addend depends on parity and sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounded<const VARIES: bool, const WIDE: bool> {
    pub(super) least: i64,
    pub(super) most: i64,
}

/// Bits of the low part of a wide multiplier.
pub(super) const LOW_BITS: u32 = 27;

/// The constants of [`Rounded`].
pub(super) struct RoundedConstants {
    pub(super) multiplier: i64,
    pub(super) low: i64,
    pub(super) shift: i64,
    pub(super) addend: super::rounding::Addend,
}

impl From<RoundedConstants> for Constants {
    fn from(c: RoundedConstants) -> Self {
        let a = c.addend;
        [c.multiplier, c.shift, a.base, a.odd, a.negative, a.both, c.low, 0]
    }
}

impl<const VARIES: bool, const WIDE: bool> ScaleLane for Rounded<VARIES, WIDE> {
    #[inline(always)]
    fn scaled(
        self,
        x: i64,
        [multiplier, shift, base, odd, negative, both, low, _]: Constants,
    ) -> Lane {
        let high = x * i64::from(multiplier as i32);
        let product = if WIDE {
            let rest = x * i64::from(low as i32);
            let lost = rest & ((1 << LOW_BITS) - 1);
            (high + (rest >> LOW_BITS)) << 1 | i64::from(lost != 0)
        } else {
            high
        };
        let mut sum = product + base;
        if VARIES {
            let (is_odd, is_negative) = (-(product >> (shift & 63) & 1), product >> 63);
            sum += (is_odd & odd) + (is_negative & negative) + (is_odd & is_negative & both);
        }
        let value = (sum >> (shift & 63)).max(self.least).min(self.most);
        Lane { value: value as i32, odd: 0 }
    }
}

/// `round(x scale + bias)` in f32, of outputs of at most 16 bits: ONNX Runtime, FINN+.
///
/// The ends are integers, so clamping first is the same as clamping last; added to 1.5 * 2^23, whose last bit is one unit,
/// the number is rounded by that one addition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Float<const BIASED: bool> {
    pub(super) least: f32,
    pub(super) most: f32,
}

/// The constants of [`Float`]: bits of f32.
pub(super) fn float_constants(scale: f32, bias: f32) -> Constants {
    [scale.to_bits().into(), bias.to_bits().into(), 0, 0, 0, 0, 0, 0]
}

impl<const BIASED: bool> ScaleLane for Float<BIASED> {
    #[inline(always)]
    fn scaled(self, x: i64, [scale, bias, ..]: Constants) -> Lane {
        const SHIFT: f32 = 12_582_912.0;
        let mut y = (x as i32) as f32 * f32::from_bits(scale as u32);
        if BIASED {
            y += f32::from_bits(bias as u32);
        }
        let y = if y < self.least { self.least } else { y };
        let y = if y > self.most { self.most } else { y };
        let value = (y + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits());
        Lane { value: value as i32, odd: 0 }
    }
}
