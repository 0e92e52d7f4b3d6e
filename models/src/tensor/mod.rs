//! Arrays whose element type is known at run time only.

mod any;
mod element;
mod element_type;
mod error;

pub use any::Tensor;
pub(crate) use any::map_tensor;
pub use element::Element;
pub use element_type::ElementType;
pub use error::TensorError;
