//! Files of vectors, read: which kind one is, its own first bytes say.

use std::path::Path;

use fewbit::vectors::{
    VectorClass, VectorContent, VectorField, VectorPlan, VectorSource, VectorStyle, VectorTable,
};

use super::header::{Header, digest};
use super::render::{FileKind, Rendered, render};
use super::rows::{Rows, is_split};
use super::{csv, jsonl, npz, readmemh, testfloat};
use crate::error::CliError;
use crate::io::input::Input;
use crate::io::log::InputLog;
use crate::io::zip;

/// A file, or the files of all fields, as read.
pub(crate) struct Document {
    pub(crate) header: Header,
    pub(crate) rows: Rows,
    /// What is wrong with the bytes, whatever the rows are.
    pub(crate) damage: Vec<String>,
}

/// The parts of one file.
struct Parts {
    kind: FileKind,
    header: Header,
    bytes: Vec<u8>,
    body: Body,
}

/// What follows the header.
enum Body {
    Text(String),
    Arrays(Vec<zip::Member>),
}

/// Reads a file of `fewbit vectors`.
///
/// # Errors
/// What is none; a word that is none of its field, with the vector and the field.
pub(crate) fn read(path: &Path, log: &InputLog) -> Result<Document, CliError> {
    let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
    let parts = Parts::read(path, log)?;
    let plan = parts.header.plan().map_err(wrong)?;
    plan.check().map_err(|error| wrong(error.to_string()))?;
    let fields = plan.fields().map_err(|error| wrong(error.to_string()))?;
    // A digit has at most four words of a row.
    let stride = fields.iter().fold(0usize, |sum, field| sum.saturating_add(field.words()));
    let split = parts.kind == FileKind::Readmemh && is_split(&plan);
    if !split && stride / 4 > parts.bytes.len() {
        return Err(wrong(format!(
            "is shorter than one row of {stride} words, which its header has"
        )));
    }
    let mut damage = parts.damage(path);
    let (words, classes) = if split {
        let words = all_fields(path, &parts, &fields, log, &mut damage)?;
        (words, Vec::new())
    } else {
        parts.rows(path, &fields)?
    };
    let table = VectorTable::from_words(fields, words).map_err(|error| wrong(error.to_string()))?;
    let told = parts.header.rows();
    if told != Some(table.len() as u64) {
        let told = told.map_or_else(|| "none".to_owned(), |rows| rows.to_string());
        return Err(wrong(format!("has {} rows where its header says {told}", table.len())));
    }
    check_count(&plan, &table).map_err(wrong)?;
    let rows = Rows { plan, table, classes };
    // What the digests find they name already.
    if damage.is_empty()
        && let Some(place) = parts.other_bytes(&rows)?
    {
        damage.push(format!("{}: {place}", path.display()));
    }
    Ok(Document { header: parts.header, rows, damage })
}

/// Whether the plan makes about as many rows as the file has: it is not asked for many more.
fn check_count(plan: &VectorPlan, table: &VectorTable) -> Result<(), String> {
    let (VectorSource::Drawn { count, .. } | VectorSource::Given { count }) = plan.source;
    let rows = table.len() as u64;
    let is_near = match plan.content {
        // Most combinations have a result.
        _ if matches!(plan.source, VectorSource::Drawn { style: VectorStyle::Exhaustive, .. })
            && plan.input_bits() > 16 + u64::from(rows.max(1).ilog2()) =>
        {
            false
        }
        // Outputs may have fewer cycles than K, but most have all.
        VectorContent::Trace => plan.rows() <= rows.saturating_mul(16),
        _ => count == rows,
    };
    match is_near && rows > 0 {
        true => Ok(()),
        false => Err(format!("has {rows} rows where its header's count of vectors is {count}")),
    }
}

impl Parts {
    fn read(path: &Path, log: &InputLog) -> Result<Self, CliError> {
        let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
        let bytes = whole(path, log)?;
        if bytes.starts_with(b"PK") {
            let members = zip::members(&bytes).map_err(wrong)?.into_iter();
            let members: Vec<zip::Member> =
                members.map(|member| (member.name, member.data.into_owned())).collect();
            let name = path.display().to_string();
            let header = npz::header(&name, &members).map_err(wrong)?;
            return Ok(Self { kind: FileKind::Npz, header, bytes, body: Body::Arrays(members) });
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| wrong(format!("is no text from byte {} on", error.valid_up_to())))?;
        if text.starts_with('{') {
            let (header, body) = text.split_once('\n').unwrap_or((text, ""));
            let header = Header::of_json(header.as_bytes()).map_err(wrong)?;
            let body = Body::Text(body.to_owned());
            return Ok(Self { kind: FileKind::Jsonl, header, bytes, body });
        }
        for (mark, kind) in [(readmemh::MARK, FileKind::Readmemh), (csv::MARK, FileKind::Csv)] {
            if text.starts_with(mark) {
                let (header, body) = marked(text, mark).map_err(wrong)?;
                return Ok(Self { kind, header, body: Body::Text(body.to_owned()), bytes });
            }
        }
        let beside = path.with_extension("json");
        if beside == path || !beside.exists() {
            return Err(wrong(format!(
                "has no header of `fewbit vectors`; that of a TestFloat file would be in {}",
                beside.display()
            )));
        }
        let header = whole(&beside, log)?;
        let header = Header::of_json(&header)
            .map_err(|reason| CliError::Array { path: beside.clone(), reason })?;
        let body = Body::Text(text.to_owned());
        Ok(Self { kind: FileKind::Testfloat, header, body, bytes })
    }

