//! A flipped bit is found, wherever it is, and named where it is one of a vector's.

use std::fs;
use std::path::Path;

use super::common::{Folder, Run};

/// Files of a few vectors each, and a line's columns of those of one word a line.
const FILES: &[(&str, &str)] = &[
    ("--op mul --format e4m3fn --count 12 --as csv", "vectors.csv"),
    ("--op add --format f16 --count 12 --as jsonl", "vectors.jsonl"),
    ("--op dot --a int8 --b int4 --acc int10-sat --k 6 --count 8 --as readmemh", "vectors.hex"),
    ("--op div --format e5m2 --count 12 --as testfloat", "vectors.tf"),
    ("--op quantize --out-format mx(e2m1fn,e8m0fnu,4) --count 6 --as npz", "vectors.npz"),
    ("--op dot --a int8 --b int8 --acc f16 --k 3 --count 4 --per-step --as csv", "trace.csv"),
    ("--from A.npy B.npy --acc int10-sat --as jsonl", "vectors.jsonl"),
];

fn folder(args: &str) -> Folder {
    let folder = Folder::in_memory();
    folder.npy("A.npy", "|i1", false, &[2, 4], &[100, 3, 4, 5, 255, 7, 8, 9]);
    folder.npy("B.npy", "|i1", false, &[4, 2], &[100, 3, 4, 5, 255, 7, 8, 9]);
    let line = format!("vectors {args} --to out");
    let run = folder.fewbit(&line.split(' ').collect::<Vec<_>>());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{line}");
    folder
}

/// What `verify` says of a file with these bytes.
fn verified(folder: &Folder, file: &Path, bytes: &[u8]) -> Run {
    fs::write(file, bytes).expect("a file");
    folder.fewbit(&["verify", file.to_str().expect("UTF-8"), "--show", "1"])
}

#[test]
fn a_flipped_bit_is_found() {
    std::thread::scope(|scope| {
        for (args, name) in FILES {
            scope.spawn(move || {
                let folder = folder(args);
                let file = folder.file("out").join(name);
                let bytes = fs::read(&file).expect("a file");
                // A bit of every third byte, another one each time.
                for at in (0..bytes.len()).step_by(3) {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << (at / 3 % 8);
                    let run = verified(&folder, &file, &flipped);
                    let place = format!("{args}: byte {at} of {}", bytes.len());
                    assert!(matches!(run.code, Some(1 | 2)), "{place}: {:?} {}", run.code, run.out);
                    if run.code == Some(2) {
                        assert_eq!(run.err.lines().count(), 1, "{place}: {}", run.err);
                    }
                }
                assert_eq!(verified(&folder, &file, &bytes).code, Some(0), "{args}");
            });
        }
    });
}

#[test]
fn its_vector_and_its_field_are_named() {
    let args = "--op dot --a int8 --b int4 --acc int10-sat --k 6 --count 8";
    let folder = folder(&format!("{args} --as readmemh"));
    let file = folder.file("out/vectors.hex");
    let text = fs::read_to_string(&file).expect("a file");
    let rows = text.lines().filter(|line| !line.starts_with("//")).count();
    let body = text.len() - text.lines().rev().take(rows).map(|line| line.len() + 1).sum::<usize>();
    let digits = text[body..].find('\n').expect("a line");
    // length 3, a 48, b 24, result 10, events 1: 86 bits in 22 digits, two of them unused.
    assert_eq!((rows, digits), (8, 22));
    let field = |bit: usize| match bit {
        0 => "events".to_owned(),
        1..11 => "result".to_owned(),
        11..35 => format!("b[{}]", 5 - (bit - 11) / 4),
        35..83 => format!("a[{}]", 5 - (bit - 35) / 8),
        _ => "length".to_owned(),
    };
    for row in 0..rows {
        for bit in (row..86).step_by(5) {
            let mut bytes = text.clone().into_bytes();
            let at = body + row * (digits + 1) + digits - 1 - bit / 4;
            let digit = char::from(bytes[at]).to_digit(16).expect("a digit") ^ 1 << (bit % 4);
            bytes[at] = char::from_digit(digit, 16).expect("a digit") as u8;
            let run = verified(&folder, &file, &bytes);
            let named = format!("vector {row}, field {}: found", field(bit));
            assert_eq!(run.code, Some(1), "{}{}", run.out, run.err);
            assert!(run.out.contains(&named), "bit {bit}: {named}: {}", run.out);
            assert!(run.out.contains("the SHA-256 of its rows is"), "{}", run.out);
        }
    }
}

#[test]
fn a_flipped_bit_of_given_stimuli_is_named() {
    // A saturated sum stays as it is when a factor changes.
    let folder = folder("--from A.npy B.npy --acc int4-sat --as readmemh");
    let file = folder.file("out/a.hex");
    let text = fs::read_to_string(&file).expect("a file");
    assert!(text.ends_with("\n64\n03\n04\n05\nff\n07\n08\n09\n"), "{text}");
    let run = verified(&folder, &file, text.replace("\n64\n", "\n66\n").as_bytes());
    assert_eq!(run.code, Some(1), "{}", run.err);
    let named = "if one bit of the stimuli was flipped, it is bit 1 of a[0][0] in vector 0";
    assert!(run.out.contains(named), "{}", run.out);
}

#[test]
fn explanations_say_how_a_result_comes_about() {
    let folder = folder("--op mul --format e4m3fn --style exhaustive --as csv");
    let file = folder.file("out/vectors.csv");
    let text = fs::read_to_string(&file).expect("a file");
    // 1.125 * 1.125 = 1.265625, nearer to 1.25.
    let wrong = text.replace("\nexhaustive,39,39,3a,01\n", "\nexhaustive,39,39,3b,01\n");
    assert_ne!(wrong, text);
    let run = verified(&folder, &file, wrong.as_bytes());
    for part in [
        "vector 14649, field result: found 0x3b (1.375), expected 0x3a (1.25)",
        "a = 0x39 (1.125)",
        "exact mul = 1.265625",
        "nearer to the lower of 0x3a (1.25) and 0x3b (1.375)",
        "ties-even, saturate: 0x3a (1.25), flags NX",
    ] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let folder = self::folder(
        "--op dot --a int8 --b int8 --acc int8-sat --k 2 --style random --count 3 --as csv",
    );
    let file = folder.file("out/vectors.csv");
    let text = fs::read_to_string(&file).expect("a file");
    let line = text.lines().last().expect("a line");
    let (before, events) = line.rsplit_once(',').expect("cells");
    let wrong = text.replace(line, &format!("{before},{}", if events == "0" { "1" } else { "0" }));
    let run = verified(&folder, &file, wrong.as_bytes());
    assert_eq!(run.code, Some(1));
    assert!(
        run.out.contains("2 products through int8-sat") && run.out.contains("| int8-sat | 1 |"),
        "{}",
        run.out
    );
}
