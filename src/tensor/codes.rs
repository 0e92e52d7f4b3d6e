//! Whether codes stand for values.

use fewbit_formats::Format;
use ndarray::ArrayViewD;

use super::{Code, TensorError};

/// Whether every code stands for a value.
pub(super) fn check_codes<C: Code>(
    format: Format,
    codes: ArrayViewD<'_, C>,
) -> Result<(), TensorError> {
    let wrong = |code: &C| !stands_for_a_value(format, code.to_u32());
    match codes.iter().enumerate().find(|(_, code)| wrong(code)) {
        None => Ok(()),
        Some((flat, code)) => {
            let index = super::shape::unravel(flat, codes.shape());
            Err(TensorError::Code { code: code.to_u32(), index, format })
        }
    }
}

/// Whether a code has no bits beyond the format's and is not one that the format leaves out.
fn stands_for_a_value(format: Format, code: u32) -> bool {
    let within = u64::from(code) < format.code_count();
    within && (!format.decode(code).is_nan() || format.has_nan())
}
