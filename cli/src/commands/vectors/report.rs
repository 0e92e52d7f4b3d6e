//! What was written, for people and for `--json`.

use std::path::{Path, PathBuf};

use fewbit::vectors::LeftOut;
use serde::Serialize;

use crate::output;
use crate::vector_files::{Rendered, Rows};

/// What was written.
#[derive(Serialize)]
pub(super) struct Report {
    /// The plan, as the header has it.
    plan: Vec<(String, String)>,
    rows: usize,
    words: usize,
    classes: Vec<ClassCount>,
    left_out: Vec<LeftOutCount>,
    files: Vec<FileReport>,
}

#[derive(Serialize)]
struct ClassCount {
    class: &'static str,
    rows: usize,
}

#[derive(Serialize)]
struct LeftOutCount {
    class: &'static str,
    count: u64,
    reason: String,
}

#[derive(Serialize)]
struct FileReport {
    file: PathBuf,
    bytes: usize,
    /// Of its rows, where it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl Report {
    pub(super) fn new(
        rows: &Rows,
        left_out: &[LeftOut],
        folder: &Path,
        files: &[Rendered],
    ) -> Self {
        let classes = rows.table.counts().into_iter();
        Self {
            plan: rows.plan.entries(),
            rows: rows.table.len(),
            words: rows.table.stride(),
            classes: classes
                .map(|(class, rows)| ClassCount { class: class.name(), rows })
                .collect(),
            left_out: left_out
                .iter()
                .map(|LeftOut { class, count, reason }| LeftOutCount {
                    class: class.name(),
                    count: *count,
                    reason: reason.clone(),
                })
                .collect(),
            files: files
                .iter()
                .map(|file| FileReport {
                    file: folder.join(&file.name),
                    bytes: file.bytes.len(),
                    sha256: file.sha256.clone(),
                })
                .collect(),
        }
    }

    /// Sentences and a table of classes.
    pub(super) fn text(&self) -> String {
        let plan: Vec<String> =
            self.plan.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let mut table = output::texts(&["class", "rows"]);
        for ClassCount { class, rows } in &self.classes {
            table.add_row([(*class).to_owned(), rows.to_string()]);
        }
        let mut text = format!("{}\n{table}", plan.join(", "));
        for LeftOutCount { class, count, reason } in &self.left_out {
            text += &format!("\nleft out: {count} of {class}: {reason}");
        }
        for FileReport { file, bytes, sha256 } in &self.files {
            let digest = sha256
                .as_ref()
                .map_or(String::new(), |sha256| format!(", SHA-256 of rows {sha256}"));
            text += &format!("\n{}: {bytes} bytes{digest}", file.display());
        }
        text
    }
}
