//! Text for `$readmemh`: a packed row a line, or, of matrices, a file per field with a word a line.

use fewbit::vectors::{VectorField, VectorTable};

use super::hex;
use super::rows::Rows;

/// The mark of header lines.
pub(super) const MARK: &str = "//";

/// All rows, packed.
pub(super) fn packed(rows: &Rows) -> String {
    let mut body = String::new();
    for row in 0..rows.table.len() {
        body += &hex::packed(&rows.table, row);
        body.push('\n');
    }
    body
}

/// The words of one field.
pub(super) fn of_field(table: &VectorTable, name: &str) -> String {
    let mut body = String::new();
    for row in 0..table.len() {
        for (field, words) in table.cells(row).filter(|(field, _)| field.name == name) {
            for &word in words {
                body += &hex::text(field, word);
                body.push('\n');
            }
        }
    }
    body
}

/// The words of packed rows.
///
/// # Errors
/// The first line that is none.
pub(super) fn read_packed(fields: &[VectorField], body: &str) -> Result<Vec<u64>, String> {
    let mut words = Vec::new();
    for (row, line) in body.lines().enumerate() {
        hex::unpack(fields, line, &mut words).map_err(|reason| format!("vector {row} {reason}"))?;
    }
    Ok(words)
}

/// The words of a file of one field.
///
/// # Errors
/// The first line that is none.
pub(super) fn read_field(field: &VectorField, body: &str) -> Result<Vec<u64>, String> {
    let words = body.lines().enumerate().map(|(line, text)| {
        let (row, word) = (line / field.words().max(1), line % field.words().max(1));
        hex::word(field, text)
            .map_err(|reason| format!("vector {row}, field {}: {reason}", field.place(word)))
    });
    words.collect()
}
