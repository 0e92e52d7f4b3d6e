//! Comma-separated hexadecimal words, a row a line, after its class.

use std::borrow::Cow;

use fewbit::vectors::VectorField;

use super::hex;
use super::rows::Rows;

/// The mark of header lines.
pub(super) const MARK: &str = "#";

/// The titles of columns: `class`, then every word's.
fn titles(fields: &[VectorField]) -> String {
    let mut titles = vec!["class".to_owned()];
    for field in fields {
        titles.extend((0..field.words()).map(|word| field.place(word)));
    }
    titles.join(",")
}

/// All rows, under their titles.
pub(super) fn body(rows: &Rows) -> String {
    let mut body = titles(rows.table.fields()) + "\n";
    for row in 0..rows.table.len() {
        body += rows.classes.get(row).map_or("", AsRef::as_ref);
        for (field, words) in rows.table.cells(row) {
            for &word in words {
                body.push(',');
                body += &hex::text(field, word);
            }
        }
        body.push('\n');
    }
    body
}

/// Words and classes.
pub(super) type Read = (Vec<u64>, Vec<Cow<'static, str>>);

/// The words of rows, and their classes.
///
/// # Errors
/// Other titles; the first cell that is no word of its field.
pub(super) fn read(fields: &[VectorField], body: &str) -> Result<Read, String> {
    let mut lines = body.lines();
    if lines.next() != Some(titles(fields).as_str()) {
        return Err("the titles of its columns are not those of its header's fields".into());
    }
    let (mut words, mut classes) = (Vec::new(), Vec::new());
    for (row, line) in lines.enumerate() {
        let mut cells = line.split(',');
        classes.push(Cow::Owned(cells.next().unwrap_or_default().to_owned()));
        for field in fields {
            for word in 0..field.words() {
                let place = || format!("vector {row}, field {}", field.place(word));
                let cell =
                    cells.next().ok_or_else(|| format!("{}: the line ends before", place()))?;
                let found =
                    hex::word(field, cell).map_err(|reason| format!("{}: {reason}", place()))?;
                words.push(found);
            }
        }
        if cells.next().is_some() {
            return Err(format!("vector {row} has more cells than its header has fields"));
        }
    }
    Ok((words, classes))
}
