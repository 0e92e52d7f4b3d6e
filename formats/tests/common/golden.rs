//! Golden files, and the comparison with what they hold.

use std::collections::BTreeSet;
use std::fs;

use super::divergences::{Case, DIVERGENCES};

/// The lines of a golden file by the `[section]` they stand in.
pub(crate) fn sections(name: &str) -> Vec<(String, Vec<String>)> {
    let path = format!("{}/../tests/golden/formats/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(title) => sections.push((title.to_owned(), Vec::new())),
            None => sections.last_mut().expect("a section").1.push(line.to_owned()),
        }
    }
    assert!(!sections.is_empty(), "{path} is empty");
    sections
}

pub(crate) fn hex(text: &str) -> u32 {
    u32::from_str_radix(text, 16).expect("hexadecimal")
}

/// Compares cases with a stack's results; a disagreement must be listed, and what is listed must be met.
pub(crate) struct Comparison {
    stack: &'static str,
    cases: usize,
    met: BTreeSet<&'static str>,
}

impl Comparison {
    pub(crate) fn new(stack: &'static str) -> Self {
        Self { stack, cases: 0, met: BTreeSet::new() }
    }

    pub(crate) fn case(
        &mut self,
        section: &str,
        input: u32,
        ours: Option<u32>,
        theirs: Option<u32>,
    ) {
        self.cases += 1;
        if ours == theirs {
            return;
        }
        let case = Case { section, input: f32::from_bits(input), ours, theirs };
        let listed = DIVERGENCES.iter().find(|d| d.stack == self.stack && (d.covers)(&case));
        let Some(listed) = listed else {
            panic!("{}: {case:x?} is not a listed divergence", self.stack)
        };
        self.met.insert(listed.name);
    }

    pub(crate) fn finish(self, least: usize) {
        assert!(self.cases >= least, "only {} cases of {}", self.cases, self.stack);
        for listed in DIVERGENCES.iter().filter(|d| d.stack == self.stack) {
            assert!(self.met.contains(listed.name), "`{}` is gone", listed.name);
        }
    }
}
