//! HiF8: an 8-bit float whose fraction shrinks from three bits to none as the exponent moves away from zero.
//!
//! A code is a sign and seven bits: a *dot* of variable length that says how many bits D of exponent follow, the
//! exponent as sign and magnitude without its leading one, and the fraction T in what is left.
//!
//! ```text
//! dot     D    exponent E                   value
//! 11      4    ±(8 to 15)    1 bit of T     (1 + T/2) * 2^E
//! 10      3    ±(4 to 7)     2 bits         (1 + T/4) * 2^E
//! 01      2    ±(2 or 3)     3 bits         (1 + T/8) * 2^E
//! 001     1    ±1            3 bits         (1 + T/8) * 2^E
//! 0001    0    0             3 bits         (1 + T/8) * 2^E
//! 0000    -    -             3 bits         2^(T - 23), or zero where T = 0: the denormal mode
//! ```
//!
//! There is one zero; the code that would be its negative is NaN, and the largest magnitude, `0x6f`, is infinity. Source:
//! Luo et al., "Ascend HiFloat8 Format for Deep Learning", arXiv 2409.16626.
//!
//! Codes do not grow with the values, so a value is rounded to its *rank*: zero has rank 0, the smallest positive value
//! rank 1, and so on to infinity, 127. The last bit of a rank is that of its code: both are the last bit of T.

pub(crate) mod encode;

use crate::real::Real;
use crate::rounding::{Rounded, Rounding};

/// The sign.
const SIGN: u32 = 0x80;
/// Negative zero's place.
const NAN: u32 = 0x80;
/// The magnitude of infinity, and its rank.
const INFINITY: u32 = 0x6f;
const INFINITY_RANK: i64 = 127;
/// The magnitude of the largest value, 2^15.
const LARGEST: u32 = 0x6e;
/// The exponent of the smallest value, and of the smallest one that is not in the denormal mode.
const LEAST_EXPONENT: i32 = -22;
const NORMAL_EXPONENT: i32 = -15;

/// Consecutive binades whose fractions have as many bits.
#[derive(Clone, Copy)]
struct Band {
    /// The exponent of the first binade.
    exponent: i32,
    fraction_bits: u32,
    /// The rank of its first value.
    rank: i64,
}

const fn band(exponent: i32, fraction_bits: u32, rank: i64) -> Band {
    Band { exponent, fraction_bits, rank }
}

/// In ascending order.
const BANDS: [Band; 6] = [
    band(LEAST_EXPONENT, 0, 1),
    band(NORMAL_EXPONENT, 1, 8),
    band(-7, 2, 24),
    band(-3, 3, 40),
    band(4, 2, 96),
    band(8, 1, 112),
];

/// The value of a code; the sign of NaN is that of its code.
pub(crate) const fn decode(code: u32) -> f64 {
    let negative = code & SIGN != 0;
    let value = match code & !SIGN & 0xff {
        0 if negative => f64::NAN,
        0 => return 0.0,
        INFINITY => f64::INFINITY,
        magnitude => finite(magnitude),
    };
    if negative { -value } else { value }
}

/// The value of a code as an operand; one of the denormal mode is subnormal.
pub(crate) const fn decode_real(code: u32) -> Real {
    let value = Real::from_f64(decode(code));
    let denormal = matches!(code & !SIGN & 0xff, 1..8);
    if denormal { value.as_subnormal() } else { value }
}

/// The value of a magnitude that is neither zero nor infinity.
const fn finite(magnitude: u32) -> f64 {
    let (exponent, fraction, fraction_bits) = match magnitude {
        ..0x08 => (magnitude as i32 - 23, 0, 0),
        0x08..0x10 => (0, magnitude & 7, 3),
        0x10.. => {
            // D is one more than the dot's first two bits; of D = 1 there is a third one.
            let exponent_bits = (magnitude >> 5) + 1;
            let rest = if exponent_bits == 1 { 4 } else { 5 };
            let fraction_bits = rest - exponent_bits;
            let field = magnitude >> fraction_bits & ((1 << exponent_bits) - 1);
            let leading = 1 << (exponent_bits - 1);
            let size = (leading | field & (leading - 1)) as i32;
            let exponent = if field & leading == 0 { size } else { -size };
            (exponent, magnitude & ((1 << fraction_bits) - 1), fraction_bits)
        }
    };
    f64::from_bits(((exponent + 1023) as u64) << 52 | (fraction as u64) << (52 - fraction_bits))
}

/// The magnitude with a rank.
const fn magnitude(rank: i64) -> u32 {
    if rank < 8 {
        return rank as u32;
    }
    let mut index = BANDS.len() - 1;
    while BANDS[index].rank > rank {
        index -= 1;
    }
    let Band { exponent, fraction_bits, rank: first } = BANDS[index];
    let steps = (rank - first) as u32;
    let exponent = exponent + (steps >> fraction_bits) as i32;
    let fraction = steps & ((1 << fraction_bits) - 1);
    let size = exponent.unsigned_abs();
    if size == 0 {
        return 0x08 | fraction;
    }
    let exponent_bits = size.ilog2() + 1;
    let dot = if exponent_bits == 1 { 0x10 } else { (exponent_bits - 1) << 5 };
    let leading = 1 << (exponent_bits - 1);
    let field = if exponent < 0 { size } else { size & !leading };
    dot | field << fraction_bits | fraction
}

/// Where a code stands among all, NaN below all.
pub(crate) const fn place(code: u32) -> i64 {
    let place = match code & !SIGN & 0xff {
        0 if code & SIGN != 0 => return i64::MIN >> 1,
        INFINITY => INFINITY_RANK,
        0 => 0,
        magnitude => {
            let x = Real::from_f64(finite(magnitude));
            Steps::of(x).rounded(Rounding::TowardZero, false, 0).whole
        }
    };
    if code & SIGN != 0 { -place } else { place }
}

/// A value in steps of the ranks about it: `base + significand / 2^shift`.
struct Steps {
    base: i64,
    significand: u64,
    shift: u32,
}

impl Steps {
    #[inline(always)]
    const fn of(x: Real) -> Self {
        let exponent = x.exponent();
        if exponent < LEAST_EXPONENT {
            // Between zero and the smallest value.
            let depth = LEAST_EXPONENT as i64 - exponent as i64;
            let shift = if depth > 65 { 128 } else { 63 + depth as u32 };
            return Self { base: 0, significand: x.significand(), shift };
        }
        let mut index = BANDS.len() - 1;
        while BANDS[index].exponent > exponent {
            index -= 1;
        }
        let Band { exponent: first, fraction_bits, rank } = BANDS[index];
        let binade = rank + ((exponent as i64 - first as i64) << fraction_bits);
        // The leading one of the significand counts a whole binade.
        let base = binade - (1 << fraction_bits);
        Self { base, significand: x.significand(), shift: 63 - fraction_bits }
    }

    #[inline(always)]
    const fn rounded(&self, rounding: Rounding, negative: bool, random: u32) -> Rounded {
        rounding.round(self.base, self.significand, self.shift, negative, random)
    }
}

/// The largest value.
pub(crate) const fn max_finite() -> f64 {
    finite(LARGEST)
}

/// The smallest value that is not in the denormal mode, 2^-15.
pub(crate) const fn smallest_normal() -> f64 {
    f64::from_bits(((NORMAL_EXPONENT + 1023) as u64) << 52)
}
