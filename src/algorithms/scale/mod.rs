//! Scales that minimise an error of the weights, one per run of columns of a row.
//!
//! With v the values of a format and `q_j` the one nearest to `w_j / s`:
//!
//! ```text
//! f(s) = sum_j h_j (w_j - s q_j)²        or  (w - s q)ᵀ H (w - s q)
//! ```
//!
//! [`piso_scales`] finds the least f over all `s > 0`; [`quantizer_scales`] are those of a quantizer, which searches a grid or
//! minimises a robust norm of the error in its stead; [`absmax_scales`] is what they are compared with. All take the weights
//! `[rows, in]` and the number of columns that share a scale, and give `[rows, ceil(in / group)]`, as
//! [`Grid::new`](super::Grid::new) takes them.

mod codebook;
mod importance;
mod piso;
mod quantizer;
mod rows;

pub use codebook::Codebook;
pub use importance::Importance;
pub use piso::{OptimalScale, piso, piso_scales};
pub use quantizer::{absmax_scales, quantizer_scales};
