//! What `ffi/sv` says of the library is what the header says: functions with the same arguments, and the same numbers.
//!
//! Linking compares names alone; an argument of another width would be read from the wrong place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What an argument is, to both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Handle,
    Text,
    Real,
    Bits32,
    Bits64,
    Nothing,
    OutReal,
    Out64,
    List32,
    List64,
}

type Signatures = BTreeMap<String, (Kind, Vec<Kind>)>;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A C type, without its name.
fn c_kind(text: &str) -> Kind {
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "struct").collect();
    match words.join(" ").as_str() {
        "const char *" => Kind::Text,
        "double" => Kind::Real,
        "double *" => Kind::OutReal,
        "uint32_t" | "int32_t" => Kind::Bits32,
        "uint64_t" | "int64_t" | "size_t" => Kind::Bits64,
        "uint64_t *" | "int64_t *" => Kind::Out64,
        "const int *" => Kind::List32,
        "const int64_t *" | "const uint64_t *" => Kind::List64,
        "void" => Kind::Nothing,
        other if other.contains("fewbit_") && other.ends_with('*') => Kind::Handle,
        other => panic!("C type {other}"),
    }
}

/// A type of SystemVerilog, after `input` or `output`.
fn sv_kind(direction: &str, text: &str) -> Kind {
    match (direction, text) {
        ("input", "chandle") => Kind::Handle,
        ("input", "string") => Kind::Text,
        ("input", "real") => Kind::Real,
        ("output", "real") => Kind::OutReal,
        ("input", "int" | "int unsigned") => Kind::Bits32,
        ("input", "longint" | "longint unsigned") => Kind::Bits64,
        ("output", "longint" | "longint unsigned") => Kind::Out64,
        ("input", "fewbit_lanes32") => Kind::List32,
        ("input", "fewbit_lanes64") => Kind::List64,
        ("input", "void") => Kind::Nothing,
        other => panic!("SystemVerilog type {other:?}"),
    }
}

/// The text between `(` and its `)`, split at commas; `void` and nothing are no arguments.
fn arguments(text: &str) -> Vec<String> {
    let inside = text.split_once('(').expect("arguments").1;
    let inside = inside.rsplit_once(')').expect("arguments").0;
    let parts = inside.split(',').map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty() && part != "void").collect()
}

/// A declaration cut before the name that it ends in.
fn without_name(text: &str) -> (&str, &str) {
    let start = text.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    (text[..start].trim_end(), &text[start..])
}

/// The functions of the header that `wanted` names: what they take may be said in other types than those known here.
fn header(text: &str, wanted: &Signatures) -> Signatures {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with(['*', '/', '#']))
        .collect::<Vec<_>>()
        .join(" ");
    let mut found = Signatures::new();
    for statement in code.split(';') {
        let Some((declaration, _)) = statement.split_once('(') else { continue };
        let (result, name) = without_name(declaration.trim());
        if wanted.contains_key(name) {
            let result = result.rsplit(['{', '}']).next().unwrap_or_default();
            let kinds =
                arguments(statement).iter().map(|a| c_kind(&spaced(without_name(a).0))).collect();
            found.insert(name.to_owned(), (c_kind(&spaced(result)), kinds));
        }
    }
    found
}

/// A star is a word of its own.
fn spaced(text: &str) -> String {
    text.replace('*', " *")
}

/// The imports of the package.
fn imports(text: &str) -> Signatures {
    let code: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut found = Signatures::new();
    for statement in code.join(" ").split(';') {
        let Some((_, function)) = statement.split_once("import \"DPI-C\" function ") else {
            continue;
        };
        let (result, name) = without_name(function.split('(').next().unwrap_or_default());
        let arguments = arguments(function);
        let kinds = arguments.iter().map(|argument| {
            let (typed, _) = without_name(argument);
            let (direction, kind) = typed.split_once(' ').expect("a direction and a type");
            sv_kind(direction, kind)
        });
        found.insert(name.to_owned(), (sv_kind("input", result), kinds.collect()));
    }
    found
}

#[test]
fn imports_have_the_arguments_of_the_header() {
    let imports = imports(&read("sv/fewbit_imports.svh"));
    assert!(imports.len() > 60, "{} imports", imports.len());
    let header = header(&read("include/fewbit.h"), &imports);
    for (name, import) in &imports {
        assert_eq!(header.get(name), Some(import), "{name}: the header on the left");
    }
}

#[test]
fn a_wrong_import_is_seen() {
    let line = |arguments: &str| {
        imports(&format!(
            "import \"DPI-C\" function int unsigned fewbit_machine_push({arguments});"
        ))
    };
    let right = line("input chandle machine, input longint product");
    let found = header(&read("include/fewbit.h"), &right);
    assert_eq!(found, right);
    for wrong in ["input chandle machine, input int product", "input chandle machine", ""] {
        assert_ne!(found, line(wrong));
    }
}

/// `NAME = number` of C's and of SystemVerilog's enums; a name without a number is one more than the one before.
fn numbers(text: &str) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let code: Vec<&str> =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    for part in code.join(" ").split("enum int unsigned").skip(1) {
        let body = part.split_once('{').expect("an enum").1.split_once('}').expect("an enum").0;
        let mut next = 0;
        for entry in body.split(',') {
            let (name, number) = entry.split_once('=').unwrap_or((entry, ""));
            let number = number.trim().parse().unwrap_or(next);
            found.insert(name.trim().to_owned(), number);
            next = number + 1;
        }
    }
    found
}

#[test]
fn numbers_are_those_of_the_header() {
    let here = numbers(&read("sv/fewbit_names.svh"));
    let header = read("include/fewbit.h");
    let is = |name: &str, number: u32| header.contains(&format!(" {name} = {number},"));
    let flags = [
        ("NX", "INEXACT"),
        ("UF", "UNDERFLOW"),
        ("OF", "OVERFLOW"),
        ("DZ", "DIVIDE_BY_ZERO"),
        ("NV", "INVALID"),
        ("ERROR", "ERROR"),
    ];
    for (short, long) in flags {
        let number = here[&format!("FEWBIT_{short}")];
        assert!(is(&format!("FEWBIT_STATUS_{long}"), number), "FEWBIT_{short} = {number}");
    }
    let operations: Vec<&str> = header
        .lines()
        .filter_map(|line| line.trim().strip_prefix("FEWBIT_OPERATION_"))
        .filter_map(|line| line.split(" = ").next())
        .collect();
    assert!(operations.len() > 10, "{operations:?}");
    for operation in operations {
        let number = here[&format!("FEWBIT_{operation}")];
        assert!(
            is(&format!("FEWBIT_OPERATION_{operation}"), number),
            "FEWBIT_{operation} = {number}"
        );
    }
    let version = header.lines().find_map(|line| line.strip_prefix("#define FEWBIT_ABI_VERSION "));
    let package = read("sv/fewbit_pkg.sv");
    assert!(package.contains(&format!("FEWBIT_ABI = {};", version.expect("a version"))));
}
