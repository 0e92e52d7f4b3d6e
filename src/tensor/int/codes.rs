//! From codes to integers.

use fewbit_formats::Format;

use crate::tensor::TensorError;

/// The function from a code to the whole number it stands for.
pub(in crate::tensor) fn integer_decoder(
    format: Format,
) -> Result<impl Fn(u32) -> i64, TensorError> {
    let (bits, signed) = match format {
        Format::Int(int) => (int.bits(), int.is_signed()),
        Format::Fixed(fixed) => (fixed.integer().bits(), fixed.integer().is_signed()),
        Format::Ternary => (2, true),
        Format::Binary => (1, false),
        _ => return Err(TensorError::NotInteger(format)),
    };
    let binary = format == Format::Binary;
    let unused = 64 - bits;
    Ok(move |code: u32| {
        let aligned = u64::from(code) << unused;
        match (binary, signed) {
            (true, _) => i64::from(code & 1) * 2 - 1,
            (false, true) => aligned as i64 >> unused,
            (false, false) => (aligned >> unused) as i64,
        }
    })
}
