//! Streaming second-order statistics of a layer's inputs.
//!
//! With `X [samples, in]` the float inputs and `X̃` those that the layer sees once everything before it is quantized:
//!
//! ```text
//! H = X̃ᵀX̃     G = X̃ᵀX     both [in, in], sums over samples, kept in f64
//! ```
//!
//! and per input the sum, the greatest magnitude and the sum of magnitudes. Memory is `in²` whatever the number of
//! samples. Grouped convolutions keep one pair per group (`in / groups` inputs each); a depthwise one has as many groups as
//! channels. [`unfold`] turns images into rows, one per output position; [`WindowCollector`] has the statistics of these rows
//! without them.
//!
//! **Order.** Rows are taken in blocks of [`BLOCK`] consecutive rows, whatever batches they came in; a block's products are
//! summed in the chosen [`Precision`](super::Precision), 256 rows one after the other with fused multiply-add (a CPU without it
//! rounds twice), these runs in ascending order; blocks in f64 in ascending order. So the result depends on the sequence of
//! rows alone, not on how it was cut into batches, nor on threads. [`Statistics::merge`] adds entry by entry in f64:
//! commutative exactly, associative up to one rounding per merge.

mod collector;
mod correlation;
#[cfg(feature = "store")]
mod file;
mod panel;
mod products;
mod tiles;
mod unfold;
mod windows;

use ndarray::{Array1, Array2, ArrayView2};

pub use collector::Collector;
pub use unfold::unfold;
pub use windows::WindowCollector;

use super::AlgorithmError;

/// Rows whose products are summed before they are added to the f64 totals.
pub const BLOCK: usize = 1024;

/// The Gram matrices of one group of inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    /// `H = X̃ᵀX̃`, symmetric.
    pub h: Array2<f64>,
    /// `G = X̃ᵀX`; `None` where X̃ is X, so that G is H.
    pub g: Option<Array2<f64>>,
}

impl Gram {
    /// G, which is H where both inputs are the same.
    pub fn cross(&self) -> ArrayView2<'_, f64> {
        self.g.as_ref().unwrap_or(&self.h).view()
    }
}

/// First-order statistics per input, over all groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Sum over samples.
    pub sum: Array1<f64>,
    /// Sum of magnitudes.
    pub abs_sum: Array1<f64>,
    /// Greatest magnitude.
    pub abs_max: Array1<f64>,
}

/// What has been learnt of a layer's inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Rows seen.
    pub samples: u64,
    /// One pair of Gram matrices per group.
    pub grams: Vec<Gram>,
    /// Of X̃.
    pub quantized: Moments,
    /// Of X; equal to `quantized` where both inputs are the same.
    pub float: Moments,
}

impl Statistics {
    /// Inputs of all groups.
    pub fn inputs(&self) -> usize {
        self.quantized.sum.len()
    }

    /// Whether float and quantized inputs were collected side by side.
    pub fn has_pairs(&self) -> bool {
        self.grams.iter().any(|g| g.g.is_some())
    }

    /// The statistics of the samples of both, by entry-wise f64 addition.
    ///
    /// # Errors
    /// Different shapes or groups, or only one of them with pairs.
    pub fn merge(mut self, other: &Self) -> Result<Self, AlgorithmError> {
        let (n, m) = (self.inputs(), other.inputs());
        AlgorithmError::check_shape("the other statistics' Gram matrix", (m, m), (n, n))?;
        let (groups, more) = (self.grams.len(), other.grams.len());
        AlgorithmError::check_shape(
            "the other statistics' table of groups",
            (more, m),
            (groups, n),
        )?;
        if self.has_pairs() != other.has_pairs() {
            return Err(AlgorithmError::NeedsPairs("merging with statistics of pairs"));
        }
        self.samples += other.samples;
        for (a, b) in self.grams.iter_mut().zip(&other.grams) {
            a.h += &b.h;
            if let (Some(a), Some(b)) = (&mut a.g, &b.g) {
                *a += b;
            }
        }
        for (a, b) in [(&mut self.quantized, &other.quantized), (&mut self.float, &other.float)] {
            a.sum += &b.sum;
            a.abs_sum += &b.abs_sum;
            a.abs_max.zip_mut_with(&b.abs_max, |a, &b| *a = a.max(b));
        }
        Ok(self)
    }
}
