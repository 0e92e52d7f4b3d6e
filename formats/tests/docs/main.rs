//! `docs/formats.md` is what the tables of the library say, within the prose of `template.md`.
//!
//! `FEWBIT_WRITE_DOCS=1 cargo test -p fewbit-formats --test docs` writes it.

#[path = "../common/mod.rs"]
mod common;
mod policies;
mod stacks;
mod tables;

use std::fs;
use std::path::PathBuf;

/// A part and what generates it.
type Part = (&'static str, fn() -> String);

/// The parts that are generated, by their `{{name}}` in the template. A new part is a line here, a function, and its place
/// there.
const PARTS: &[Part] = &[
    ("floats", tables::floats),
    ("integers", tables::integers),
    ("others", tables::others),
    ("names", tables::names),
    ("sources", tables::sources),
    ("roundings", policies::roundings),
    ("axes", policies::axes),
    ("groups", tables::groups),
    ("scale-axes", policies::scale_axes),
    ("presets", stacks::presets),
    ("conversions", stacks::conversions),
    ("scales", stacks::scales),
    ("divergences", stacks::divergences),
];

fn path(parts: &[&str]) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR")].iter().chain(parts).collect()
}

fn generated() -> String {
    let mut text = fs::read_to_string(path(&["tests", "docs", "template.md"])).expect("template");
    for (name, part) in PARTS {
        let place = format!("{{{{{name}}}}}");
        assert_eq!(text.matches(&place).count(), 1, "{place} in the template");
        text = text.replace(&place, part().trim_end());
    }
    assert!(!text.contains("{{"), "a part of the template that nothing generates");
    text
}

#[test]
fn formats_md_is_up_to_date() {
    let (path, text) = (path(&["..", "docs", "formats.md"]), generated());
    if std::env::var_os("FEWBIT_WRITE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &text).expect("docs/formats.md");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let line = found.lines().zip(text.lines()).position(|(found, text)| found != text);
    let line = line.unwrap_or_else(|| found.lines().count().min(text.lines().count()));
    assert!(
        found == text,
        "docs/formats.md is not what the tables say from line {} on:\n  file:  {:?}\n  table: {:?}\n\
         FEWBIT_WRITE_DOCS=1 cargo test -p fewbit-formats --test docs writes it",
        line + 1,
        found.lines().nth(line),
        text.lines().nth(line)
    );
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

/// A word in code type; nothing for nothing.
fn code(text: impl ToString) -> String {
    let text = text.to_string();
    if text.is_empty() { text } else { format!("`{text}`") }
}

/// Words in code type, separated by commas.
fn codes(words: impl IntoIterator<Item = impl ToString>) -> String {
    words.into_iter().map(code).collect::<Vec<_>>().join(", ")
}
