//! Counts of magnitudes in bins whose width is a power of two.

use super::CalibrationError;
use crate::quantize::Quantizer;

/// What is read off a histogram.
#[derive(Clone, Debug, PartialEq)]
pub enum Binned {
    /// The `k`-th smallest magnitude, `k = floor(0.01 q n + 0.5)`: the upper end of its bin, or the greatest magnitude if
    /// that is less. It is too large by at most the width of a bin.
    Percentile {
        /// `q`, in percent.
        high: f64,
    },
    /// `|x_h - min(x_l, 0)|` of the `h`-th and `l`-th smallest elements, `h = floor(0.01 q_h n + 0.5)` and
    /// `l = ceil(0.01 q_l n)`; each is the end of its bin that is further from zero, or the extreme element.
    PercentileInterval {
        /// `q_l`, in percent.
        low: f64,
        /// `q_h`, in percent.
        high: f64,
    },
    /// The fraction of the greatest magnitude that gives the least squared error through this quantizer, every element
    /// taken as the middle of its bin: see [`Method::Mse`](super::Method::Mse).
    Mse(Box<Quantizer>),
}

/// Counts of the elements by sign and magnitude: bin `i` counts `i 2^e <= |x| < (i + 1) 2^e`.
///
/// `e` is the least for which the greatest magnitude has a bin, but at least -149, where every f32 has its own. When a
/// greater one comes, bins are joined in pairs: `floor(floor(|x| / 2^e) / 2) = floor(|x| / 2^(e+1))`, so nothing is lost
/// against having counted in wide bins from the start. `e` depends on the greatest magnitude alone, and the counts on `e`
/// and the elements: the order of batches does not matter, and histograms merge exactly, in the wider bins of the two.
///
/// ```
/// use fewbit::quantize::calibration::Histogram;
/// let mut histogram = Histogram::new(4)?;
/// histogram.observe(&[0.5, 3.0, -1.0]);
/// assert_eq!((histogram.width(), histogram.counts()), (1.0, (&[1, 0, 0, 1][..], &[0, 1, 0, 0][..])));
/// histogram.observe(&[4.0]);
/// assert_eq!((histogram.width(), histogram.counts()), (2.0, (&[1, 1, 1, 0][..], &[1, 0, 0, 0][..])));
/// # Ok::<(), fewbit::quantize::calibration::CalibrationError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    exponent: i32,
    /// Of elements not below zero, and of those below it.
    positive: Vec<u64>,
    negative: Vec<u64>,
    /// Elements that are infinite, of either sign.
    infinite: [u64; 2],
    nan: u64,
    /// Of the finite elements.
    least: f32,
    most: f32,
}

/// Of the least positive f32.
const LEAST_EXPONENT: i32 = -149;

impl Histogram {
    /// An empty histogram with `bins` bins for each sign.
    ///
    /// # Errors
    /// A number of bins that is not a power of two from 2 to 2^20.
    pub fn new(bins: u32) -> Result<Self, CalibrationError> {
        if !bins.is_power_of_two() || !(2..=1 << 20).contains(&bins) {
            return Err(CalibrationError::Bins(bins));
        }
        let empty = vec![0; bins as usize];
        Ok(Self {
            exponent: LEAST_EXPONENT,
            positive: empty.clone(),
            negative: empty,
            infinite: [0; 2],
            nan: 0,
            least: f32::INFINITY,
            most: f32::NEG_INFINITY,
        })
    }

    /// Counts elements.
    pub fn observe(&mut self, x: &[f32]) {
        let finite = |x: &&f32| x.is_finite();
        let greatest = x.iter().filter(finite).fold(0f32, |most, x| most.max(x.abs()));
        self.widen(self.exponent_for(greatest));
        // Exact: a power of two from 2^-128 to 2^149.
        let per_width = 2f64.powi(-self.exponent);
        for &x in x {
            if x.is_nan() {
                self.nan += 1;
                continue;
            }
            if x.is_infinite() {
                self.infinite[usize::from(x < 0.0)] += 1;
                continue;
            }
            self.least = if x < self.least { x } else { self.least };
            self.most = if x > self.most { x } else { self.most };
            let bin = (f64::from(x.abs()) * per_width) as usize;
            let counts = if x < 0.0 { &mut self.negative } else { &mut self.positive };
            if let Some(count) = counts.get_mut(bin) {
                *count += 1;
            }
        }
    }

