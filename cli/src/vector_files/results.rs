//! What a device under test answered: a file of the same layout, or lines of words.

use std::path::Path;

use clap::ValueEnum;
use fewbit::vectors::{
    FieldFormat, FieldRole, VectorContent, VectorField, VectorMismatch, VectorPlan, VectorTable,
};
use fewbit_formats::{Format, Overflow, Policy, Rounding};

use super::read::{self, whole};
use super::{csv, readmemh};
use crate::error::CliError;
use crate::io::log::InputLog;

/// How words are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Radix {
    /// Hexadecimal codes, as `%h` prints them
    #[default]
    Hex,
    /// Decimal numbers: the values of codes
    Decimal,
}

/// Words that were answered.
pub(crate) struct Results {
    /// The rows, with the words of stimuli as they are expected.
    pub(crate) table: VectorTable,
    /// Words with bits that are unknown (x) or not driven (z), which are no numbers: their text, and the place of each.
    pub(crate) unknown: Vec<(VectorMismatch, String)>,
}

/// Reads answers to the vectors of `expected`.
///
/// Lines have the results of a vector, the expected fields in their order, or the first of them alone; of an array of results,
/// a line has one word. `//` and `#` begin a comment.
///
/// # Errors
/// Another number of lines; a text that is no word.
pub(crate) fn results(
    path: &Path,
    plan: &VectorPlan,
    expected: &VectorTable,
    radix: Radix,
    log: &InputLog,
) -> Result<Results, CliError> {
    let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
    let bytes = whole(path, log)?;
    let has_header = bytes.starts_with(b"PK")
        || [readmemh::MARK, csv::MARK, "{"].iter().any(|mark| bytes.starts_with(mark.as_bytes()));
    if has_header && let Ok(document) = read::read(path, log) {
        if document.rows.table.fields() != expected.fields()
            || document.rows.table.len() != expected.len()
        {
            return Err(wrong(
                "its rows are not those of the vectors: expected the same fields and as many rows"
                    .into(),
            ));
        }
        return Ok(Results { table: document.rows.table, unknown: Vec::new() });
    }
    if plan.content == VectorContent::Trace {
        return Err(wrong("results of a trace are a file of the same layout".into()));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is no text".into()))?;
    lines(&text, expected, radix).map_err(wrong)
}

fn lines(text: &str, expected: &VectorTable, radix: Radix) -> Result<Results, String> {
    let fields = expected.fields();
    let results: Vec<(usize, &VectorField)> =
        fields.iter().enumerate().filter(|(_, field)| field.role == FieldRole::Expected).collect();
    let Some(&(first, field)) = results.first() else { return Err("there are no results".into()) };
    let per_row = field.words();
    let content = |line: &'_ str| {
        let end = ["//", "#"].iter().filter_map(|mark| line.find(mark)).min();
        line[..end.unwrap_or(line.len())].trim().to_owned()
    };
    let all: Vec<(usize, String)> = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, content(line)))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let wanted = expected.len() * per_row;
    if all.len() != wanted {
        return Err(format!("has {} lines of results, and {wanted} are expected", all.len()));
    }
    let start = |place: usize| fields[..place].iter().map(VectorField::words).sum::<usize>();
    let (mut words, mut unknown) = (expected.words().to_vec(), Vec::new());
    for (index, (number, line)) in all.iter().enumerate() {
        let (row, word) = (index / per_row, index % per_row);
        let cells: Vec<&str> = line.split_whitespace().collect();
        if cells.len() > 1 && (cells.len() > results.len() || per_row > 1) {
            return Err(format!("line {number} has {} words, which no vector has", cells.len()));
        }
        for (&(place, field), cell) in results.iter().zip(cells) {
            let word = if place == first { word } else { 0 };
            if field.words() <= word {
                return Err(format!("line {number}: {} is no single word", field.name));
            }
            let at = row * expected.stride() + start(place) + word;
            if radix == Radix::Hex && cell.contains(['x', 'X', 'z', 'Z']) && !cell.starts_with("0x")
            {
                let (field, expected) = (field.clone(), words[at]);
                let mismatch = VectorMismatch { row, field, word, found: 0, expected };
                unknown.push((mismatch, cell.to_owned()));
                continue;
            }
            let found = match radix {
                Radix::Hex => hexadecimal(field, cell),
                Radix::Decimal => decimal(field.format, cell),
            };
            words[at] = found.ok_or_else(|| {
                let (cell, name): (String, _) = (cell.chars().take(40).collect(), &field.name);
                format!("line {number}: `{cell}` is no word of {name}, {}", field.format)
            })?;
        }
    }
    let table = VectorTable::from_words(fields.to_vec(), words);
    Ok(Results { table: table.map_err(|error| error.to_string())?, unknown })
}

/// A word of any number of digits, with or without `0x`.
fn hexadecimal(field: &VectorField, text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = u64::from_str_radix(digits, 16).ok().filter(|_| are_digits)?;
    (word & !field.format.mask() == 0).then_some(word)
}

/// The word of a value.
fn decimal(format: FieldFormat, text: &str) -> Option<u64> {
    let integer = |low: i128, high: i128| {
        let value: i128 = text.parse().ok()?;
        (low..=high).contains(&value).then_some(value as u64 & format.mask())
    };
    match format {
        FieldFormat::Signed(bits) => integer(-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        FieldFormat::Unsigned(bits) => integer(0, (1i128 << bits) - 1),
        FieldFormat::Codes(Format::Int(int)) => integer(int.min().into(), int.max().into()),
        FieldFormat::Float64 => text.parse::<f64>().ok().map(f64::to_bits),
        FieldFormat::Codes(codes) => {
            let value: f64 = text.parse().ok()?;
            let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
            let code = codes.encode(value, &policy, 0).ok()?.code;
            let found = codes.decode(code);
            (found == value || found.is_nan() && value.is_nan()).then_some(code.into())
        }
    }
}
