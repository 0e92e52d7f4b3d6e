//! NumPy's archives: an array per field, rows first, one of classes, and the header as JSON in bytes.

use std::borrow::Cow;

use fewbit::vectors::{FieldFormat, VectorClass, VectorField};

use super::csv::Read;
use super::header::Header;
use super::rows::Rows;
use crate::error::CliError;
use crate::io::npy::{self, Npy, Values};
use crate::io::zip::{self, Member};

/// The array of the header.
const HEADER: &str = "header.npy";
/// The array of classes, as places in [`VectorClass::ALL`].
const CLASS: &str = "class.npy";

/// The arrays but for the header's.
///
/// # Errors
/// None in practice: every array has as many elements as its shape.
pub(super) fn arrays(rows: &Rows) -> Result<Vec<Member>, std::io::Error> {
    let place = |name: &Cow<'static, str>| {
        let class = VectorClass::ALL.iter().position(|class| class.name() == name.as_ref());
        // A name that is none was a number that none has.
        class.map_or_else(|| name.parse().unwrap_or(u8::MAX), |place| place as u8)
    };
    let classes: Vec<u8> = rows.classes.iter().map(place).collect();
    let mut members = vec![(CLASS.to_owned(), npy::encode(&[classes.len()], &classes)?)];
    let mut columns: Vec<Vec<u64>> = vec![Vec::new(); rows.table.fields().len()];
    for row in 0..rows.table.len() {
        for ((_, words), column) in rows.table.cells(row).zip(&mut columns) {
            column.extend_from_slice(words);
        }
    }
    for (field, words) in rows.table.fields().iter().zip(columns) {
        let shape: Vec<usize> = [rows.table.len()].into_iter().chain(field.shape.clone()).collect();
        members.push((format!("{}.npy", field.name), array(field.format, &shape, &words)?));
    }
    Ok(members)
}

/// Words as an array: codes unsigned, two's complement signed, in the smallest type.
fn array(format: FieldFormat, shape: &[usize], words: &[u64]) -> Result<Vec<u8>, std::io::Error> {
    fn typed<T>(words: &[u64], of: impl Fn(u64) -> T) -> Vec<T> {
        words.iter().map(|&word| of(word)).collect()
    }
    let unused = 64 - format.bits();
    let signed = |word: u64| (word << unused) as i64 >> unused;
    match (format, format.bits()) {
        (FieldFormat::Float64, _) => npy::encode(shape, &typed(words, f64::from_bits)),
        (FieldFormat::Signed(_), ..=8) => npy::encode(shape, &typed(words, |w| signed(w) as i8)),
        (FieldFormat::Signed(_), 9..=16) => npy::encode(shape, &typed(words, |w| signed(w) as i16)),
        (FieldFormat::Signed(_), 17..=32) => {
            npy::encode(shape, &typed(words, |w| signed(w) as i32))
        }
        (FieldFormat::Signed(_), _) => npy::encode(shape, &typed(words, signed)),
        (_, ..=8) => npy::encode(shape, &typed(words, |w| w as u8)),
        (_, 9..=16) => npy::encode(shape, &typed(words, |w| w as u16)),
        (_, 17..=32) => npy::encode(shape, &typed(words, |w| w as u32)),
        _ => npy::encode(shape, words),
    }
}

/// What the header's digest is of.
pub(super) fn body(members: &[Member]) -> Vec<u8> {
    let data = members.iter().filter(|(name, _)| name != HEADER);
    data.flat_map(|(_, data)| data.iter().copied()).collect()
}

/// The archive of a header and arrays.
///
/// # Errors
/// Arrays of more than 4 GiB.
pub(super) fn archive(header: &Header, arrays: Vec<Member>) -> Result<Vec<u8>, CliError> {
    let text = header.json()?;
    let failed = |error: std::io::Error| CliError::Arguments(error.to_string());
    let bytes = npy::encode(&[text.len()], text.as_bytes()).map_err(failed)?;
    let members: Vec<Member> = [(HEADER.to_owned(), bytes)].into_iter().chain(arrays).collect();
    zip::archive(&members).map_err(CliError::Arguments)
}

