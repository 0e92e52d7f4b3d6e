//! How much work a search may be.

use super::super::AlgorithmError;

/// How much work [`joint`](super::joint) and [`polish`](super::polish) may be, 0 to 4.
///
/// | effort | scales per row | relaxation | descent |
/// |---|---|---|---|
/// | 0 | 1 | 2 products with H | none |
/// | 1 | 1 | 2 | single moves |
/// | 2 | 3 | 3 | and the partners of 8 columns |
/// | 3 | 5 | 12 | and the partners of 32 columns |
/// | 4 | 9 | 40 | and the partners of 128 columns |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
            0 | 1 => &[1.0],
            2 => &[1.35, 1.0, 0.74],
            3 => &[1.6, 1.26, 1.0, 0.79, 0.63],
            _ => &[2.0, 1.68, 1.41, 1.19, 1.0, 0.84, 0.71, 0.59, 0.5],
        }
    }

    /// Of the relaxation.
    pub(super) fn iterations(self) -> usize {
        [2, 2, 3, 12, 40][usize::from(self.0)]
    }

    /// Columns whose partners are looked for; `None` for no descent.
    pub(super) fn partners(self) -> Option<usize> {
        [None, Some(0), Some(8), Some(32), Some(128)][usize::from(self.0)]
    }
}
