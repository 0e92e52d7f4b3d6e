//! Integer functions by their definitions: one element or one row at a time.
//!
//! A file per family: `fixed_point` (gemmlowp's exponential, tanh, logistic and reciprocal), `softmax` (TFLite's, made of
//! these; that of int16, of two tables), `table`, `ibert` (exponential, error function, GELU, softmax), `norm` (layer norm and RMS norm), `root`. Two divisions
//! occur: `floor` rounds toward negative infinity, as an arithmetic shift to the right does; C's `/` truncates toward 0.
//! Each function says which.

mod fixed_point;
mod ibert;
mod norm;
mod root;
mod softmax;
mod table;

pub use fixed_point::{gemmlowp_exp, gemmlowp_logistic, gemmlowp_reciprocal, gemmlowp_tanh};
pub use ibert::{ibert_erf, ibert_exp, ibert_gelu, ibert_softmax};
pub use norm::{layer_norm, rms_norm};
pub use root::{NewtonRoot, ibert_sqrt, isqrt};
pub use softmax::{softmax_tflite, softmax_tflite_int16};
pub use table::{TableDistance, TablePlace, look_up, look_up_slice, place, table_distance};
