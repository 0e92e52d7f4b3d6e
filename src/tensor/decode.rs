//! From codes to numbers.

use fewbit_formats::Format;

use super::TensorError;

/// Decodes the codes of one format to f32, by table where the table is small.
pub(crate) enum Decoder {
    /// One value per code.
    Table(Vec<f32>),
    /// Code by code.
    Direct(Format),
}

/// The widest codes that get a table.
const TABLE_BITS: u32 = 10;

impl Decoder {
    pub(crate) fn new(format: Format) -> Self {
        if format.bits() > TABLE_BITS {
            return Self::Direct(format);
        }
        let codes = 0..format.code_count() as u32;
        Self::Table(codes.map(|code| format.decode(code) as f32).collect())
    }

    /// The value of a code, rounded to f32 where it is not one.
    pub(crate) fn value(&self, code: u32) -> f32 {
        match self {
            Self::Table(values) => values.get(code as usize).copied().unwrap_or(f32::NAN),
            Self::Direct(format) => format.decode(code) as f32,
        }
    }
}

/// The function from a code to the whole number it stands for.
pub(crate) fn integer_decoder(format: Format) -> Result<impl Fn(u32) -> i64, TensorError> {
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
