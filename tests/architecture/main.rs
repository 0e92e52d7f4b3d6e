//! The structure of the workspace: arrows point down, files do not import each other in circles, and `unsafe` stands
//! where it may.
//!
//! 1. [`lexer`] reads a file as tokens, without comments, literals and tests.
//! 2. [`modules`] follows every path (`use`, `crate::`, `super::`, `self::`, `fewbit…::`, names of modules in scope) to
//!    the file that defines what it names, through re-exports.
//! 3. [`layers`] holds the arrows against the list of layers, [`graph`] finds the cycles.

mod graph;
mod layers;
mod lexer;
mod modules;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use graph::cycles;
use layers::{layer_of, listing, upward};
use lexer::tokens;
use modules::{Arrow, Workspace};

/// The crates: name in paths, root.
const CRATES: [(&str, &str); 5] = [
    ("fewbit_formats", "formats/src/lib.rs"),
    ("fewbit", "src/lib.rs"),
    ("fewbit_models", "models/src/lib.rs"),
    ("fewbit_cli", "cli/src/lib.rs"),
    ("fewbit_c", "ffi/c/src/lib.rs"),
];

/// The cycles of recursive types.
const CYCLES: [&[&str]; 3] = [
    // A scale and a zero point may themselves be quantized by a quantizer.
    &["src/quantize/quantizer.rs", "src/quantize/scale.rs", "src/quantize/scheme.rs"],
    // A graph has nodes, a node an operator, and the operators `If` and `Scan` graphs.
    &[
        "models/src/graph/node.rs",
        "models/src/graph/structure.rs",
        "models/src/ops/control.rs",
        "models/src/ops/scan.rs",
        "models/src/ops/table.rs",
    ],
    // A graph is run node by node, and the node `Scan` runs a graph.
    &["models/src/exec/execution.rs", "models/src/exec/float.rs", "models/src/exec/scan.rs"],
];

/// Where `unsafe` may stand.
const UNSAFE: [&str; 2] = ["src/simd/", "ffi/c/"];

fn base() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn workspace(base: &Path) -> Workspace {
    let mut workspace = Workspace::default();
    for (name, root) in CRATES {
        workspace.read(base, name, root);
    }
    workspace
}

fn set(files: &[&str]) -> BTreeSet<String> {
    files.iter().map(|&file| file.to_owned()).collect()
}

#[test]
fn arrows_point_down() {
    let workspace = workspace(base());
    let homeless: Vec<_> =
        workspace.files().into_iter().filter(|f| layer_of(f).is_none()).collect();
    assert!(homeless.is_empty(), "in no layer: {homeless:#?}");
    let arrows = workspace.arrows();
    assert!(arrows.len() > 1000, "only {} arrows were found", arrows.len());
    let upward = upward(&arrows);
    assert!(upward.is_empty(), "arrows that run up: {upward:#?}");
}

#[test]
fn files_import_each_other_only_where_a_type_is_recursive() {
    let found: BTreeSet<_> = cycles(&workspace(base()).arrows()).into_iter().collect();
    let allowed: BTreeSet<_> = CYCLES.iter().map(|files| set(files)).collect();
    let new: Vec<_> = found.difference(&allowed).collect();
    let gone: Vec<_> = allowed.difference(&found).collect();
    assert!(new.is_empty(), "cycles: {new:#?}");
    assert!(gone.is_empty(), "no longer cycles, to be taken off the list: {gone:#?}");
}

#[test]
fn the_layers_are_those_of_architecture_md() {
    let text = fs::read_to_string(base().join("ARCHITECTURE.md")).unwrap();
    assert!(text.contains(&listing()), "ARCHITECTURE.md must have this list:\n{}", listing());
}

#[test]
fn unsafe_code_stands_where_it_may() {
    let mut found = BTreeSet::new();
    for (_, root) in CRATES {
        let folder = base().join(root);
        files_below(folder.parent().unwrap(), &mut |path, source| {
            let file = path.strip_prefix(base()).unwrap().to_string_lossy().into_owned();
            if tokens(source).iter().any(|token| token.is("unsafe")) {
                found.insert(file);
            }
        });
    }
    assert!(found.iter().any(|file| file.starts_with("src/simd/")), "no `unsafe` was found at all");
    found.retain(|file| !UNSAFE.iter().any(|folder| file.starts_with(folder)));
    assert!(found.is_empty(), "`unsafe` outside of {UNSAFE:?}: {found:#?}");
}

fn files_below(folder: &Path, visit: &mut dyn FnMut(&Path, &str)) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// A crate `fewbit` in a folder of its own.
fn planted(files: &[(&str, &str)]) -> BTreeSet<Arrow> {
    let folder = tempfile::tempdir().unwrap();
    for (file, source) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    let mut workspace = Workspace::default();
    workspace.read(folder.path(), "fewbit", "src/lib.rs");
    workspace.arrows()
}

fn arrow(from: &str, to: &str) -> Arrow {
    (format!("src/{from}.rs"), format!("src/{to}.rs"))
}

#[test]
fn a_path_leads_to_the_file_that_defines_what_it_names() {
    let arrows = planted(&[
        ("src/lib.rs", "mod a; mod b; pub use b::Thing; mod c { pub(crate) use super::a::One; }"),
        (
            "src/a.rs",
            "use crate::{Thing as T, b::{self, deep::Deep}};
             // use crate::c::Nothing;
             const TEXT: &str = \"crate::nowhere::X\"; const RAW: &str = r#\"crate::c::X \"# ;
             pub struct One; fn f<'a>(x: &'a u8) -> char { b::helper(x); '\"' }",
        ),
        (
            "src/b/mod.rs",
            "mod deep; pub use deep::Deep; pub struct Thing; pub fn helper(_: &u8) {}
             #[cfg(test)] mod tests { use crate::a::One; }
             macro_rules! one { () => { $crate::c::One }; }",
        ),
        ("src/b/deep.rs", "use super::Thing; pub struct Deep;"),
    ]);
    let expected =
        [arrow("a", "b/deep"), arrow("a", "b/mod"), arrow("b/deep", "b/mod"), arrow("b/mod", "a")];
    assert_eq!(arrows, BTreeSet::from(expected));
    assert_eq!(cycles(&arrows), [set(&["src/a.rs", "src/b/deep.rs", "src/b/mod.rs"])]);
}

#[test]
fn an_arrow_up_and_a_cycle_are_seen() {
    let arrows = planted(&[
        ("src/lib.rs", "mod kernels; mod reference; mod tensor;"),
        ("src/kernels.rs", "pub fn fast() { crate::reference::slow() }"),
        ("src/reference.rs", "pub fn slow() { crate::tensor::shape() }"),
        ("src/tensor.rs", "pub fn shape() { super::kernels::fast() }"),
    ]);
    assert_eq!(upward(&arrows), [&arrow("reference", "tensor")]);
    let cycle = set(&["src/kernels.rs", "src/reference.rs", "src/tensor.rs"]);
    assert_eq!(cycles(&arrows), [cycle]);
    let line: BTreeSet<_> =
        arrows.into_iter().filter(|a| *a != arrow("tensor", "kernels")).collect();
    assert!(cycles(&line).is_empty());
}
