//! Shapes with an axis of no places and a huge one: files of 128 bytes that stand for products of any size.

#![cfg(target_os = "linux")]

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::{Folder, Run};

/// Runs with two gigabytes of addresses, and not for long.
fn limited(folder: &Folder, args: &[&str]) -> Run {
    let start = Instant::now();
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 2000000; exec \"$@\"", "sh", "timeout", "60"])
        .arg(env!("CARGO_BIN_EXE_fewbit"))
        .args(args)
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert!(start.elapsed() < Duration::from_secs(30), "{args:?}");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

const HUGE: [usize; 3] = [1 << 31, 1 << 40, (1 << 59) + 1];

fn folder() -> Folder {
    let folder = Folder::new();
    for n in HUGE {
        folder.npy(&format!("rows{n}.npy"), "|i1", false, &[n, 0], &[]);
        folder.npy(&format!("cols{n}.npy"), "|i1", true, &[0, n], &[]);
        folder.npy(&format!("init{n}.npy"), "<i4", false, &[n, 0], &[]);
    }
    folder.npy("none.npy", "|i1", false, &[0, 0], &[]);
    folder
}

#[test]
fn products_that_cannot_be_held_are_one_line() {
    let folder = folder();
    for m in HUGE {
        for n in HUGE {
            for acc in ["int8-sat", "int16-wrap/4,int24-sat", "f32", "exact"] {
                let (a, b) = (format!("rows{m}.npy"), format!("cols{n}.npy"));
                let run = limited(&folder, &["matmul", &a, &b, "--acc", acc, "--out", "c.npy"]);
                assert_eq!(run.code, Some(2), "{m} {n} {acc}: {}", run.err);
                assert_eq!(run.err.lines().count(), 1, "{m} {n} {acc}: {}", run.err);
                assert!(run.err.contains(&format!("{m}x{n}")), "{}", run.err);
                assert!(run.err.contains("fewer rows of A"), "{}", run.err);
            }
        }
        let rows = format!("rows{m}.npy");
        for acc in [&[][..], &["--acc", "int16-sat/64,int24-sat"]] {
            let args: Vec<&str> = ["bounds", &rows, "--input", "uint8"]
                .into_iter()
                .chain(acc.iter().copied())
                .collect();
            let run = limited(&folder, &args);
            assert_eq!(run.code, Some(2), "{args:?}: {}", run.err);
            assert_eq!(run.err.lines().count(), 1, "{args:?}: {}", run.err);
            assert!(
                run.err.contains(&format!("{m}x0")) && run.err.contains("fewer rows"),
                "{}",
                run.err
            );
        }
    }
}

#[test]
fn products_without_outputs_are_computed() {
    let folder = folder();
    for n in HUGE {
        for acc in ["int8-sat", "int16-wrap/4,int24-sat", "f32", "preset:a100-f16"] {
            for detail in ["none", "events", "full"] {
                let (a, b) = (format!("rows{n}.npy"), format!("cols{n}.npy"));
                for (a, b) in [(&a[..], "none.npy"), ("none.npy", &b[..])] {
                    let args = [
                        "matmul",
                        a,
                        b,
                        "--acc",
                        acc,
                        "--out",
                        "c.npy",
                        "--detail",
                        detail,
                        "--a",
                        "f16",
                        "--b",
                        "f16",
                        "--round",
                        "ties-even",
                    ];
                    let formats = if acc.starts_with("int") { 9 } else { args.len() };
                    let run = limited(&folder, &args[..formats]);
                    assert_eq!(run.code, Some(0), "{args:?}: {}", run.err);
                }
            }
        }
        let init = format!("init{n}.npy");
        let rows = format!("rows{n}.npy");
        let args = ["matmul", &rows, "none.npy", "--acc", "int8-sat", "--init", &init];
        let run = limited(&folder, &args);
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.err);
    }
}

