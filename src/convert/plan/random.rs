//! The random bits of stochastic modes, as lanes take them.

use fewbit_formats::Rounding;

/// How a stochastic mode uses its random bits.
pub(super) struct RandomWord {
    pub(super) up: u32,
    pub(super) middle: u32,
    pub(super) tie: u32,
    pub(super) odd: u32,
    pub(super) flip: u32,
    /// Bits of the part cut off that decide.
    pub(super) compared: u32,
}

impl RandomWord {
    /// `None` where the mode draws no random bits or compares more than lanes do.
    pub(super) fn new(rounding: Rounding) -> Option<Self> {
        let bits = u32::from(rounding.random_bits()?.min(32));
        let up = 32 - bits;
        let word = Self { up, middle: 0, tie: 0, odd: 0, flip: 0, compared: bits };
        match rounding {
            Rounding::Stochastic { .. } if bits >= 1 => Some(word),
            Rounding::StochasticMiddle { .. } if (1..=31).contains(&bits) => {
                Some(Self { middle: 1 << (31 - bits), compared: bits + 1, ..word })
            }
            Rounding::StochasticNearest { .. } | Rounding::StochasticOdd { .. }
                if (1..=30).contains(&bits) =>
            {
                let flip = u32::from(matches!(rounding, Rounding::StochasticOdd { .. }));
                Some(Self { tie: 1 << (31 - bits), odd: 1, flip, compared: 32, ..word })
            }
            _ => None,
        }
    }
}