    /// Digests that are not what was read.
    fn damage(&self, path: &Path) -> Vec<String> {
        let found = match &self.body {
            Body::Text(text) => digest(text.as_bytes()),
            Body::Arrays(members) => digest(&npz::body(members)),
        };
        let name = path.display();
        let mut damage = Vec::new();
        if found != self.header.body_digest() {
            damage.push(format!(
                "{name}: the SHA-256 of its rows is {found}, and its header says {}",
                self.header.body_digest()
            ));
        }
        if !self.header.is_sealed() {
            damage.push(format!("{name}: its header is not what it was: its own SHA-256 differs"));
        }
        damage
    }

    fn rows(&self, path: &Path, fields: &[VectorField]) -> Result<csv::Read, CliError> {
        let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
        let read = match (&self.body, self.kind) {
            (Body::Text(text), FileKind::Readmemh) => {
                readmemh::read_packed(fields, text).map(|words| (words, Vec::new()))
            }
            (Body::Text(text), FileKind::Csv) => csv::read(fields, text),
            (Body::Text(text), FileKind::Jsonl) => jsonl::read(fields, text),
            (Body::Text(text), _) => testfloat::read(fields, text).map(|words| (words, Vec::new())),
            (Body::Arrays(members), _) => {
                let rows = self.header.rows().and_then(|rows| usize::try_from(rows).ok());
                let rows = rows.ok_or_else(|| wrong("its header says no number of rows".into()))?;
                npz::read(&path.display().to_string(), fields, rows, members)
            }
        };
        read.map_err(wrong)
    }

    /// Where the file is not what these rows are written as; `None` where it is.
    fn other_bytes(&self, rows: &Rows) -> Result<Option<String>, CliError> {
        let mut rows = rows.clone();
        if rows.classes.is_empty() {
            rows.classes = vec![VectorClass::Given.name().into(); rows.table.len()];
        }
        let files = render(self.kind, &rows, self.header.version())?;
        let is_this = |file: &&Rendered| file.field.as_deref() == self.header.file();
        let Some(file) = files.iter().find(is_this) else {
            let file = self.header.file().unwrap_or("none");
            return Ok(Some(format!("its header says `file: {file}`, which is no field")));
        };
        if file.bytes == self.bytes {
            return Ok(None);
        }
        let same = file.bytes.iter().zip(&self.bytes).take_while(|(a, b)| a == b).count();
        let line = self.bytes.iter().take(same).filter(|&&byte| byte == b'\n').count() + 1;
        Ok(Some(match self.kind {
            FileKind::Npz => format!("from byte {same} on it is not as it was written"),
            _ => format!("from line {line}, byte {same}, on it is not as it was written"),
        }))
    }
}

/// The words of all fields, each from the file beside this one that is named after it.
fn all_fields(
    path: &Path,
    parts: &Parts,
    fields: &[VectorField],
    log: &InputLog,
    damage: &mut Vec<String>,
) -> Result<Vec<u64>, CliError> {
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let is_this = parts.header.file() == Some(field.name.as_str());
        let beside = path.with_file_name(format!("{}.hex", field.name));
        let beside = if is_this { path } else { beside.as_path() };
        let wrong = |reason: String| CliError::Array { path: beside.to_owned(), reason };
        let other;
        let found = if is_this {
            parts
        } else {
            other = Parts::read(beside, log)?;
            if other.kind != FileKind::Readmemh || other.header.plan() != parts.header.plan() {
                return Err(wrong(format!("is not of the same vectors as {}", path.display())));
            }
            damage.extend(other.damage(beside));
            &other
        };
        let Body::Text(body) = &found.body else { return Err(wrong("is no text".into())) };
        columns.push(readmemh::read_field(field, body).map_err(wrong)?);
    }
    let rows = columns.first().zip(fields.first());
    let rows = rows.map_or(0, |(column, field)| column.len() / field.words().max(1));
    let mut words = Vec::new();
    for (field, column) in fields.iter().zip(&columns) {
        if column.len() != rows * field.words() {
            let name = path.with_file_name(format!("{}.hex", field.name));
            let (found, expected) = (column.len(), rows * field.words());
            let reason = format!("has {found} words where {rows} vectors have {expected}");
            return Err(CliError::Array { path: name, reason });
        }
    }
    for row in 0..rows {
        for (field, column) in fields.iter().zip(&columns) {
            let count = field.words();
            words.extend(column.get(row * count..(row + 1) * count).unwrap_or_default());
        }
    }
    Ok(words)
}

/// Header lines and the rest.
fn marked<'a>(text: &'a str, mark: &str) -> Result<(Header, &'a str), String> {
    let (mut entries, mut rest) = (Vec::new(), text);
    while let Some(line) = rest.strip_prefix(mark) {
        let (line, behind) = line.split_once('\n').unwrap_or((line, ""));
        let entry = Header::entry(line);
        entries.push(entry.ok_or_else(|| {
            format!("its header's line {} is no `key: value`", entries.len() + 1)
        })?);
        rest = behind;
    }
    Ok((Header::read(entries), rest))
}

/// The bytes of a file.
pub(super) fn whole(path: &Path, log: &InputLog) -> Result<Vec<u8>, CliError> {
    let mut input = Input::open(path, log)?;
    // As it is, as words, and as it should be.
    input.check_memory(input.length.saturating_mul(6))?;
    let (mut bytes, length) = (Vec::new(), input.length);
    input.read(length, &mut bytes)?;
    Ok(bytes)
}
