//! What is made of the batches.

use super::{Average, Binned, CalibrationError};
use crate::quantize::{Quantizer, Statistic};
use crate::tensor::Granularity;

/// What is made of the batches.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// The statistic of all elements of all batches together. Extremes keep two numbers per group, means exact sums;
    /// percentiles keep every element, 4 bytes each: see [`Method::Histogram`] for a bounded one.
    Pooled(Statistic),
    /// The average of the batches' own statistics, as Brevitas collects its activation scales.
    Batches {
        /// The statistic of a batch.
        statistic: Statistic,
        /// How they are averaged.
        average: Average,
    },
    /// `c`, of the candidates `max |x| i / 20` with `i` of 2 to 20, for which the values of this quantizer, with `c` for
    /// its threshold, have the least squared error over all elements. Every element is kept.
    ///
    /// The scheme of the quantizer must have one scale; where its scales come from does not matter.
    Mse(Box<Quantizer>),
    /// From counts in bins, in bounded memory.
    Histogram {
        /// Bins for each sign, a power of two.
        bins: u32,
        /// What is read off.
        of: Binned,
    },
}

impl Method {
    /// Whether there is a lower end, for a zero point.
    pub(super) fn has_offset(&self) -> bool {
        match self {
            Self::Pooled(statistic) | Self::Batches { statistic, .. } => statistic.is_range(),
            Self::Mse(_) => true,
            Self::Histogram { of, .. } => !matches!(of, Binned::Percentile { .. }),
        }
    }

    pub(super) fn check(&self) -> Result<(), CalibrationError> {
        let one_scale = |quantizer: &Quantizer| match quantizer.scheme().granularity {
            Granularity::Tensor => Ok(()),
            other => Err(CalibrationError::Granularity(other.to_string())),
        };
        match self {
            Self::Pooled(statistic) | Self::Batches { statistic, .. } => {
                use Statistic as S;
                let of_one_group = matches!(
                    statistic,
                    S::AbsMax
                        | S::MinMax
                        | S::Range
                        | S::AbsPercentile { .. }
                        | S::PercentileInterval { .. }
                        | S::AbsMean
                        | S::MeanSigma { .. }
                );
                if !of_one_group {
                    return Err(CalibrationError::Statistic(statistic.to_string()));
                }
                statistic.check()?;
                match self {
                    Self::Batches { average: Average::Momentum(m), .. }
                        if !(*m > 0.0 && *m <= 1.0) =>
                    {
                        Err(CalibrationError::Momentum(*m))
                    }
                    _ => Ok(()),
                }
            }
            Self::Mse(quantizer) => one_scale(quantizer),
            Self::Histogram { of, .. } => match of {
                Binned::Percentile { high } => {
                    Ok(Statistic::AbsPercentile { high: *high }.check()?)
                }
                Binned::PercentileInterval { low, high } => {
                    Ok(Statistic::PercentileInterval { low: *low, high: *high }.check()?)
                }
                Binned::Mse(quantizer) => one_scale(quantizer),
            },
        }
    }
}