#[test]
fn one_output_of_any_shape_is_explained() {
    let folder = folder();
    for m in HUGE {
        for n in HUGE {
            for acc in ["int8-sat", "int16-wrap/4,int24-sat", "f32"] {
                let (a, b) = (format!("rows{m}.npy"), format!("cols{n}.npy"));
                let (row, col) = ((m - 1).to_string(), (n - 1).to_string());
                let run = limited(
                    &folder,
                    &["explain", &a, &b, "--acc", acc, "--row", &row, "--col", &col],
                );
                assert_eq!(run.code, Some(0), "{m} {n} {acc}: {}", run.err);
                assert!(run.out.contains("value 0"), "{}", run.out);
                let beyond = m.to_string();
                let run = limited(
                    &folder,
                    &["explain", &a, &b, "--acc", acc, "--row", &beyond, "--col", &col],
                );
                assert_eq!(run.code, Some(2), "{m} {n} {acc}: {}", run.err);
                assert!(
                    run.err.contains(&format!("there is no output ({m}, {})", n - 1)),
                    "{}",
                    run.err
                );
            }
        }
    }
}

#[test]
fn explain_reads_only_its_row_and_column() {
    let folder = Folder::new();
    // 48 MB a matrix, of which every element but those of the output is wrong for the format.
    let (m, k, n) = (3000usize, 2000usize, 4000usize);
    for (name, fortran) in [("c", false), ("f", true)] {
        let place = |row: usize, col: usize, rows: usize, cols: usize| {
            if fortran { col * rows + row } else { row * cols + col }
        };
        let (mut a, mut b) = (vec![0xff; m * k * 4], vec![0xff; k * n * 4]);
        for i in 0..k {
            let put = |to: &mut [u8], at: usize, x: f32| {
                to[4 * at..4 * at + 4].copy_from_slice(&x.to_le_bytes());
            };
            put(&mut a, place(1234, i, m, k), (i % 3) as f32 - 1.0);
            put(&mut b, place(i, 3210, k, n), 0.5);
        }
        folder.npy(&format!("a{name}.npy"), "<f4", fortran, &[m, k], &a);
        folder.npy(&format!("b{name}.npy"), "<f4", fortran, &[k, n], &b);
    }
    for (a, b) in [("ac.npy", "bc.npy"), ("af.npy", "bf.npy"), ("ac.npy", "bf.npy")] {
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 60000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_fewbit")])
            .args(["explain", a, b, "--a", "e4m3fn", "--b", "e4m3fn", "--acc", "f32"])
            .args(["--row", "1234", "--col", "3210", "--to", "3"])
            .current_dir(folder.path())
            .output()
            .expect("a shell");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{a} {b}: {err}");
        // 2000 elements -1, 0, 1, -1 ...: 666 whole rounds, then -1 and 0.
        assert!(out.ends_with("value -0.5\n"), "{a} {b}: {out}");
    }
}

#[test]
fn an_explained_output_names_its_place_and_has_its_random_bits() {
    let folder = Folder::new();
    let values: Vec<f32> = (0..48).map(|i| 0.31 * i as f32 - 7.0).collect();
    folder.floats("a.npy", &[6, 8], &values);
    folder.floats("b.npy", &[8, 6], &values);
    let common =
        ["a.npy", "b.npy", "--a", "e4m3fn", "--b", "e2m3fn", "--acc", "e4m3fn-sr8", "--seed", "5"];
    let round = ["--round", "stochastic8"];
    let out = ["--out", "c.npy"];
    let run = folder.fewbit(&[&["matmul"], &common[..], &round, &out].concat());
    assert_eq!(run.code, Some(0), "{}", run.err);
    let (descr, _, data) = folder.array("c.npy");
    assert_eq!(descr, "<f4");
    let (words, _) = data.as_chunks::<4>();
    for (index, word) in words.iter().enumerate() {
        let (row, col) = ((index / 6).to_string(), (index % 6).to_string());
        let run = folder
            .fewbit(&[&["explain"], &common[..], &round, &["--row", &row, "--col", &col]].concat());
        let expected = format!("value {}\n", f32::from_le_bytes(*word));
        assert!(run.out.ends_with(&expected), "({row}, {col}): {expected} {}{}", run.out, run.err);
    }
    let run = folder.fewbit(&[&["explain"], &common[..], &["--row", "3", "--col", "2"]].concat());
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("element (3, 0)"), "{}", run.err);
}
