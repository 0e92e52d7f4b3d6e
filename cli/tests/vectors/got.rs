//! Answers of a device under test.

use std::fs;

use super::common::Folder;
use super::csv::Csv;

fn folder(args: &str) -> (Folder, Csv) {
    let folder = Folder::in_memory();
    let line = format!("vectors {args} --as csv --to out");
    assert_eq!(folder.fewbit(&line.split(' ').collect::<Vec<_>>()).code, Some(0), "{line}");
    let csv = Csv::read(&folder, "out/vectors.csv");
    (folder, csv)
}

/// Exit code and text of `verify --got` with these lines.
fn got(folder: &Folder, lines: &[String], more: &[&str]) -> (Option<i32>, String) {
    fs::write(folder.file("got.txt"), lines.join("\n")).expect("a file");
    let args = ["verify", "out/vectors.csv", "--got", "got.txt"];
    let run = folder.fewbit(&args.into_iter().chain(more.iter().copied()).collect::<Vec<_>>());
    (run.code, run.out + &run.err)
}

#[test]
fn lines_of_words_are_results() {
    let (folder, csv) = folder("--op add --format e4m3fn --count 20");
    let results: Vec<String> =
        (0..20).map(|row| format!("{:02x}", csv.word(row, "result"))).collect();
    assert_eq!(got(&folder, &results, &[]).0, Some(0));
    let with_flags: Vec<String> = (0..20)
        .map(|row| {
            format!("0x{:X} {:02x} // {row}", csv.word(row, "result"), csv.word(row, "flags"))
        })
        .collect();
    let (code, text) = got(&folder, &with_flags, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("every result is as expected"), "{text}");
    // One that differs, one with unknown bits, one too few, one that is no number.
    let mut wrong = results.clone();
    wrong[7] = format!("{:02x}", csv.word(7, "result") ^ 1);
    let (code, text) = got(&folder, &wrong, &[]);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("1 words in 1 rows differ") && text.contains("vector 7, field result"),
        "{text}"
    );
    assert!(text.contains("exact add ="), "{text}");
    wrong[7] = "xx".into();
    let (code, text) = got(&folder, &wrong, &[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("found xx, with unknown bits"), "{text}");
    let (code, text) = got(&folder, &results[1..], &[]);
    assert_eq!(code, Some(2));
    assert!(text.contains("has 19 lines of results, and 20 are expected"), "{text}");
    wrong[7] = "1ff".into();
    assert_eq!(got(&folder, &wrong, &[]).0, Some(2));
}

#[test]
fn decimal_numbers_and_files_of_the_same_layout_are_results() {
    let (folder, csv) = folder("--op dot --a int8 --b int8 --acc int12-sat --k 5 --count 15");
    let values: Vec<String> =
        (0..15).map(|row| csv.signed(row, "result", 12).to_string()).collect();
    assert_eq!(got(&folder, &values, &["--got-as", "decimal"]).0, Some(0));
    let mut wrong = values;
    wrong[3] = (csv.signed(3, "result", 12) ^ 1).to_string();
    let (code, text) = got(&folder, &wrong, &["--got-as", "decimal"]);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("5 products through int12-sat") || text.contains("products through"),
        "{text}"
    );
    wrong[3] = "2048".into();
    assert_eq!(got(&folder, &wrong, &["--got-as", "decimal"]).0, Some(2), "beyond 12 bits");
    let same = fs::read_to_string(folder.file("out/vectors.csv")).expect("a file");
    assert_eq!(got(&folder, std::slice::from_ref(&same), &[]).0, Some(0));
    let last = same.trim_end().lines().last().expect("a line").to_owned();
    let (before, events) = last.rsplit_once(',').expect("cells");
    let other = same.replace(&last, &format!("{before},{}", if events == "0" { "1" } else { "0" }));
    let (code, text) = got(&folder, &[other], &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("vector 14, field events"), "{text}");
}
