//! Statistics that scales and zero points are made of.
//!
//! All of them are computed in f32 and propagate NaN, as torch's reductions do. Extremes and percentiles do not depend
//! on the order of the elements; means and norms are those of [`reference::torch`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::QuantizeError;
use crate::reference::torch;
use crate::simd::{Vectorized, vectorize};

/// A number that says how large the elements of a group are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Statistic {
    /// `max |x|`.
    AbsMax,
    /// `|max x - min(min x, 0)|`: the extent of the range together with zero below it. A group of negative values
    /// alone is *not* extended up to zero (as Brevitas 0.12): see [`Statistic::Range`].
    MinMax,
    /// `max(max x, 0) - min(min x, 0)`: the extent of the range that contains zero.
    Range,
    /// The `k`-th smallest of `|x|`, `k = floor(0.01 q n + 0.5)`, counted from 1. NaN counts as the largest.
    AbsPercentile {
        /// `q`, in percent.
        high: f64,
    },
    /// `|x_h - min(x_l, 0)|` with the `h`-th and `l`-th smallest, `h = floor(0.01 q_h n + 0.5)` and
    /// `l = ceil(0.01 q_l n)`.
    PercentileInterval {
        /// `q_l`, in percent.
        low: f64,
        /// `q_h`, in percent.
        high: f64,
    },
    /// `mean |x|`.
    AbsMean,
    /// The mean over the indices of `axis` of `max |x|` of each: the maximum of a channel, averaged over channels.
    MeanOfMaxima {
        /// The axis of the channels.
        axis: isize,
    },
    /// `sqrt(sum m^2) / sqrt(n)` of `m = max |x|` of each of the `n` indices of `axis`.
    NormOfMaxima {
        /// The axis of the channels.
        axis: isize,
    },
    /// `mean |x| + sigma sqrt(var |x| + 1e-8)`, the variance with `n - 1`.
    MeanSigma {
        /// How many standard deviations are added.
        sigma: f32,
    },
}

impl Statistic {
    /// Whether the statistic measures a range around a zero point rather than a magnitude.
    pub fn is_range(self) -> bool {
        matches!(self, Self::MinMax | Self::Range | Self::PercentileInterval { .. })
    }

    /// Its parameters, checked.
    pub(crate) fn check(self) -> Result<(), QuantizeError> {
        let percent = |value: f64, what| {
            if (0.0..=100.0).contains(&value) {
                return Ok(());
            }
            Err(QuantizeError::Number { what, value, expected: "a percentage from 0 to 100" })
        };
        match self {
            Self::AbsPercentile { high } => percent(high, "the percentile"),
            Self::PercentileInterval { low, high } => {
                percent(low, "the low percentile").and(percent(high, "the high percentile"))
            }
            Self::MeanSigma { sigma } if !sigma.is_finite() => Err(QuantizeError::Number {
                what: "sigma",
                value: f64::from(sigma),
                expected: "a finite number",
            }),
            _ => Ok(()),
        }
    }

    /// The axis whose indices are looked at one by one, for a statistic of the whole tensor alone.
    pub(crate) fn channels(self) -> Option<isize> {
        match self {
            Self::MeanOfMaxima { axis } | Self::NormOfMaxima { axis } => Some(axis),
            _ => None,
        }
    }

