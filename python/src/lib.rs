//! The native part of the Python module `fewbit`: every function is a call of the crates `fewbit` and `fewbit-formats`.
//!
//! ```text
//! convert     casts, codes and back
//! products    matrices and images through accumulators
//! bounds      worst cases of given weights
//! requantize  from an accumulator's value to the next layer's integer
//! tensors     quantizers and what they make
//! layer       one layer, and networks under accumulators
//! machine     accumulators as a state
//! formats     what there is
//! arrays, policy, threads, errors   how arguments come in, work runs without the GIL, and errors go out
//! ```
//!
//! Reports go to Python as JSON text, whose integers have any size. There, `python/fewbit` gives arguments their defaults,
//! makes arrays contiguous, allocates results and has the classes that people see.

mod arrays;
mod bounds;
mod convert;
mod errors;
mod formats;
mod layer;
mod machine;
mod policy;
mod products;
mod requantize;
mod tensors;
mod threads;

use pyo3::prelude::*;

/// The native part of `fewbit`.
#[pymodule(gil_used = false)]
mod _fewbit {
    #[pymodule_export]
    use crate::bounds::bounds;
    #[pymodule_export]
    use crate::convert::{cast, code_bits, decode, encode, format_kind, value_widths};
    #[pymodule_export]
    use crate::formats::{
        accumulator_entry, format_entry, format_name, format_table, isa, preset_table,
    };
    #[pymodule_export]
    use crate::layer::{layer, sweep};
    #[pymodule_export]
    use crate::machine::{PyMachine, PyMachineArray};
    #[pymodule_export]
    use crate::products::{
        FormatMatrix, block_scales, conv2d_int, matmul_any, matmul_int, operand_of_codes,
        operand_of_values,
    };
    #[pymodule_export]
    use crate::requantize::RequantizeJob;
    #[pymodule_export]
    use crate::tensors::{PyRecipe, Tensor};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn version(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
