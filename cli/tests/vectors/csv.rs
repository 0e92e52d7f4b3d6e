//! The `.csv` files, read by the tests' own reader.

use std::collections::BTreeMap;

use super::common::Folder;

/// A file's header, and its rows by column.
pub(crate) struct Csv {
    pub(crate) header: BTreeMap<String, String>,
    titles: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Csv {
    pub(crate) fn read(folder: &Folder, name: &str) -> Self {
        let text = std::fs::read_to_string(folder.file(name)).expect("a file");
        let (head, body): (Vec<&str>, Vec<&str>) = text.lines().partition(|l| l.starts_with('#'));
        let entry = |line: &str| {
            let (key, value) = line[2..].split_once(": ").expect("a key and a value");
            (key.to_owned(), value.to_owned())
        };
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        Self {
            header: head.into_iter().map(entry).collect(),
            titles: cells(body[0]),
            rows: body[1..].iter().map(|line| cells(line)).collect(),
        }
    }

    fn column(&self, title: &str) -> usize {
        let column = self.titles.iter().position(|found| found == title);
        column.unwrap_or_else(|| panic!("no column {title} in {:?}", self.titles))
    }

    /// The class of a row.
    pub(crate) fn class(&self, row: usize) -> &str {
        &self.rows[row][0]
    }

    /// A word.
    pub(crate) fn word(&self, row: usize, title: &str) -> u64 {
        u64::from_str_radix(&self.rows[row][self.column(title)], 16).expect("hexadecimal digits")
    }

    pub(crate) fn code(&self, row: usize, title: &str) -> u32 {
        self.word(row, title) as u32
    }

    /// A word in two's complement of so many bits.
    pub(crate) fn signed(&self, row: usize, title: &str, bits: u32) -> i64 {
        (self.word(row, title) << (64 - bits)) as i64 >> (64 - bits)
    }
}

/// Runs `fewbit vectors`, reads the file.
pub(crate) fn vectors(args: &str) -> Csv {
    let folder = Folder::in_memory();
    let line = format!("vectors {args} --as csv --to out");
    let run = folder.fewbit(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{line}");
    let name = if args.contains("--per-step") { "out/trace.csv" } else { "out/vectors.csv" };
    Csv::read(&folder, name)
}
