//! The header of a file: what its rows depend on, and digests.

use fewbit::vectors::{VectorField, VectorPlan};
use sha2::{Digest, Sha256};

use super::rows::Rows;
use crate::error::CliError;

/// The layout of files, counted up when it changes.
const LAYOUT: &str = "1";
const VERSION: &str = "fewbit";
const BODY: &str = "sha256";
const SEAL: &str = "header_sha256";
const FILE: &str = "file";
const POSITIONS: &str = "positions";
const ROWS: &str = "rows";

/// Keys and values, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header(Vec<(String, String)>);

impl Header {
    /// The header of rows whose body is this; `file` names the field of a file of one.
    pub(super) fn new(rows: &Rows, file: Option<&str>, version: &str, body: &[u8]) -> Self {
        let mut entries =
            vec![(VERSION.to_owned(), version.to_owned()), ("layout".into(), LAYOUT.into())];
        entries.extend(rows.plan.entries());
        entries.push((ROWS.into(), rows.table.len().to_string()));
        let packed = !rows.is_split();
        let mut lsb = rows.table.fields().iter().map(bits).sum::<u64>();
        for field in rows.table.fields() {
            lsb -= bits(field);
            entries.push((format!("field {}", field.name), layout(field, packed.then_some(lsb))));
        }
        entries.push((POSITIONS.into(), format!("{:016x}", rows.table.positions())));
        entries.extend(file.map(|file| (FILE.into(), file.into())));
        entries.push((BODY.into(), digest(body)));
        let mut header = Self(entries);
        header.0.push((SEAL.into(), header.seal()));
        header
    }

    /// A header as it was read.
    pub(super) const fn read(entries: Vec<(String, String)>) -> Self {
        Self(entries)
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// The version that wrote it.
    pub(crate) fn version(&self) -> &str {
        self.get(VERSION).unwrap_or_default()
    }

    /// The field whose file this is, where each has one.
    pub(super) fn file(&self) -> Option<&str> {
        self.get(FILE)
    }

    /// The rows that it says.
    pub(super) fn rows(&self) -> Option<u64> {
        self.get(ROWS)?.parse().ok()
    }

    /// The digest of the body that it says.
    pub(crate) fn body_digest(&self) -> &str {
        self.get(BODY).unwrap_or_default()
    }

    /// The positions of the stimuli's bits that it says.
    pub(crate) fn positions(&self) -> Option<u64> {
        u64::from_str_radix(self.get(POSITIONS)?, 16).ok()
    }

    /// Whether the digest of the header is its own.
    pub(crate) fn is_sealed(&self) -> bool {
        self.get(SEAL) == Some(self.seal().as_str())
    }

    /// The plan.
    ///
    /// # Errors
    /// Another layout; what the plan refuses.
    pub(super) fn plan(&self) -> Result<VectorPlan, String> {
        match self.get("layout") {
            Some(LAYOUT) => VectorPlan::from_entries(&self.0).map_err(|error| error.to_string()),
            Some(other) => Err(format!("its layout is `{other}`, and this version reads {LAYOUT}")),
            None => Err("has no header of `fewbit vectors`".into()),
        }
    }

    /// A line for every key, after `mark`.
    pub(super) fn lines(&self, mark: &str) -> String {
        self.0.iter().map(|(key, value)| format!("{mark} {key}: {value}\n")).collect()
    }

    /// One object on one line; whole numbers are numbers.
    ///
    /// # Errors
    /// None in practice: texts have a form in JSON.
    pub(super) fn json(&self) -> Result<String, CliError> {
        let mut text = String::from("{");
        for (index, (key, value)) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let number = value.parse::<u32>().is_ok_and(|number| number.to_string() == *value);
            let value = if number { value.clone() } else { serde_json::to_string(value)? };
            text += &format!("{comma}{}: {value}", serde_json::to_string(key)?);
        }
        text.push('}');
        Ok(text)
    }

    /// The keys and values of an object.
    ///
    /// # Errors
    /// What is no object of texts and whole numbers.
    pub(super) fn of_json(text: &[u8]) -> Result<Self, String> {
        let value: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text)
            .map_err(|error| format!("its header is no JSON: {error}"))?;
        let entry = |(key, value): (String, serde_json::Value)| match value {
            serde_json::Value::String(text) => Ok((key, text)),
            serde_json::Value::Number(number) => Ok((key, number.to_string())),
            _ => Err(format!("its header has neither a text nor a number for `{key}`")),
        };
        value.into_iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// The key and the value of a line without its mark.
    pub(super) fn entry(line: &str) -> Option<(String, String)> {
        let (key, value) = line.strip_prefix(' ')?.split_once(": ")?;
        Some((key.to_owned(), value.to_owned()))
    }

    /// The digest of all other lines, sorted: the order of an object's keys says nothing.
    fn seal(&self) -> String {
        let lines = self.0.iter().filter(|(key, _)| key != SEAL);
        let mut lines: Vec<String> =
            lines.map(|(key, value)| format!("{key}: {value}\n")).collect();
        lines.sort_unstable();
        digest(lines.concat().as_bytes())
    }
}

/// Bits of a field in a row.
pub(super) fn bits(field: &VectorField) -> u64 {
    u64::from(field.format.bits()).saturating_mul(field.words() as u64)
}

/// What a field is, and where it lies in a packed word.
fn layout(field: &VectorField, lsb: Option<u64>) -> String {
    let shape: String = field.shape.iter().map(|extent| format!("[{extent}]")).collect();
    let format = field.format;
    match lsb {
        Some(lsb) => format!("lsb {lsb}, width {}, {format}{shape}", bits(field)),
        None => format!("width {}, {format}{shape}", format.bits()),
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
