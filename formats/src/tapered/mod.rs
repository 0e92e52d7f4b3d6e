//! Tapered formats, whose exponent takes as many bits as it needs and leaves the rest to the fraction: posits, takums, and
//! HiF8, which has a file to itself.
//!
//! Of a posit or takum, a positive value is an infinite string of bits; a code of `n` bits is a zero and the first `n - 1` of these, and the
//! values grow with the strings. So both formats are rounded as numbers are: cut the string, look at what was cut
//! off, and perhaps add one. The negative of a value has the two's complement of its code. Code 0 is zero; 1 followed by
//! zeros is NaR, "not a real", the only special value.
//!
//! A value other than zero becomes zero only in a mode that says so (toward zero, or up or down to it). A string that is
//! rounded up past the last code is an overflow, and the policy decides; both standards saturate.

mod encode;
pub(crate) mod hif8;
mod posit;
mod takum;

pub use posit::PositFormat;
pub use takum::TakumFormat;

use crate::real::Real;

/// The string of a positive value's leading 64 bits, aligned to the left; the last bit stands for all after it too.
#[derive(Clone, Copy)]
struct BitString(u64);

impl BitString {
    /// Beyond every code.
    const LARGEST: Self = Self(u64::MAX);
    /// Below every code but zero's.
    const SMALLEST: Self = Self(1);

    /// A head of 1 to 63 bits, followed by the bits of `tail`, which is aligned to the left.
    const fn new(head: u64, length: u32, tail: u64) -> Self {
        let cut_off = tail & ((1 << length) - 1) != 0;
        Self(head << (64 - length) | tail >> length | cut_off as u64)
    }
}

/// The fraction of a value, aligned to the left.
const fn fraction(x: Real) -> u64 {
    x.significand() << 1
}

/// `(1 + fraction / 2^64) * 2^exponent`, which the caller knows to be a normal `f64`.
const fn assemble(fraction: u64, exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52 | fraction >> 12)
}

/// The magnitude of a code of `bits` bits and whether it is negated; `None` for zero and NaR.
const fn magnitude(code: u32, bits: u32) -> Option<(u64, bool)> {
    let half = 1u64 << (bits - 1);
    let code = code as u64 & (2 * half - 1);
    if code == 0 || code == half {
        None
    } else if code > half {
        Some((2 * half - code, true))
    } else {
        Some((code, false))
    }
}

/// Zero or NaR.
const fn decode_special(code: u32, bits: u32) -> f64 {
    if code >> (bits - 1) & 1 == 0 { 0.0 } else { f64::NAN }
}
