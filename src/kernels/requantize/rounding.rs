//! A rounding mode as what is added before a shift to the right.

use fewbit_formats::Rounding;
use fewbit_formats::rounding::split;

/// What is added to `p` before `floor(p / 2^shift)`: `base`, and by the parity of that quotient and the sign of `p` more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Addend {
    pub(super) base: i64,
    /// Where the quotient is odd.
    pub(super) odd: i64,
    /// Where `p` is negative.
    pub(super) negative: i64,
    /// Where both are.
    pub(super) both: i64,
}

impl Addend {
    /// One for every `p`.
    pub(super) const fn constant(base: i64) -> Self {
        Self { base, odd: 0, negative: 0, both: 0 }
    }

    /// That of a mode for a shift of 0 to 62; `None` for a mode that takes random bits.
    ///
    /// The mode itself is asked what it does below, at and above the middle: never stepping up adds 0, stepping up
    /// from the middle half a unit, from above it one less, and wherever anything is lost a unit less one.
    pub(super) fn of(mode: Rounding, shift: u32) -> Option<Self> {
        if mode.random_bits().is_some() {
            return None;
        }
        if shift == 0 {
            return Some(Self::constant(0));
        }
        let half = 1i64 << (shift - 1);
        let of = |odd: bool, negative: bool| {
            // The part above the quotient in quarters; downward the magnitude is the next one and its part the rest.
            let up = |quarters: u64| {
                let (part, odd) = if negative { (4 - quarters, !odd) } else { (quarters, odd) };
                let (_, lost) = split(part, 2);
                mode.steps_away(negative, odd, lost, 0) != negative
            };
            match [1, 2, 3].map(up) {
                [false, false, false] => Some(0),
                [false, false, true] => Some(half - 1),
                [false, true, true] => Some(half),
                [true, true, true] => Some(2 * (half - 1) + 1),
                _ => None,
            }
        };
        let base = of(false, false)?;
        let (odd, negative) = (of(true, false)? - base, of(false, true)? - base);
        Some(Self { base, odd, negative, both: of(true, true)? - base - odd - negative })
    }

    /// Whether it is the same for every `p`.
    pub(super) fn is_constant(self) -> bool {
        (self.odd, self.negative, self.both) == (0, 0, 0)
    }
}
