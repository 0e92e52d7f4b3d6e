//! Entries as files: an array, text for $readmemh, an array in C.

use std::fmt::Write;
use std::path::Path;

use fewbit::functions::table::Table;
use fewbit_formats::{Format, IntFormat};

use crate::error::CliError;
use crate::io::codes::Codes;
use crate::io::npy;
use crate::provenance::Provenance;

/// The entries in their order in memory, as codes or as float64.
pub(super) fn npy(table: &Table, values: bool) -> Result<Vec<u8>, std::io::Error> {
    let memory = table.memory();
    if values {
        let output = table.spec().output();
        let values: Vec<f64> = memory.iter().map(|&code| output.decode(code)).collect();
        return npy::encode(&[values.len()], &values);
    }
    array(table.spec().output().format(), &[memory.len()], &memory)
}

/// Codes of a format as an array: integers as themselves, others as codes.
pub(super) fn array(
    format: Format,
    shape: &[usize],
    codes: &[u32],
) -> Result<Vec<u8>, std::io::Error> {
    /// The values, each of which is within the type.
    fn typed<T>(format: IntFormat, codes: &[u32], of: fn(i64) -> T) -> Vec<T> {
        codes.iter().map(|&code| of(integer(format, code))).collect()
    }
    let Format::Int(format) = format else {
        let codes = match format.bits() {
            0..=8 => Codes::U8(codes.iter().map(|&code| code as u8).collect()),
            9..=16 => Codes::U16(codes.iter().map(|&code| code as u16).collect()),
            _ => Codes::U32(codes.to_vec()),
        };
        return codes.encode(shape);
    };
    match (format.is_signed(), format.bits()) {
        (true, 0..=8) => npy::encode(shape, &typed(format, codes, |x| x as i8)),
        (true, 9..=16) => npy::encode(shape, &typed(format, codes, |x| x as i16)),
        (true, _) => npy::encode(shape, &typed(format, codes, |x| x as i32)),
        (false, 0..=8) => npy::encode(shape, &typed(format, codes, |x| x as u8)),
        (false, 9..=16) => npy::encode(shape, &typed(format, codes, |x| x as u16)),
        (false, _) => npy::encode(shape, &typed(format, codes, |x| x as u32)),
    }
}

/// The integer of a code; the one that a narrow range leaves out is taken as two's complement has it.
fn integer(format: IntFormat, code: u32) -> i64 {
    let unused = 64 - format.bits();
    let aligned = u64::from(code) << unused;
    if format.is_signed() { aligned as i64 >> unused } else { (aligned >> unused) as i64 }
}

/// A line of hexadecimal digits per entry, with a comment that says what they are.
///
/// # Errors
/// A word that is shorter than a code.
pub(super) fn hex(
    table: &Table,
    word: Option<u32>,
    provenance: &Provenance,
) -> Result<String, CliError> {
    let format = table.spec().output().format();
    let word = word.unwrap_or(format.bits());
    if word < format.bits() {
        return Err(CliError::Arguments(format!(
            "--word {word} is shorter than a code of {format}: expected at least {}",
            format.bits()
        )));
    }
    let digits = word.div_ceil(4) as usize;
    let mut text = format!("// {}\n// {}\n", table.spec(), provenance.comment());
    let mask = if word == 64 { u64::MAX } else { (1 << word) - 1 };
    for code in table.memory() {
        let _ = writeln!(text, "{:0digits$x}", extended(format, code) as u64 & mask);
    }
    Ok(text)
}

/// A code of integers and fixed point as a signed integer, another one as it is.
fn extended(format: Format, code: u32) -> i64 {
    match format {
        Format::Int(int) => integer(int, code),
        Format::Fixed(fixed) => integer(fixed.integer(), code),
        _ => code.into(),
    }
}

/// An array in C, named after the file.
///
/// # Errors
/// A name without a letter to begin with.
pub(super) fn header(
    table: &Table,
    path: &Path,
    provenance: &Provenance,
) -> Result<String, CliError> {
    let spec = table.spec();
    let format = spec.output().format();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let named = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = stem.chars().map(named).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(CliError::Arguments(format!(
            "the array of --header is named after its file, and `{name}` is no name in C: expected a letter first"
        )));
    }
    let signed = matches!(format, Format::Int(_) | Format::Fixed(_)) && format.is_signed();
    let bits = [8, 16].into_iter().find(|&bits| format.bits() <= bits).unwrap_or(32);
    let kind = if signed { "int" } else { "uint" };
    let memory = table.memory();
    let mut text = format!(
        "// {spec}\n// {}\n#include <stdint.h>\n\nstatic const {kind}{bits}_t {name}[{}] = {{\n",
        provenance.comment(),
        memory.len()
    );
    for line in memory.chunks(12) {
        let entries = line.iter().map(|&code| c_constant(extended(format, code)));
        let _ = writeln!(text, "    {},", entries.collect::<Vec<_>>().join(", "));
    }
    text.push_str("};\n");
    Ok(text)
}

/// The least integer of 32 bits is an expression in C.
fn c_constant(x: i64) -> String {
    if x == i64::from(i32::MIN) { "-2147483647 - 1".into() } else { x.to_string() }
}
