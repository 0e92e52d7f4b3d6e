//! The one function that rounds.
//!
//! Every encoder scales a value such that one unit is one step of the code, splits it into a whole number and the
//! part cut off, and asks the mode whether to step away from zero. A mode sees the sign, whether the code below is
//! odd, and what was cut off; nothing else.

use crate::named::{Excerpt, UnknownName};
use core::fmt;
use core::str::FromStr;

/// How a value between two codes is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rounding {
    /// To the nearest; a tie to the even code. IEEE roundTiesToEven, `AP_RND_CONV`.
    TiesEven,
    /// To the nearest; a tie to the odd code. `AC_RND_CONV_ODD`.
    TiesOdd,
    /// To the nearest; a tie away from zero. IEEE roundTiesToAway, `AP_RND_INF`.
    TiesAway,
    /// To the nearest; a tie toward zero. IEEE roundTiesToZero, `AP_RND_ZERO`.
    TiesZero,
    /// To the nearest; a tie toward positive infinity. `AP_RND`.
    TiesUp,
    /// To the nearest; a tie toward negative infinity. `AP_RND_MIN_INF`.
    TiesDown,
    /// To the nearest; a positive tie to the even code, a negative tie toward zero. The rounding of AMD's DPU.
    TiesDpu,
    /// Toward zero. IEEE roundTowardZero, `AP_TRN_ZERO`.
    TowardZero,
    /// Toward positive infinity. IEEE roundTowardPositive.
    Up,
    /// Toward negative infinity. IEEE roundTowardNegative, `AP_TRN`.
    Down,
    /// Away from zero.
    Away,
    /// To the odd code, where the value lies between two ("sticky" rounding, von Neumann). P3109 ToOdd.
    Odd,
    /// Away from zero with the probability of the part cut off, its first `bits` bits compared with as many random
    /// ones. P3109 StochasticA.
    Stochastic {
        /// Random bits used, 1 to 32; more count as 32, and none rounds toward zero.
        bits: u8,
    },
    /// As [`Rounding::Stochastic`], the random number taken at the middle of its step. P3109 StochasticB.
    StochasticMiddle {
        /// Random bits used, 1 to 32.
        bits: u8,
    },
    /// As [`Rounding::Stochastic`], the part cut off first rounded (ties to even) to `bits` bits. P3109 StochasticC.
    StochasticNearest {
        /// Random bits used, 1 to 32.
        bits: u8,
    },
    /// As [`Rounding::StochasticNearest`], with ties to odd.
    StochasticOdd {
        /// Random bits used, 1 to 32.
        bits: u8,
    },
}

/// The part of a number below one unit, in units of 2^-64.
///
/// The last bit stands for everything below it too: it is set if anything there is not zero. So the comparisons with
/// zero and with one half are exact, and so are the first 62 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost(u64);

impl Lost {
    /// Exactly one half.
    const HALF: u64 = 1 << 63;

    /// Whether nothing was cut off.
    #[must_use]
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The first `bits` bits, at most 62, as an integer.
    #[inline]
    const fn leading(self, bits: u8) -> u64 {
        self.0 >> 1 >> (63 - bits)
    }
}

/// A stochastic mode of a number of random bits.
type OfBits = fn(u8) -> Rounding;

/// A rounded number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounded {
    /// The whole number chosen.
    pub whole: i64,
    /// What was cut off: zero if the number is exact.
    pub lost: Lost,
}

/// Splits `significand / 2^shift` into its whole part and the part cut off.
#[must_use]
#[inline(always)]
pub const fn split(significand: u64, shift: u32) -> (u64, Lost) {
    match shift {
        0 => (significand, Lost(0)),
        1..64 => (significand >> shift, Lost(significand << (64 - shift))),
        64..128 => {
            let below = shift - 64;
            let sticky = (significand & ((1 << below) - 1) != 0) as u64;
            (0, Lost(significand >> below | sticky))
        }
        _ => (0, Lost((significand != 0) as u64)),
    }
}

