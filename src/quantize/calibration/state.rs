//! What is known of one group so far.

use super::average::Averaged;
use super::exact_sum::{ExactSum, rounded};
use super::extremes::Extremes;
use super::histogram::{Binned, Histogram};
use super::least_squares::best;
use super::{CalibrationError, Method};
use crate::quantize::statistic::{clamp_above, extremes, low_percentile};
use crate::quantize::{QuantizeError, Statistic};

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Extremes(Extremes),
    /// Sums of magnitudes and of their squares, and how many there are.
    Sums {
        magnitudes: Box<ExactSum>,
        squares: Box<ExactSum>,
        count: u64,
    },
    /// Every element.
    Kept(Vec<f32>),
    Histogram(Histogram),
    /// Averages of the statistic and of the lower end.
    Batches(Averaged, Averaged),
}

/// What a group comes to: the statistic, and the magnitude of its lower end.
pub(super) struct Outcome {
    pub(super) statistic: f32,
    pub(super) offset: f32,
}

impl Outcome {
    fn new(statistic: f32, least: f32) -> Self {
        // One NaN, one zero.
        let plain = |x: f32| if x.is_nan() { f32::NAN } else { x.abs() };
        Self { statistic: plain(statistic), offset: plain(clamp_above(least)) }
    }
}

impl State {
    pub(super) fn new(method: &Method) -> Result<Self, CalibrationError> {
        Ok(match method {
            Method::Pooled(statistic) => {
                use Statistic as S;
                if matches!(statistic, S::AbsMax | S::MinMax | S::Range) {
                    Self::Extremes(Extremes::default())
                } else if matches!(statistic, S::AbsMean | S::MeanSigma { .. }) {
                    Self::Sums { magnitudes: Box::default(), squares: Box::default(), count: 0 }
                } else {
                    Self::Kept(Vec::new())
                }
            }
            Method::Batches { average, .. } => {
                Self::Batches(Averaged::new(*average), Averaged::new(*average))
            }
            Method::Mse(_) => Self::Kept(Vec::new()),
            Method::Histogram { bins, .. } => Self::Histogram(Histogram::new(*bins)?),
        })
    }

