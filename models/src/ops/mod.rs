//! Operators: attributes, types and shapes, computation in floats, under ONNX's names and with its semantics.
//!
//! An operator is a struct with its attributes and one [`Operator`] implementation; [`Op`] is the sum of them, and the table
//! in `table.rs` has a row for each. The form is that of the newest operator set that is supported: what older ones wrote as
//! attributes (axes, limits) is read into inputs.

mod attribute;
mod conv;
mod dim;
mod error;
mod fact;
mod inputs;
mod operator;
mod quantize;
mod table;

pub use attribute::{Attribute, Attributes};
pub use conv::{AutoPad, Conv, Padding};
pub use dim::Dim;
pub use error::OpError;
pub use fact::{Fact, Known};
pub use inputs::Inputs;
pub use operator::{Operator, Read};
pub use quantize::Quantize;
pub use table::Op;
