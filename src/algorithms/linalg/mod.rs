//! The dense linear algebra that the solvers need: products, Cholesky, triangular solves, orthogonalisation, a
//! truncated singular value decomposition.
//!
//! All of it is blocked around one matrix product (`ndarray`'s), runs on rayon, and gives the same bits for every
//! number of threads: work is cut by position, never by thread count.

mod cholesky;
mod gemm;
mod layout;
mod orthogonal;
mod spectral;
mod triangular;

pub use cholesky::{cholesky, cholesky_in_place, inverse_from_cholesky};
pub use gemm::{gemm, matmul};
pub use layout::{gather, transpose_into};
pub use orthogonal::orthonormalize;
pub use spectral::{LowRank, largest_eigenvalue, low_rank};
pub use triangular::{solve_right_lower, solve_right_upper};

use ndarray::LinalgScalar;
use num_traits::Float;

/// The rows of a parallel task: an even number of equal shares of at most `most` rows. By position, whatever the threads;
/// large, since every task packs the other factor of its products anew.
pub(crate) fn share(rows: usize, most: usize) -> usize {
    rows.div_ceil(rows.div_ceil(most).next_multiple_of(2).max(1)).max(1)
}

/// In what the loop of a solver or the products of one block of samples are computed; factorisations and totals are in f64
/// always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32, with fused multiply-add where the machine has it; of a sum of products relative error below `1e-6` of
    /// `|x|ᵀ|x|` in practice.
    #[default]
    Single,
    /// f64: half the speed.
    Double,
}

/// The two types of [`Precision`], `f32` and `f64`.
pub trait Real:
    Float + LinalgScalar + Default + Send + Sync + std::fmt::Debug + std::iter::Sum
{
    /// The nearest integer, ties to even, of a number of at most 2^22 in magnitude.
    fn round_small(self) -> Self;
    /// From `f64`, rounded to nearest.
    fn of(value: f64) -> Self;
    /// To `f64`, exactly.
    fn to_double(self) -> f64;
}

impl Real for f32 {
    fn round_small(self) -> Self {
        // Where one unit is the last place, adding rounds.
        const UNIT: f32 = 1.5 * (1 << 23) as f32;
        (self + UNIT) - UNIT
    }
    fn of(value: f64) -> Self {
        value as Self
    }
    fn to_double(self) -> f64 {
        self.into()
    }
}

impl Real for f64 {
    fn round_small(self) -> Self {
        const UNIT: f64 = 1.5 * (1u64 << 52) as f64;
        (self + UNIT) - UNIT
    }
    fn of(value: f64) -> Self {
        value
    }
    fn to_double(self) -> f64 {
        self
    }
}