    /// Takes the elements of one more batch, after `before` others.
    pub(super) fn observe(
        &mut self,
        method: &Method,
        x: &[f32],
        before: u64,
    ) -> Result<(), QuantizeError> {
        match self {
            Self::Extremes(extremes) => extremes.observe(x),
            Self::Sums { magnitudes, squares, count } => {
                for &x in x {
                    let magnitude = f64::from(x.abs());
                    magnitudes.add(magnitude);
                    // Exact: 48 bits.
                    squares.add(magnitude * magnitude);
                }
                *count += x.len() as u64;
            }
            Self::Kept(kept) => kept.extend_from_slice(x),
            Self::Histogram(histogram) => histogram.observe(x),
            Self::Batches(statistics, offsets) => {
                if let Method::Batches { statistic, .. } = method {
                    let outcome = of_elements(*statistic, x)?;
                    statistics.observe(outcome.statistic, before);
                    offsets.observe(outcome.offset, before);
                }
            }
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), CalibrationError> {
        match (self, other) {
            (Self::Extremes(extremes), Self::Extremes(other)) => extremes.merge(other),
            (
                Self::Sums { magnitudes, squares, count },
                Self::Sums { magnitudes: m, squares: s, count: n },
            ) => {
                magnitudes.merge(m);
                squares.merge(s);
                *count += n;
            }
            (Self::Kept(kept), Self::Kept(other)) => kept.extend_from_slice(other),
            (Self::Histogram(histogram), Self::Histogram(other)) => histogram.merge(other)?,
            (Self::Batches(a, b), Self::Batches(c, d)) => {
                a.merge(c).and(b.merge(d)).map_err(CalibrationError::Order)?;
            }
            _ => return Err(CalibrationError::Different),
        }
        Ok(())
    }

    pub(super) fn finish(&self, method: &Method, batches: u64) -> Result<Outcome, QuantizeError> {
        Ok(match (self, method) {
            (Self::Extremes(extremes), Method::Pooled(statistic)) => {
                let (least, most) = extremes.ends();
                let ends = [least, most];
                Outcome::new(statistic.of(&ends)?, least)
            }
            (Self::Sums { magnitudes, squares, count }, Method::Pooled(statistic)) => {
                Outcome::new(of_sums(*statistic, magnitudes, squares, *count), 0.0)
            }
            (Self::Kept(kept), Method::Pooled(statistic)) => {
                of_elements(*statistic, &ordered(kept))?
            }
            (Self::Kept(kept), Method::Mse(quantizer)) => {
                let kept = ordered(kept);
                let magnitude = Statistic::AbsMax.of(&kept)?;
                let elements: Vec<(f32, u64)> = kept.iter().map(|&x| (x, 1)).collect();
                Outcome::new(best(quantizer, magnitude, &elements)?, extremes(&kept).0)
            }
            (Self::Histogram(histogram), Method::Histogram { of, .. }) => {
                of_histogram(of, histogram)?
            }
            (Self::Batches(statistic, offset), _) => {
                let offset = -offset.finish(batches);
                Outcome::new(statistic.finish(batches), offset)
            }
            // States are made by the method.
            _ => Outcome::new(f32::NAN, f32::NAN),
        })
    }
}

/// The elements in ascending order, so that nothing depends on the one in which they came.
fn ordered(kept: &[f32]) -> Vec<f32> {
    let mut kept = kept.to_vec();
    kept.sort_unstable_by(f32::total_cmp);
    kept
}

/// The statistic and the lower end of elements at hand.
fn of_elements(statistic: Statistic, x: &[f32]) -> Result<Outcome, QuantizeError> {
    let least = match statistic {
        Statistic::PercentileInterval { low, .. } => low_percentile(x, low)?,
        _ => extremes(x).0,
    };
    Ok(Outcome::new(statistic.of(x)?, least))
}

/// Means from exact sums; each is rounded once.
fn of_sums(statistic: Statistic, magnitudes: &ExactSum, squares: &ExactSum, count: u64) -> f32 {
    let mean = magnitudes.quotient(count);
    let Statistic::MeanSigma { sigma } = statistic else {
        return mean;
    };
    if let Some(special) = magnitudes.special() {
        return special;
    }
    // (n sum x^2 - (sum |x|)^2) / (n (n - 1)); sums count units of 2^-1074.
    let (n, sum) = (num_bigint::BigInt::from(count), magnitudes.integer());
    let numerator = ((&n * squares.integer()) << 1074u32) - &sum * &sum;
    let variance = rounded(&numerator, -2 * 1074, &(&n * (&n - 1)));
    mean + sigma * (variance + 1e-8).sqrt()
}

fn of_histogram(of: &Binned, histogram: &Histogram) -> Result<Outcome, QuantizeError> {
    let count = histogram.elements();
    let rank = |percentile: f64, rank: f64| match rank as u64 {
        0 => Err(QuantizeError::Percentile { percentile, count: count as usize }),
        rank => Ok(rank.min(count)),
    };
    let high_rank = |q: f64| rank(q, (0.01 * q * count as f64 + 0.5).floor());
    let low_rank = |q: f64| rank(q, (0.01 * q * count as f64).ceil());
    Ok(match of {
        Binned::Percentile { high } => {
            Outcome::new(histogram.magnitude(high_rank(*high)?), histogram.element(1))
        }
        Binned::PercentileInterval { low, high } => {
            let below = histogram.element(low_rank(*low)?);
            let above = histogram.element(high_rank(*high)?);
            Outcome::new((above - clamp_above(below)).abs(), below)
        }
        Binned::Mse(quantizer) => {
            let magnitude = histogram.greatest();
            let statistic = best(quantizer, magnitude, &histogram.middles())?;
            Outcome::new(statistic, histogram.element(1))
        }
    })
}