    /// Adds the counts of another histogram with as many bins.
    ///
    /// # Errors
    /// Another number of bins.
    pub fn merge(&mut self, other: &Self) -> Result<(), CalibrationError> {
        if self.positive.len() != other.positive.len() {
            return Err(CalibrationError::Different);
        }
        let mut other = other.clone();
        let exponent = self.exponent.max(other.exponent);
        self.widen(exponent);
        other.widen(exponent);
        let add = |counts: &mut [u64], others: &[u64]| {
            counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
        };
        add(&mut self.positive, &other.positive);
        add(&mut self.negative, &other.negative);
        add(&mut self.infinite, &other.infinite);
        self.nan += other.nan;
        self.least = if other.least < self.least { other.least } else { self.least };
        self.most = if other.most > self.most { other.most } else { self.most };
        Ok(())
    }

    /// The width of a bin, a power of two.
    #[must_use]
    pub fn width(&self) -> f32 {
        2f64.powi(self.exponent) as f32
    }

    /// The counts of elements not below zero, and of those below it, by magnitude.
    #[must_use]
    pub fn counts(&self) -> (&[u64], &[u64]) {
        (&self.positive, &self.negative)
    }

    /// How many elements it has counted, NaN and infinities included.
    #[must_use]
    pub fn elements(&self) -> u64 {
        let finite: u64 = self.positive.iter().chain(&self.negative).sum();
        finite + self.infinite[0] + self.infinite[1] + self.nan
    }

    /// The least exponent with a bin for a magnitude.
    fn exponent_for(&self, greatest: f32) -> i32 {
        if greatest == 0.0 {
            return LEAST_EXPONENT;
        }
        // Every f32 is normal in f64.
        let floor_log2 = (f64::from(greatest).to_bits() >> 52) as i32 - 1023;
        let bins = self.positive.len().trailing_zeros() as i32;
        (floor_log2 + 1 - bins).max(LEAST_EXPONENT)
    }

    /// Joins bins until their width is `2^exponent`.
    fn widen(&mut self, exponent: i32) {
        let Ok(shift @ 1..) = u32::try_from(exponent - self.exponent) else {
            return;
        };
        self.exponent = exponent;
        for counts in [&mut self.positive, &mut self.negative] {
            for i in 0..counts.len() {
                let count = std::mem::take(&mut counts[i]);
                counts[i.checked_shr(shift).unwrap_or(0)] += count;
            }
        }
    }

    /// The greatest magnitude; NaN if there was one.
    pub(super) fn greatest(&self) -> f32 {
        match (self.nan, self.infinite) {
            (0, [0, 0]) => self.finite_greatest(),
            (0, _) => f32::INFINITY,
            _ => f32::NAN,
        }
    }

    /// The `rank`-th smallest magnitude, counted from 1, at the upper end of its bin; NaN counts as the greatest.
    pub(super) fn magnitude(&self, rank: u64) -> f32 {
        let both = self.positive.iter().zip(&self.negative).map(|(a, b)| a + b);
        let mut below = 0;
        for (bin, count) in both.enumerate() {
            below += count;
            if below >= rank {
                return self.upper_end(bin).min(self.finite_greatest());
            }
        }
        if below + self.infinite[0] + self.infinite[1] >= rank { f32::INFINITY } else { f32::NAN }
    }

    /// The `rank`-th smallest element, counted from 1, at the end of its bin that is further from zero.
    pub(super) fn element(&self, rank: u64) -> f32 {
        let mut below = self.infinite[1];
        if below >= rank {
            return f32::NEG_INFINITY;
        }
        for (bin, count) in self.negative.iter().enumerate().rev() {
            below += count;
            if below >= rank {
                return (-self.upper_end(bin)).max(self.least);
            }
        }
        for (bin, count) in self.positive.iter().enumerate() {
            below += count;
            if below >= rank {
                return self.upper_end(bin).min(self.most);
            }
        }
        if below + self.infinite[0] >= rank { f32::INFINITY } else { f32::NAN }
    }

    /// The middles of the bins that have elements, and how many: below zero first.
    pub(super) fn middles(&self) -> Vec<(f32, u64)> {
        let middle = |bin: usize| ((bin as f64 + 0.5) * 2f64.powi(self.exponent)) as f32;
        let negative = self.negative.iter().enumerate().rev();
        let negative =
            negative.map(|(bin, &count)| (-middle(bin).min(self.finite_greatest()), count));
        let positive = self.positive.iter().enumerate();
        let positive =
            positive.map(|(bin, &count)| (middle(bin).min(self.finite_greatest()), count));
        negative.chain(positive).filter(|(_, count)| *count > 0).collect()
    }

    fn upper_end(&self, bin: usize) -> f32 {
        ((bin + 1) as f64 * 2f64.powi(self.exponent)) as f32
    }

    /// The greatest finite magnitude.
    fn finite_greatest(&self) -> f32 {
        self.most.max(-self.least).max(0.0)
    }
}