impl Rounding {
    /// Rounds `base + significand / 2^shift` to a whole number, `negative` being the sign the magnitude belongs to.
    ///
    /// `base` makes the whole number that of the code, so that its parity is the code's even where no bit of the
    /// significand is stored. `random` is used by the stochastic modes only, which take its low bits.
    #[must_use]
    #[inline(always)]
    pub const fn round(
        self,
        base: i64,
        significand: u64,
        shift: u32,
        negative: bool,
        random: u32,
    ) -> Rounded {
        let (whole, lost) = split(significand, shift);
        let whole = base.wrapping_add(whole as i64);
        let away = self.steps_away(negative, whole & 1 != 0, lost, random);
        Rounded { whole: whole.wrapping_add(away as i64), lost }
    }

    /// Whether a magnitude is rounded away from zero: one expression per mode.
    #[must_use]
    #[inline(always)]
    pub const fn steps_away(self, negative: bool, odd: bool, lost: Lost, random: u32) -> bool {
        let (inexact, tie, above) = (lost.0 != 0, lost.0 == Lost::HALF, lost.0 > Lost::HALF);
        match self {
            Self::TiesEven => above || tie && odd,
            Self::TiesOdd => above || tie && !odd,
            Self::TiesAway => above || tie,
            Self::TiesZero => above,
            Self::TiesUp => above || tie && !negative,
            Self::TiesDown => above || tie && negative,
            Self::TiesDpu => above || tie && odd && !negative,
            Self::TowardZero => false,
            Self::Up => inexact && !negative,
            Self::Down => inexact && negative,
            Self::Away => inexact,
            Self::Odd => inexact && !odd,
            Self::Stochastic { bits } => {
                let bits = at_most_32(bits);
                lost.leading(bits) + low(random, bits) >= 1 << bits
            }
            Self::StochasticMiddle { bits } => {
                let bits = at_most_32(bits);
                lost.leading(bits + 1) + 2 * low(random, bits) + 1 >= 2 << bits
            }
            Self::StochasticNearest { bits } | Self::StochasticOdd { bits } => {
                let bits = at_most_32(bits);
                let (kept, rest) = (lost.leading(bits), lost.0 << bits);
                let tie_up = (kept & 1 != 0) == matches!(self, Self::StochasticNearest { .. });
                let up = rest > Lost::HALF || rest == Lost::HALF && tie_up;
                kept + up as u64 + low(random, bits) >= 1 << bits
            }
        }
    }

    /// Whether the mode consumes random bits, and how many.
    #[must_use]
    pub const fn random_bits(self) -> Option<u8> {
        match self {
            Self::Stochastic { bits }
            | Self::StochasticMiddle { bits }
            | Self::StochasticNearest { bits }
            | Self::StochasticOdd { bits } => Some(bits),
            _ => None,
        }
    }

    /// Whether the mode chooses the nearest code.
    #[must_use]
    pub const fn is_nearest(self) -> bool {
        matches!(
            self,
            Self::TiesEven
                | Self::TiesOdd
                | Self::TiesAway
                | Self::TiesZero
                | Self::TiesUp
                | Self::TiesDown
                | Self::TiesDpu
        )
    }

    /// The modes that need no random bits, with their canonical name first, the short one second, others after them.
    pub const NAMES: &'static [(Self, &'static [&'static str])] = &[
        (Self::TiesEven, &["ties-even", "rne", "AP_RND_CONV", "AC_RND_CONV", "ROUND"]),
        (Self::TiesOdd, &["ties-odd", "rno", "AC_RND_CONV_ODD"]),
        (Self::TiesAway, &["ties-away", "rna", "AP_RND_INF", "AC_RND_INF"]),
        (Self::TiesZero, &["ties-zero", "rnz", "AP_RND_ZERO", "AC_RND_ZERO"]),
        (Self::TiesUp, &["ties-up", "rnu", "AP_RND", "AC_RND"]),
        (Self::TiesDown, &["ties-down", "rnd", "AP_RND_MIN_INF", "AC_RND_MIN_INF"]),
        (Self::TiesDpu, &["ties-dpu", "dpu", "dpu_round"]),
        (Self::TowardZero, &["toward-zero", "rz", "AP_TRN_ZERO", "AC_TRN_ZERO", "ROUND_TO_ZERO"]),
        (Self::Up, &["up", "ru", "CEIL"]),
        (Self::Down, &["down", "rd", "AP_TRN", "AC_TRN", "FLOOR"]),
        (Self::Away, &["away", "raz"]),
        (Self::Odd, &["odd", "ro"]),
    ];