/// The header among the members.
///
/// # Errors
/// None, or one that is no JSON in bytes.
pub(super) fn header(name: &str, members: &[Member]) -> Result<Header, String> {
    let member = members.iter().find(|(member, _)| member == HEADER);
    let (_, bytes) = member.ok_or("has no array `header`: it is not from `fewbit vectors`")?;
    match npy::of_bytes(name, bytes).map_err(|reason| format!("header: {reason}"))?.values {
        Values::U8(text) => Header::of_json(&text),
        _ => Err("its array `header` holds no bytes (uint8)".into()),
    }
}

/// The words of the arrays, row by row, and the classes.
///
/// # Errors
/// An array that is missing, or of another type or shape than the header says.
pub(super) fn read(
    name: &str,
    fields: &[VectorField],
    rows: usize,
    members: &[Member],
) -> Result<Read, String> {
    let find = |array: &str| -> Result<Npy, String> {
        let member = members.iter().find(|(member, _)| member.strip_suffix(".npy") == Some(array));
        let (_, bytes) = member.ok_or_else(|| format!("has no array `{array}`"))?;
        npy::of_bytes(name, bytes).map_err(|reason| format!("{array}: {reason}"))
    };
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        columns.push(column(field, rows, find(&field.name)?)?);
    }
    let mut words = Vec::new();
    for row in 0..rows {
        for (field, column) in fields.iter().zip(&columns) {
            let count = field.words();
            words.extend(column.get(row * count..(row + 1) * count).unwrap_or_default());
        }
    }
    let Values::U8(classes) = find("class")?.values else {
        return Err("its array `class` holds no bytes (uint8)".into());
    };
    if classes.len() != rows {
        return Err(format!("has {} classes and {rows} rows", classes.len()));
    }
    let class = |&place: &u8| match VectorClass::ALL.get(usize::from(place)) {
        Some(class) => Cow::Borrowed(class.name()),
        None => Cow::Owned(place.to_string()),
    };
    Ok((words, classes.iter().map(class).collect()))
}

/// The words of a field.
fn column(field: &VectorField, rows: usize, npy: Npy) -> Result<Vec<u64>, String> {
    let shape: Vec<usize> = [rows].into_iter().chain(field.shape.clone()).collect();
    if npy.shape != shape {
        return Err(format!("{} has shape {:?} and not {shape:?}", field.name, npy.shape));
    }
    let dtype = npy.dtype();
    let is_signed = matches!(field.format, FieldFormat::Signed(_));
    let mask = field.format.mask();
    let words: Vec<(u64, i128)> = match npy.values {
        Values::U8(v) if !is_signed => v.iter().map(|&x| (x.into(), x.into())).collect(),
        Values::U16(v) if !is_signed => v.iter().map(|&x| (x.into(), x.into())).collect(),
        Values::U32(v) if !is_signed => v.iter().map(|&x| (x.into(), x.into())).collect(),
        Values::U64(v) if !is_signed => v.iter().map(|&x| (x, x.into())).collect(),
        Values::I8(v) if is_signed => v.iter().map(|&x| (x as u64, x.into())).collect(),
        Values::I16(v) if is_signed => v.iter().map(|&x| (x as u64, x.into())).collect(),
        Values::I32(v) if is_signed => v.iter().map(|&x| (x as u64, x.into())).collect(),
        Values::I64(v) if is_signed => v.iter().map(|&x| (x as u64, x.into())).collect(),
        Values::F64(v) if field.format == FieldFormat::Float64 => {
            return Ok(v.iter().map(|x| x.to_bits()).collect());
        }
        _ => return Err(format!("{} holds {dtype}, which {} is not", field.name, field.format)),
    };
    let unused = 64 - field.format.bits();
    let fits = |&(word, value): &(u64, i128)| match is_signed {
        true => i128::from((word << unused) as i64 >> unused) == value,
        false => word & !mask == 0,
    };
    if let Some(place) = words.iter().position(|word| !fits(word)) {
        let (row, word) = (place / field.words().max(1), place % field.words().max(1));
        return Err(format!(
            "vector {row}, field {}: {} is no word of {}",
            field.place(word),
            words[place].1,
            field.format
        ));
    }
    Ok(words.into_iter().map(|(word, _)| word & mask).collect())
}
