//! What was compared, for people and for `--json`.

use std::path::{Path, PathBuf};

use fewbit::vectors::{
    FieldRole, VectorComparison, VectorField, VectorMismatch, VectorPlan, VectorTable,
};
use serde::Serialize;

use crate::vector_files::{Header, Results, Rows};

/// What was compared.
#[derive(Serialize)]
pub(super) struct Report {
    file: PathBuf,
    op: &'static str,
    /// The version that wrote the file.
    written_by: String,
    rows: usize,
    /// Words that differ from those computed anew.
    different: u64,
    /// What is wrong with the bytes.
    damage: Vec<String>,
    mismatches: Vec<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<GotReport>,
}

/// What a device answered.
#[derive(Serialize)]
struct GotReport {
    file: PathBuf,
    /// Words that differ.
    different: u64,
    /// Rows with such a word.
    rows: u64,
    /// Words with unknown bits.
    unknown: u64,
    mismatches: Vec<Told>,
}

/// A word that differs.
#[derive(Serialize)]
pub(super) struct Told {
    vector: usize,
    field: String,
    found: String,
    expected: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
}

impl Told {
    /// A word, and how the one expected comes about.
    pub(super) fn of(plan: &VectorPlan, expected: &VectorTable, found: &VectorMismatch) -> Self {
        let field = &found.field;
        let explains = field.role == FieldRole::Expected;
        Self {
            vector: found.row,
            field: field.place(found.word),
            found: shown(field, found.found),
            expected: shown(field, found.expected),
            explanation: explains.then(|| plan.explain(expected, found.row, found.word)).flatten(),
        }
    }

    /// A class.
    pub(super) fn class(row: usize, found: &str, expected: &str) -> Self {
        Self {
            vector: row,
            field: "class".into(),
            found: found.escape_default().take(40).collect(),
            expected: expected.into(),
            explanation: None,
        }
    }

    fn text(&self) -> String {
        let Self { vector, field, found, expected, explanation } = self;
        let rest = explanation.as_ref().map_or(String::new(), |text| format!("\n{text}"));
        format!("vector {vector}, field {field}: found {found}, expected {expected}{rest}")
    }
}

/// A word with its value.
fn shown(field: &VectorField, word: u64) -> String {
    let digits = field.format.bits().div_ceil(4) as usize;
    format!("0x{word:0digits$x} ({})", field.format.value(word))
}

/// The bit of given stimuli that was flipped, if it is one.
pub(super) fn flipped(table: &VectorTable, position: u64) -> String {
    match table.at_position(position) {
        Some((row, place, bit)) => {
            let name =
                table.field_at(place).map_or_else(String::new, |(field, word)| field.place(word));
            format!(
                "if one bit of the stimuli was flipped, it is bit {bit} of {name} in vector {row}"
            )
        }
        None => "the stimuli are not those that were given: more than one bit differs".into(),
    }
}

impl Report {
    pub(super) fn new(
        file: &Path,
        rows: &Rows,
        header: &Header,
        damage: Vec<String>,
        mismatches: Vec<Told>,
        different: u64,
    ) -> Self {
        Self {
            file: file.to_owned(),
            op: rows.plan.op().name(),
            written_by: header.version().to_owned(),
            rows: rows.table.len(),
            different,
            damage,
            mismatches,
            got: None,
        }
    }

    pub(super) fn add_results(
        &mut self,
        file: &Path,
        plan: &VectorPlan,
        expected: &VectorTable,
        got: &Results,
        comparison: &VectorComparison,
        show: usize,
    ) {
        let unknown = got.unknown.iter().map(|(place, text)| Told {
            found: format!("{text}, with unknown bits"),
            ..Told::of(plan, expected, place)
        });
        let mismatches = comparison.mismatches.iter().map(|found| Told::of(plan, expected, found));
        self.got = Some(GotReport {
            file: file.to_owned(),
            different: comparison.words,
            rows: comparison.rows,
            unknown: got.unknown.len() as u64,
            mismatches: unknown.chain(mismatches).take(show).collect(),
        });
    }

    /// Whether nothing differs.
    pub(super) fn is_equal(&self) -> bool {
        let got = self.got.as_ref().is_none_or(|got| got.different + got.unknown == 0);
        self.different == 0 && self.damage.is_empty() && got
    }

    /// Sentences, and the explanations.
    pub(super) fn text(&self) -> String {
        let Self { file, op, rows, different, .. } = self;
        let mut text = match (different, self.damage.is_empty()) {
            (0, true) => {
                format!("{}: {op}, {rows} rows, every word as computed anew", file.display())
            }
            (0, false) => {
                format!("{}: {op}, {rows} rows, every word as computed anew, but", file.display())
            }
            _ => format!(
                "{}: {op}, {rows} rows, {different} words differ from those computed anew",
                file.display()
            ),
        };
        for line in &self.damage {
            text += &format!("\n{line}");
        }
        let version = env!("CARGO_PKG_VERSION");
        if !self.is_equal() && self.written_by != version {
            text += &format!("\nwritten by version {}, and this is {version}", self.written_by);
        }
        for told in &self.mismatches {
            text += &format!("\n\n{}", told.text());
        }
        if let Some(got) = &self.got {
            let GotReport { file, different, rows, unknown, mismatches } = got;
            text += &match different + unknown {
                0 => format!("\n{}: every result is as expected", file.display()),
                _ => format!(
                    "\n{}: {different} words in {rows} rows differ, {unknown} have unknown bits",
                    file.display()
                ),
            };
            for told in mismatches {
                text += &format!("\n\n{}", told.text());
            }
        }
        text
    }
}