    /// The statistic of one group; of the maxima of the channels, where [`Self::channels`] names them.
    pub(crate) fn of(self, x: &[f32]) -> Result<f32, QuantizeError> {
        Ok(match self {
            Self::AbsMax => abs_max(x),
            Self::MinMax => {
                let (low, high) = extremes(x);
                (high - clamp_above(low)).abs()
            }
            Self::Range => {
                let (low, high) = extremes(x);
                if high.is_nan() { high } else { high.max(0.0) - low.min(0.0) }
            }
            Self::AbsPercentile { high } => nth_magnitude(x, high_rank(high, x.len())?),
            Self::PercentileInterval { low, high } => {
                let below = low_percentile(x, low)?;
                let above = nth(x.to_vec(), high_rank(high, x.len())?);
                (above - clamp_above(below)).abs()
            }
            Self::AbsMean | Self::MeanOfMaxima { .. } => mean_abs(x),
            Self::NormOfMaxima { .. } => torch::l2_norm(x) / (x.len() as f64).sqrt() as f32,
            Self::MeanSigma { sigma } => mean_abs(x) + sigma * (variance_abs(x) + 1e-8).sqrt(),
        })
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AbsMax => f.write_str("absmax"),
            Self::MinMax => f.write_str("min-max"),
            Self::Range => f.write_str("range"),
            Self::AbsPercentile { high } => write!(f, "percentile {high}"),
            Self::PercentileInterval { low, high } => write!(f, "percentiles {low} to {high}"),
            Self::AbsMean => f.write_str("mean"),
            Self::MeanOfMaxima { axis } => write!(f, "mean of the maxima of axis {axis}"),
            Self::NormOfMaxima { axis } => write!(f, "norm of the maxima of axis {axis}"),
            Self::MeanSigma { sigma } => write!(f, "mean + {sigma} sigma"),
        }
    }
}

/// `max |x|`; NaN if there is one.
///
/// The bits of a magnitude order as the magnitude does, with every NaN above infinity.
pub(crate) fn abs_max(x: &[f32]) -> f32 {
    f32::from_bits(x.iter().map(|v| v.to_bits() & 0x7fff_ffff).max().unwrap_or(0))
}

/// The least and the greatest element; both NaN if there is one.
pub(crate) fn extremes(x: &[f32]) -> (f32, f32) {
    vectorize(Extremes(x))
}

struct Extremes<'a>(&'a [f32]);

impl Vectorized for Extremes<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    fn call(self) -> (f32, f32) {
        const LANES: usize = 16;
        let (mut least, mut most) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        // The greatest magnitude as an integer: above infinity is what is no number.
        let mut magnitude = [0i32; LANES];
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        let mut last = [self.0.first().copied().unwrap_or(f32::INFINITY); LANES];
        last[..rest.len()].copy_from_slice(rest);
        let behind = if self.0.is_empty() { &[][..] } else { std::slice::from_ref(&last) };
        for chunk in chunks.iter().chain(behind) {
            for lane in 0..LANES {
                let x = chunk[lane];
                least[lane] = if x < least[lane] { x } else { least[lane] };
                most[lane] = if x > most[lane] { x } else { most[lane] };
                let bits = (x.to_bits() & 0x7fff_ffff) as i32;
                magnitude[lane] = if bits > magnitude[lane] { bits } else { magnitude[lane] };
            }
        }
        if magnitude.iter().any(|&bits| bits > 0x7f80_0000) {
            return (f32::NAN, f32::NAN);
        }
        let least = least.into_iter().fold(f32::INFINITY, f32::min);
        (least, most.into_iter().fold(f32::NEG_INFINITY, f32::max))
    }
}

/// `min(x, 0)`, keeping NaN.
pub(crate) fn clamp_above(x: f32) -> f32 {
    if x > 0.0 { 0.0 } else { x }
}

/// The `ceil(0.01 q n)`-th smallest element.
pub(crate) fn low_percentile(x: &[f32], percentile: f64) -> Result<f32, QuantizeError> {
    let rank = (0.01 * percentile * x.len() as f64).ceil() as usize;
    let rank = checked_rank(rank, percentile, x.len())?;
    Ok(nth(x.to_vec(), rank))
}

fn high_rank(percentile: f64, count: usize) -> Result<usize, QuantizeError> {
    let rank = (0.01 * percentile * count as f64 + 0.5).floor() as usize;
    checked_rank(rank, percentile, count)
}

fn checked_rank(rank: usize, percentile: f64, count: usize) -> Result<usize, QuantizeError> {
    if rank == 0 {
        return Err(QuantizeError::Percentile { percentile, count });
    }
    Ok(rank.min(count))
}

/// The `rank`-th smallest element, counted from 1; NaN is larger than everything.
fn nth(mut x: Vec<f32>, rank: usize) -> f32 {
    let order = |a: &f32, b: &f32| a.partial_cmp(b).unwrap_or(a.is_nan().cmp(&b.is_nan()));
    *x.select_nth_unstable_by(rank - 1, order).1
}

