//! JSON, an object a line: the header, then a row each, its words as hexadecimal texts.

use std::borrow::Cow;

use fewbit::vectors::VectorField;
use serde_json::{Map, Value};

use super::csv::Read;
use super::hex;
use super::rows::Rows;

/// All rows.
pub(super) fn body(rows: &Rows) -> String {
    let mut body = String::new();
    for row in 0..rows.table.len() {
        let class = rows.classes.get(row).map_or("", AsRef::as_ref);
        body += &format!("{{\"class\": {}", Value::from(class));
        for (field, words) in rows.table.cells(row) {
            let texts: Vec<String> =
                words.iter().map(|&word| format!("\"{}\"", hex::text(field, word))).collect();
            body += &match field.shape.is_empty() {
                true => format!(", \"{}\": {}", field.name, texts.concat()),
                false => format!(", \"{}\": [{}]", field.name, texts.join(", ")),
            };
        }
        body += "}\n";
    }
    body
}

/// The words of rows, and their classes.
///
/// # Errors
/// The first line that is no such object, or lacks a field.
pub(super) fn read(fields: &[VectorField], body: &str) -> Result<Read, String> {
    let (mut words, mut classes) = (Vec::new(), Vec::new());
    for (row, line) in body.lines().enumerate() {
        let object: Map<String, Value> = serde_json::from_str(line)
            .map_err(|error| format!("vector {row} is no JSON object: {error}"))?;
        let class = object.get("class").and_then(Value::as_str).unwrap_or_default();
        classes.push(Cow::Owned(class.to_owned()));
        for field in fields {
            let place = |word: usize| format!("vector {row}, field {}", field.place(word));
            let found = object.get(&field.name);
            let texts: Vec<&Value> = match found {
                Some(Value::Array(all)) if !field.shape.is_empty() => all.iter().collect(),
                Some(one) if field.shape.is_empty() => vec![one],
                _ => return Err(format!("vector {row} has no field {}", field.name)),
            };
            if texts.len() != field.words() {
                let (found, expected) = (texts.len(), field.words());
                return Err(format!("{}: {found} words where it has {expected}", place(0)));
            }
            for (word, text) in texts.into_iter().enumerate() {
                let text = text.as_str().ok_or_else(|| format!("{}: no text", place(word)))?;
                let found = hex::word(field, text)
                    .map_err(|reason| format!("{}: {reason}", place(word)))?;
                words.push(found);
            }
        }
    }
    Ok((words, classes))
}
