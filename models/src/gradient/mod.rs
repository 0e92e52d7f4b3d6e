//! Gradients on a graph: reverse mode over its nodes.
//!
//! ```text
//! forward:   every value of the nodes that run is kept                                      (Tape)
//! backward:  for each node, from the last one: dL/dinput += (doutput/dinput)ᵀ dL/doutput    (one file per family of operators)
//! ```
//!
//! Only what depends on the values that are asked for is visited, and a node among these whose operator has no rule is an error
//! that names it. Tensors are those of the executor, `f32`; sums go in a fixed order, so that a gradient has the same bits on any
//! number of threads. Quantizers hand the gradient on where they do not clip (straight-through estimator, Bengio et al. 2013).

mod arithmetic;
mod attention;
mod call;
mod convolution;
mod error;
mod functions;
mod loops;
mod loss;
mod moves;
mod norms;
mod pools;
mod products;
mod quantizer;
mod reductions;
mod rotary;
mod rules;
mod softmax;
mod tape;

pub use call::Gradient;
pub use error::GradientError;
pub use loss::{cross_entropy, squared_error};
pub use tape::Tape;