/// The `rank`-th smallest magnitude, counted from 1; NaN is larger than everything.
///
/// 1. The bits of magnitudes order as the magnitudes do. Of so many blocks the greatest each.
/// 2. Of these the one that as many reach as elements are at least wanted: the answer is not below it.
/// 3. What reaches it, which near the top is not much, has the answer.
fn nth_magnitude(x: &[f32], rank: usize) -> f32 {
    const BLOCK: usize = 256;
    let magnitude = |v: &f32| v.to_bits() & 0x7fff_ffff;
    let wanted = x.len() + 1 - rank;
    if wanted * 4 > x.len() / BLOCK {
        return nth(x.iter().map(|v| v.abs()).collect(), rank);
    }
    let mut maxima = vec![0; x.len().div_ceil(BLOCK)];
    vectorize(Maxima { x, block: BLOCK, to: &mut maxima });
    let mut ordered = maxima.clone();
    let least = *ordered.select_nth_unstable_by(wanted - 1, |a, b| b.cmp(a)).1;
    let reached = x.chunks(BLOCK).zip(&maxima).filter(|&(_, &most)| most >= least);
    let mut reached: Vec<u32> = reached
        .flat_map(|(block, _)| block.iter().map(magnitude).filter(|&bits| bits >= least))
        .collect();
    f32::from_bits(*reached.select_nth_unstable_by(wanted - 1, |a, b| b.cmp(a)).1)
}

/// The greatest magnitude of every block, as bits.
struct Maxima<'a> {
    x: &'a [f32],
    block: usize,
    to: &'a mut [u32],
}

impl Vectorized for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (to, block) in self.to.iter_mut().zip(self.x.chunks(self.block)) {
            let bits = block.iter().map(|x| x.to_bits() & 0x7fff_ffff);
            *to = bits.fold(0, |most, bits| if bits > most { bits } else { most });
        }
    }
}

fn mean_abs(x: &[f32]) -> f32 {
    torch::mean(&x.iter().map(|v| v.abs()).collect::<Vec<f32>>())
}

/// The variance of `|x|` with `n - 1`, by Welford's update in f64, rounded once.
fn variance_abs(x: &[f32]) -> f32 {
    let (mut mean, mut squares) = (0f64, 0f64);
    for (n, x) in x.iter().enumerate() {
        let x = f64::from(x.abs());
        let delta = x - mean;
        mean += delta / (n + 1) as f64;
        squares += delta * (x - mean);
    }
    (squares / (x.len() as f64 - 1.0)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_ranks_are_rounded_half_up_and_counted_from_one() {
        let x: Vec<f32> = (1..=10).map(|v| v as f32).collect();
        assert_eq!(Statistic::AbsPercentile { high: 95.0 }.of(&x), Ok(10.0));
        assert_eq!(Statistic::AbsPercentile { high: 94.9 }.of(&x), Ok(9.0));
        assert_eq!(Statistic::AbsPercentile { high: 99.999 }.of(&x), Ok(10.0));
        let zero = Statistic::AbsPercentile { high: 1.0 }.of(&x);
        assert_eq!(zero, Err(QuantizeError::Percentile { percentile: 1.0, count: 10 }));
        assert_eq!(low_percentile(&x, 0.001), Ok(1.0));
    }

    #[test]
    fn a_negative_group_keeps_its_upper_end_in_min_max_and_not_in_range() {
        let x = [-1.0, -2.0, -3.0, -2.5];
        assert_eq!(Statistic::MinMax.of(&x), Ok(2.0));
        assert_eq!(Statistic::Range.of(&x), Ok(3.0));
    }

    #[test]
    fn nan_goes_through() {
        let x = [1.0, f32::NAN, -2.0];
        for statistic in
            [Statistic::AbsMax, Statistic::MinMax, Statistic::Range, Statistic::AbsMean]
        {
            assert!(statistic.of(&x).is_ok_and(f32::is_nan), "{statistic}");
        }
        assert_eq!(Statistic::AbsPercentile { high: 60.0 }.of(&x), Ok(2.0));
    }
}
