//! Arrays whose element type is known at run time only.

mod any;
mod element;
mod error;

pub use any::Tensor;
pub use element::{Element, ElementType};
pub use error::TensorError;
