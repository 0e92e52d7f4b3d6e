//! Averages of the statistics of batches.

use super::exact_sum::ExactSum;

/// How the statistics of batches become one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Average {
    /// Their mean, computed exactly and rounded once. The order of batches does not matter.
    Mean,
    /// Their running mean in f32, `a <- a (n - 1) / n + s / n`, the first batch as it is: what Brevitas does in its
    /// calibration mode (momentum `None`). Each step rounds, so the order of batches shows in the last bits.
    Cumulative,
    /// `a <- a (1 - m) + m s` in f32, the first batch as it is. The weight of a batch falls with each one that follows,
    /// so the order of batches matters. Brevitas's default outside of its calibration mode is `m = 0.1`.
    Momentum(f64),
}

/// An average so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Averaged {
    Exact(Box<ExactSum>),
    Running { average: Average, value: f32 },
}

impl Averaged {
    pub(super) fn new(average: Average) -> Self {
        match average {
            Average::Mean => Self::Exact(Box::default()),
            _ => Self::Running { average, value: f32::NAN },
        }
    }

    /// Takes the statistic of one more batch, after `before` others.
    pub(super) fn observe(&mut self, statistic: f32, before: u64) {
        let n = before + 1;
        match self {
            Self::Exact(sum) => sum.add(statistic.into()),
            Self::Running { value, .. } if before == 0 => *value = statistic,
            Self::Running { average: Average::Momentum(m), value } => {
                *value = *value * (1.0 - *m) as f32 + *m as f32 * statistic;
            }
            Self::Running { value, .. } => {
                *value = *value * (before as f64 / n as f64) as f32 + statistic / n as f32;
            }
        }
    }

    /// Whether the other could be added.
    pub(super) fn merge(&mut self, other: &Self) -> Result<(), Average> {
        match (self, other) {
            (Self::Exact(sum), Self::Exact(other)) => {
                sum.merge(other);
                Ok(())
            }
            (Self::Running { average, .. }, _) => Err(*average),
            (_, Self::Running { average, .. }) => Err(*average),
        }
    }

    pub(super) fn finish(&self, batches: u64) -> f32 {
        match self {
            Self::Exact(sum) => sum.quotient(batches),
            Self::Running { value, .. } => *value,
        }
    }
}
