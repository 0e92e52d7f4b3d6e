//! How much work a search may be.

use serde::{Deserialize, Serialize};

use super::super::AlgorithmError;

/// How much work [`joint`](super::joint) and [`polish`](super::polish) may be, 0 to 4.
///
/// | effort | scales per row | steps of the relaxation | descent |
/// |---|---|---|---|
/// | 0 | 1 | 2 | none |
/// | 1 | 1 | 2 | single moves |
/// | 2 | 1 | 2 | and the partners of 8 columns |
/// | 3 | 3 | 4 | and the partners of 16 columns |
/// | 4 | 7 | 20 | and the partners of 64 columns |
///
/// The scales are those that [`ScaleChoice::Searched`](super::ScaleChoice) leaves open, besides the given ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Effort(u8);

impl Default for Effort {
    /// 2.
    fn default() -> Self {
        Self(2)
    }
}

impl Effort {
    /// No descent.
    pub const NONE: Self = Self(0);

    /// # Errors
    /// A level above 4.
    pub fn new(level: u8) -> Result<Self, AlgorithmError> {
        match level {
            0..=4 => Ok(Self(level)),
            _ => Err(AlgorithmError::Parameter {
                name: "the effort",
                value: level.into(),
                expected: "0 to 4",
            }),
        }
    }

    /// Its number.
    #[must_use]
    pub fn level(self) -> u8 {
        self.0
    }

    /// The factors on the scales that the budgets suggest.
    pub(super) fn factors(self) -> &'static [f32] {
        match self.0 {
            0..=2 => &[1.0],
            3 => &[1.2, 1.0, 0.85],
            _ => &[1.4, 1.2, 1.1, 1.0, 0.92, 0.85, 0.7],
        }
    }

    /// Of the relaxation.
    pub(super) fn iterations(self) -> usize {
        match self.0 {
            0..=2 => 2,
            3 => 4,
            _ => 20,
        }
    }

    /// Columns whose partners are looked for; `None` for no descent.
    pub(super) fn partners(self) -> Option<usize> {
        match self.0 {
            0 => None,
            1 => Some(0),
            2 => Some(8),
            3 => Some(16),
            _ => Some(64),
        }
    }
}

impl TryFrom<u8> for Effort {
    type Error = AlgorithmError;

    fn try_from(level: u8) -> Result<Self, AlgorithmError> {
        Self::new(level)
    }
}

impl From<Effort> for u8 {
    fn from(effort: Effort) -> Self {
        effort.level()
    }
}
