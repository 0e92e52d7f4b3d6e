//! Orthogonal matrices that spread outliers over all inputs, and what it takes to fuse them into weights.
//!
//! With R orthogonal, `y = W x = (W R)(Rᵀ x)`: weights and inputs are rotated alike and the output stays. In rows, with W
//! `[out, in]` and X `[samples, in]`, both become `M R`: one function, [`Rotation::rotate`], serves both. A rotation of
//! what a layer puts out is fused from the left, `Rᵀ W`: [`Rotation::rotate_outputs`].
//!
//! Hadamard matrices come from constructions (Sylvester, Paley, Goethals and Seidel), see [`hadamard_matrix`]; the fast
//! transform of [`Hadamard`] has a fixed order of operations, see [`transform_reference`].

mod cayley;
mod circulant;
mod field;
mod hadamard;
mod order;
mod paley;
mod reference;
mod rotation;
mod transform;

pub use cayley::{CayleyInfo, CayleyParams, cayley_sgd};
pub use hadamard::Hadamard;
pub use order::{HADAMARD_BASES, HadamardOrder, Orders, expanded_order, hadamard_matrix};
pub use reference::{Direction, transform_reference};
pub use rotation::Rotation;
pub use transform::Rotatable;
