//! The checklists of CONTRIBUTING.md: a format is added to a copy of `fewbit-formats` as its list says, and is there.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A format that the table does not have: 7 bits, IEEE-like.
const ROW: &str = r#"    E3M3 "e3m3" = float(3, 3, Ieee), "7-bit float, IEEE-like", [Common "fp7"], LLVM;
"#;
const TYPE: &str =
    "    E3M3(u8) = E3M3 [float signed zero negative_zero nan unordered infinity subnormal f32];
";
/// A type whose row leaves out that its format has infinities.
const WRONG: &str =
    "    E3M3(u8) = E3M3 [float signed zero negative_zero nan unordered subnormal f32];
";
/// What the list promises of a row: name, alias, constant, list, type.
const PROGRAM: &str = r#"
use fewbit_formats::{E3M3, Format};
fn main() {
    let format: Format = "e3m3".parse().expect("its name");
    assert_eq!(format, Format::E3M3);
    assert_eq!("FP7".parse::<Format>().expect("its alias"), format);
    assert_eq!((format.to_string().as_str(), format.bits()), ("e3m3", 7));
    assert!(Format::table().iter().any(|row| row.name == "e3m3"));
    // 1.125 is one and an eighth: exponent 0 with bias 3, fraction 1 of 8.
    assert_eq!(format.decode(0b0_011_001), 1.125);
    assert_eq!(f32::from(E3M3::from_bits(0b0_011_001)), 1.125);
}
"#;

/// The numbered steps under a heading.
fn steps(heading: &str) -> Vec<String> {
    let text = include_str!("../CONTRIBUTING.md");
    let (_, rest) = text.split_once(&format!("## {heading}\n")).expect("the heading");
    let section = rest.split("\n## ").next().unwrap_or_default();
    let mut steps: Vec<String> = Vec::new();
    for line in section.lines() {
        let numbered = line.split_once(". ").filter(|(n, _)| n.parse::<u32>().is_ok());
        match (numbered, steps.last_mut()) {
            (Some((_, step)), _) => steps.push(step.into()),
            (None, Some(step)) => *step += line,
            (None, None) => {}
        }
    }
    steps
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).unwrap();
        }
    }
}

/// A line before the line that begins with `mark`.
fn insert(file: &Path, mark: &str, line: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(mark).count(), 1, "{mark} in {}", file.display());
    fs::write(file, text.replace(mark, &format!("{line}{mark}"))).unwrap();
}

/// A workspace of `fewbit-formats` alone.
fn workspace(root: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&here.join("formats/src"), &root.join("formats/src"));
    let manifest = fs::read_to_string(here.join("formats/Cargo.toml")).unwrap();
    let (before, rest) = manifest.split_once("[dev-dependencies]").expect("a section");
    let after = rest.find("\n[").map_or("", |at| &rest[at..]);
    fs::write(root.join("formats/Cargo.toml"), format!("{before}{after}")).unwrap();
    let shared = fs::read_to_string(here.join("Cargo.toml")).unwrap();
    let start = shared.find("[workspace.package]").expect("a section");
    let end = shared.find("[profile.dev]").expect("a section");
    let members = "[workspace]\nmembers = [\"formats\"]\nresolver = \"3\"\n\n";
    fs::write(root.join("Cargo.toml"), format!("{members}{}", &shared[start..end])).unwrap();
    fs::copy(here.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
    fs::create_dir(root.join("formats/examples")).unwrap();
    fs::write(root.join("formats/examples/walk.rs"), PROGRAM).unwrap();
}

fn run(root: &Path) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo)
        .args(["run", "--offline", "--quiet", "-p", "fewbit-formats", "--example", "walk"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", root.join("target"))
        .output()
        .unwrap()
}

#[test]
fn a_format_is_added_as_the_list_says() {
    let steps = steps("Adding a format");
    let words = |step: &str| step.split('`').skip(1).step_by(2).map(String::from).collect();
    let files: Vec<Vec<String>> = steps.iter().map(|step| words(step)).collect();
    assert_eq!(files[0][0], "formats/src/table.rs");
    assert_eq!(files[4][..2], ["formats/src/types/mod.rs", "formats/src/lib.rs"]);
    let [table, types, names] = [&files[0][0], &files[4][0], &files[4][1]];
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    workspace(root);
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    // Without the steps the program is refused.
    let before = run(root);
    assert!(!before.status.success() && said(&before).contains("E3M3"), "{}", said(&before));
    insert(&root.join(table), "    INT2 \"int2\"", ROW);
    // A row of types that says something else than the table.
    insert(&root.join(types), "    Posit8(u8)", WRONG);
    let wrong = run(root);
    assert!(
        said(&wrong).contains("the row of E3M3 says something else than its format"),
        "{}",
        said(&wrong)
    );
    insert(&root.join(names), "E3M2FN, E3M4,", "E3M3, ");
    let text = fs::read_to_string(root.join(types)).unwrap();
    fs::write(root.join(types), text.replace(WRONG, TYPE)).unwrap();
    let done = run(root);
    assert!(done.status.success(), "{}", said(&done));
}

/// Paths that the lists name are there.
#[test]
fn the_lists_name_files_that_there_are() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = include_str!("../CONTRIBUTING.md");
    let mut count = 0;
    for (_, word) in text.split('`').enumerate().filter(|(index, _)| index % 2 == 1) {
        let is_path = word.contains('/') && !word.contains(' ') && !word.starts_with('/');
        if is_path && word.ends_with(['s', 'd', 'h', 'y', '/']) {
            assert!(here.join(word).exists(), "CONTRIBUTING.md names {word}, which there is not");
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}
