//! `docs/brevitas.md` is what the tables say, within the prose of `template.md`.
//!
//! `FEWBIT_WRITE_DOCS=1 cargo test -p fewbit --test brevitas` writes it.

use std::fs;
use std::path::PathBuf;

use fewbit::quantize::Preset;

use crate::differences::DIFFERENCES;

fn path(parts: &[&str]) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR")].iter().chain(parts).collect()
}

/// A table in Markdown.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| {
        format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(N));
    let rows: String = rows.into_iter().map(line).collect();
    line(head.map(String::from)) + &rule + &rows
}

fn presets() -> String {
    let rows = Preset::all().iter().map(|preset| {
        let format =
            preset.format.map_or_else(|| "must be set".into(), |format| format!("`{format}`"));
        let (family, origin) = (preset.family.to_string(), preset.origin.to_string());
        [preset.name.to_owned(), family, format, origin, preset.description.to_owned()]
    });
    table(["preset", "for", "format", "of", "what it does"], rows)
}

fn differences() -> String {
    let rows = DIFFERENCES.iter().map(|difference| {
        let (when, why) = (difference.when.to_owned(), difference.why.to_owned());
        [format!("`{}`", difference.preset), when, why]
    });
    table(["preset", "when", "why"], rows)
}

#[test]
fn brevitas_md_is_up_to_date() {
    let mut text =
        fs::read_to_string(path(&["tests", "brevitas", "template.md"])).expect("template");
    for (place, part) in [("{{presets}}", presets()), ("{{differences}}", differences())] {
        assert_eq!(text.matches(place).count(), 1, "{place} in the template");
        text = text.replace(place, part.trim_end());
    }
    let path = path(&["docs", "brevitas.md"]);
    if std::env::var_os("FEWBIT_WRITE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &text).expect("docs/brevitas.md");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/brevitas.md is not what the tables say; FEWBIT_WRITE_DOCS=1 cargo test -p fewbit --test brevitas writes it"
    );
}

#[test]
fn every_difference_is_of_a_preset() {
    for difference in DIFFERENCES {
        assert!(difference.preset.parse::<&Preset>().is_ok(), "{}", difference.preset);
    }
}