    /// The stochastic modes: canonical name, short name.
    const STOCHASTIC: [(OfBits, &'static str, &'static str); 4] = [
        (|bits| Self::Stochastic { bits }, "stochastic", "sr"),
        (|bits| Self::StochasticMiddle { bits }, "stochastic-middle", "srm"),
        (|bits| Self::StochasticNearest { bits }, "stochastic-nearest", "srn"),
        (|bits| Self::StochasticOdd { bits }, "stochastic-odd", "sro"),
    ];
}

/// As many random bits as a call supplies.
#[inline]
const fn at_most_32(bits: u8) -> u8 {
    if bits > 32 { 32 } else { bits }
}

/// The low `bits` bits of `random`.
#[inline]
const fn low(random: u32, bits: u8) -> u64 {
    random as u64 & ((1 << bits) - 1)
}

impl Rounding {
    /// The mode under its short name, such as `rne` or `sr8`.
    #[must_use]
    pub const fn alias(self) -> RoundingAlias {
        RoundingAlias(self)
    }

    /// Writes the name at `index` of [`Rounding::NAMES`], or that of a stochastic mode.
    fn write_name(self, index: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, names)) = Self::NAMES.iter().find(|(mode, _)| *mode == self) {
            return f.pad(names[index]);
        }
        let Some(bits) = self.random_bits() else { return Err(fmt::Error) };
        let known = Self::STOCHASTIC.iter().find(|(mode, ..)| mode(bits) == self);
        let Some((_, long, short)) = known else { return Err(fmt::Error) };
        write!(f, "{}{bits}", if index == 0 { long } else { short })
    }
}

/// A rounding mode that prints its short name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundingAlias(Rounding);

impl fmt::Display for RoundingAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_name(1, f)
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_name(0, f)
    }
}

impl FromStr for Rounding {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = Self::NAMES
            .iter()
            .find(|(_, names)| names.iter().any(|name| name.eq_ignore_ascii_case(text)));
        if let Some((mode, _)) = plain {
            return Ok(*mode);
        }
        if text.eq_ignore_ascii_case("STOCHASTIC_ROUND") {
            return Ok(Self::Stochastic { bits: 24 });
        }
        let word = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let bits = text[word.len()..].parse().ok().filter(|bits| (1..=32).contains(bits));
        Self::STOCHASTIC
            .iter()
            .find(|(_, long, short)| word.eq_ignore_ascii_case(long) || word.eq_ignore_ascii_case(short))
            .zip(bits)
            .map(|((mode, ..), bits)| mode(bits))
            .ok_or(UnknownName {
                kind: "rounding mode",
                found: Excerpt::new(text),
                expected: "ties-even (rne), ties-odd (rno), ties-away (rna), ties-zero (rnz), ties-up (rnu), \
                           ties-down (rnd), ties-dpu, toward-zero (rz), up (ru), down (rd), away (raz), odd (ro), \
                           stochastic<n> (sr<n>), stochastic-middle<n>, stochastic-nearest<n>, stochastic-odd<n> with n from 1 to 32, \
                           an AP_* or AC_* name, or Brevitas' ROUND, FLOOR, CEIL, \
                           ROUND_TO_ZERO, DPU, STOCHASTIC_ROUND",
            })
    }
}
