//! Rotations: orthogonal matrices, fused into weights where the graph lets them through and computed where it does not, so that
//! outliers of single channels are spread over all of them before numbers are rounded.
//!
//! ```text
//! sources  W R        the outputs of embeddings and products that are added up to a stream
//! stream   x R        additions, normalizations without factors: f(x R) = f(x) R
//! sinks    Rᵀ W       the inputs of the products that take it
//! ```
//!
//! After QuaRot (Ashkboos et al. 2024), SpinQuant (Liu et al. 2024), and the expansion of Franco et al. (arXiv 2503.17513), with
//! the rules of Brevitas 0.12.1 (`graph/equalize.py`).

mod attention;
mod blocks;
mod commute;
mod constants;
mod descent;
mod in_floats;
mod on_loss;
mod online;
mod params;
mod pass;
mod stream;
mod untie;

pub(super) use in_floats::{InFloats, product_in_floats};
pub use on_loss::{LossDescent, rotate_for_loss};
pub use params::{OrphanSinks, RotateParams, RotationKind, RotationMode, SdpaRegions};
pub use pass::{rotate, rotate_for_weights};
pub use untie::untie_weights;
