//! Functions between layers, as integer hardware has them: tables ([`table`]), integer softmax, exponential, GELU, root and norms.
//!
//! What is here are descriptions, checked: the numbers of a function, derived from real scales as its stack derives them.
//! [`reference::functions`](mod@crate::reference::functions) says what each computes.
//!
//! ```
//! use fewbit::functions::{SoftmaxOutput, TfliteSoftmax};
//! use fewbit::reference::functions::softmax_tflite;
//! let softmax = TfliteSoftmax::new(1.0, 0.0625, SoftmaxOutput::Int8)?;
//! // exp(0), exp(0), exp(-1) over their sum, in units of 1/256 from -128 on.
//! assert_eq!(softmax_tflite(&softmax, &[32, 32, 16])?, [-20, -20, -88]);
//! # Ok::<(), fewbit::functions::FunctionError>(())
//! ```

mod error;
mod ibert;
mod softmax;
mod softmax16;
pub mod table;

pub use error::FunctionError;
pub use ibert::{IbertExp, IbertGelu, IbertNorm, IbertSoftmax};
pub use softmax::{SoftmaxOutput, TfliteSoftmax};
pub use softmax16::TfliteSoftmax16;
