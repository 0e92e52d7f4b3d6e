//! The dense linear algebra that the solvers need: products, Cholesky, triangular solves, orthogonalisation, a
//! truncated singular value decomposition.
//!
//! All of it is blocked around one matrix product ([`gemm`]), runs on rayon, and gives the same bits for every number of
//! threads: work is cut by position, never by thread count. Where the CPU multiplies and adds with one rounding, products are
//! tiles of this module, to the bits of `matrixmultiply`, which multiplies elsewhere.
//!
//! **Why not `faer`.** Its factorisations are two to five times faster, and its build is dear: `faer` 0.24.4 (`std`, `rayon`,
//! `linalg`) adds 134 s of CPU time to a cold release build (30 s for `ndarray`, `rayon` and what else they share, 164 s
//! with it), about as much as this whole crate, to save half a second of a layer with 2048 inputs. Its eigenvalues and
//! singular values also change in their last bits with the number of threads. Ours and `faer`'s in milliseconds of CPU time,
//! the best of several runs (Xeon with AVX-512, two cores, other work beside it, products still those of `matrixmultiply`; n x n
//! right-hand sides, bases of n vectors, rank 32). `faer` has neither an estimate of the largest eigenvalue nor, with these features, a truncated decomposition:
//! in the last two rows it does all of the work.
//!
//! ```text
//!                        1 thread                                2 threads
//! n                      256          1024         2048          256          1024         2048
//! Cholesky               0.46 0.13    15.9  7.9    112   50      0.46 0.15    16.2  5.9    111   80
//! solve, f64             0.94 0.26    42.5 19.9    358  179      0.96 0.32    44.2 25.1    361  181
//! solve, f32             0.75 0.16    35.8  8.0    243   89      0.75 0.26    25.8 15.7    188  115
//! orthonormal basis      4.0  1.9      411   73   3019  607      4.0  2.4      393   72   3307  637
//! largest eigenvalue     0.34 4.0      7.9  112    119  929      0.34 3.4     11.4  110    122 1023
//! truncated SVD           155 7.9     1502  536   6438 5418       151 11.9    1527  477   5977 5086
//! ```

mod cholesky;
mod gemm;
mod halves;
mod halving;
mod layout;
mod orthogonal;
mod packed;
mod panels;
mod shape;
mod spectral;
mod tiles;
mod triangular;

pub use cholesky::{cholesky, cholesky_in_place, inverse_from_cholesky};
pub(crate) use gemm::multiply;
pub use gemm::{gemm, product};
pub(crate) use halves::{Halves, Right};
pub(crate) use halving::{BASE, halve};
pub(crate) use layout::transposed;
pub use layout::{gather, transpose_into};
pub use orthogonal::orthonormalize;
pub use spectral::{LowRank, largest_eigenvalue, low_rank};
pub use triangular::{solve_right_lower, solve_right_upper};

use ndarray::{ArrayView2, LinalgScalar};
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
pub trait Scalar:
    Float + LinalgScalar + Default + Send + Sync + std::fmt::Debug + std::iter::Sum + tiles::Tiled
{
    /// The nearest integer, ties to even, of a number of at most 2^22 in magnitude.
    fn round_small(self) -> Self;
    /// From `f64`, rounded to nearest.
    fn of(value: f64) -> Self;
    /// To `f64`, exactly.
    fn to_double(self) -> f64;
    /// Numbers in `f32` themselves, where that is this type.
    fn borrow(from: ArrayView2<'_, f32>) -> Option<ArrayView2<'_, Self>>;
}

impl Scalar for f32 {
    #[inline(always)]
    fn round_small(self) -> Self {
        // Where one unit is the last place, adding rounds.
        const UNIT: f32 = 1.5 * (1 << 23) as f32;
        (self + UNIT) - UNIT
    }
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as Self
    }
    #[inline(always)]
    fn to_double(self) -> f64 {
        self.into()
    }
    fn borrow(from: ArrayView2<'_, f32>) -> Option<ArrayView2<'_, Self>> {
        Some(from)
    }
}

impl Scalar for f64 {
    #[inline(always)]
    fn round_small(self) -> Self {
        const UNIT: f64 = 1.5 * (1u64 << 52) as f64;
        (self + UNIT) - UNIT
    }
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_double(self) -> f64 {
        self
    }
    fn borrow(_: ArrayView2<'_, f32>) -> Option<ArrayView2<'_, Self>> {
        None
    }
}
