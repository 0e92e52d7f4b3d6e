//! A network as a graph: values, and nodes that compute them.

mod build;
mod compact;
mod edit;
mod error;
mod extract;
mod fold;
mod infer;
mod node;
mod order;
mod picture;
mod product;
mod region;
mod structure;
mod value;

pub use error::GraphError;
pub use node::{Node, NodeId};
pub use picture::escaped;
pub(crate) use product::scale_axis;
pub use product::{Product, ProductLayout, multiplying, products};
pub use structure::Graph;
pub use value::{Value, ValueId};
