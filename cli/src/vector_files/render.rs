//! Rows as the bytes of files.

use clap::ValueEnum;

use super::header::{Header, digest};
use super::rows::Rows;
use super::{csv, jsonl, npz, readmemh, struct_text, testfloat};
use crate::error::CliError;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileKind {
    /// Packed words for `$readmemh` (.hex) and a package with their struct (.svh); of matmul a file per field
    Readmemh,
    /// Hexadecimal words in columns (.csv)
    Csv,
    /// An object a line (.jsonl)
    Jsonl,
    /// Berkeley TestFloat's lines (.tf), and the header beside them (.json)
    Testfloat,
    /// An array per field, for numpy.load (.npz)
    Npz,
}

/// A file to be written.
pub(crate) struct Rendered {
    /// Its name.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The digest of its body; none where it has no rows.
    pub(crate) sha256: Option<String>,
    /// The field that it holds, where it holds one alone.
    pub(super) field: Option<String>,
}

/// The files of these rows, the one with the rows first.
///
/// # Errors
/// Rows that a kind of file has no place for.
pub(crate) fn render(
    kind: FileKind,
    rows: &Rows,
    version: &str,
) -> Result<Vec<Rendered>, CliError> {
    let stem = rows.stem();
    let named = |ending: &str, bytes: Vec<u8>, body: Option<&[u8]>| Rendered {
        name: format!("{stem}.{ending}"),
        bytes,
        sha256: body.map(digest),
        field: None,
    };
    let marked = |ending: &str, mark: &str, body: String| {
        let header = Header::new(rows, None, version, body.as_bytes());
        let text = header.lines(mark) + &body;
        named(ending, text.into_bytes(), Some(body.as_bytes()))
    };
    Ok(match kind {
        FileKind::Readmemh => {
            let mut files = match rows.is_split() {
                false => vec![marked("hex", readmemh::MARK, readmemh::packed(rows))],
                true => of_fields(rows, version),
            };
            let package = struct_text::package(rows);
            files.push(named("svh", package.into_bytes(), None));
            files
        }
        FileKind::Csv => vec![marked("csv", csv::MARK, csv::body(rows))],
        FileKind::Jsonl => {
            let body = jsonl::body(rows);
            let header = Header::new(rows, None, version, body.as_bytes());
            let text = format!("{}\n{body}", header.json()?);
            vec![named("jsonl", text.into_bytes(), Some(body.as_bytes()))]
        }
        FileKind::Testfloat => {
            if let Some(reason) = testfloat::refusal(&rows.plan) {
                let op = rows.plan.op();
                return Err(CliError::Arguments(format!(
                    "TestFloat has no text for {op}: {reason}; csv, jsonl, readmemh and npz have it"
                )));
            }
            let body = testfloat::body(rows);
            let header = Header::new(rows, None, version, body.as_bytes()).json()? + "\n";
            vec![
                named("tf", body.clone().into_bytes(), Some(body.as_bytes())),
                named("json", header.into_bytes(), None),
            ]
        }
        FileKind::Npz => {
            let failed = |error: std::io::Error| CliError::Arguments(error.to_string());
            let arrays = npz::arrays(rows).map_err(failed)?;
            let body = npz::body(&arrays);
            let header = Header::new(rows, None, version, &body);
            vec![named("npz", npz::archive(&header, arrays)?, Some(&body))]
        }
    })
}

/// A file per field.
fn of_fields(rows: &Rows, version: &str) -> Vec<Rendered> {
    let of = |name: &str| {
        let body = readmemh::of_field(&rows.table, name);
        let header = Header::new(rows, Some(name), version, body.as_bytes());
        Rendered {
            name: format!("{name}.hex"),
            bytes: (header.lines(readmemh::MARK) + &body).into_bytes(),
            sha256: Some(digest(body.as_bytes())),
            field: Some(name.to_owned()),
        }
    };
    rows.table.fields().iter().map(|field| of(&field.name)).collect()
}
