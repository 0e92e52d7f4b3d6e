//! Files in and out: what is no file of numbers is refused before it is read, and files appear whole or not at all,
//! also when standard output is full or the process is interrupted.

#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::Folder;

/// A folder with the inputs of every command.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.npy("a.npy", "|i1", false, &[2, 3], &[1; 6]);
    folder.npy("b.npy", "|u1", false, &[3, 2], &[1; 6]);
    folder.floats("f.npy", &[3, 2], &[0.5, 1.0, -1.0, 0.25, 2.0, 0.0]);
    assert_eq!(
        folder.fewbit(&["quantize", "--to", "int8", "f.npy", "q.safetensors"]).code,
        Some(0)
    );
    let vectors = ["vectors", "--op", "add", "--format", "e4m3fn", "--count", "3", "--as", "csv"];
    let to = vectors.into_iter().chain(["--to", "."]).collect::<Vec<_>>();
    assert_eq!(folder.fewbit(&to).code, Some(0));
    fs::rename(folder.file("vectors.csv"), folder.file("v.csv")).expect("a file");
    folder
}

/// Every command that writes, with all its outputs.
const WRITERS: &[&[&str]] = &[
    &["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--out", "c.npy", "--report", "r.json"],
    &["bounds", "a.npy", "--input", "uint8", "--witness", "x.npy"],
    &["cast", "--to", "e4m3fn", "f.npy", "y.npy"],
    &[
        "quantize",
        "--to",
        "mxfp4",
        "f.npy",
        "p.safetensors",
        "--report",
        "r.json",
        "--svg",
        "p.svg",
    ],
    &["dequantize", "q.safetensors", "y.npy"],
    &["sweep", "--weight", "f.npy", "--input", "f.npy", "--bits", "8..9", "--out", "."],
    &["requantize", "a.npy", "--policy", "gemmlowp", "--scale", "0.3", "--to", "int8", "y.npy"],
    &["table", "tanh,in=int8,out=int8", "--out", "t.npy", "--hex", "t.hex", "--svg", "t.svg"],
    &["table", "tanh,in=int8,out=int8", "--header", "t.h", "--apply", "a.npy", "y.npy"],
    &[
        "vectors", "--op", "add", "--format", "e4m3fn", "--count", "9", "--as", "readmemh", "--to",
        "v",
    ],
    &["vectors", "--from", "a.npy", "b.npy", "--acc", "int8-sat", "--as", "npz", "--to", "w"],
    &[
        "matmul",
        "a.npy",
        "b.npy",
        "--acc",
        "int8-sat",
        "--out",
        "c.npy",
        "--requantize",
        "onnx",
        "--requantize-to",
        "uint8",
        "--requantize-scale",
        "0.3",
    ],
    &[
        "layer",
        "--weight",
        "f.npy",
        "--input",
        "f.npy",
        "--out",
        "l.safetensors",
        "--report",
        "r.json",
    ],
];

/// Every command that only prints.
const PRINTERS: &[&[&str]] = &[
    &["explain", "a.npy", "b.npy", "--acc", "int8-sat", "--row", "0", "--col", "0"],
    &["formats"],
    &["formats", "e4m3fn"],
    &["accumulators"],
    &["quantize", "--list-presets"],
    &["--help"],
    &["--version"],
    &["cast", "--help"],
    &["verify", "v.csv"],
];

#[test]
fn a_full_standard_output_leaves_no_file() {
    let folder = folder();
    let before = folder.names();
    for args in WRITERS.iter().chain(PRINTERS) {
        for json in [&[][..], &["--json"]] {
            if args.iter().any(|arg| ["--help", "--version", "--list-presets"].contains(arg))
                && !json.is_empty()
            {
                continue;
            }
            let output = Command::new(env!("CARGO_BIN_EXE_fewbit"))
                .args(*args)
                .args(json)
                .current_dir(folder.path())
                .stdout(File::options().write(true).open("/dev/full").expect("the full device"))
                .output()
                .expect("the binary starts");
            let err = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
            assert!(err.contains("cannot write to standard output"), "{args:?}: {err}");
            assert_eq!(err.lines().count(), 1, "{args:?}: {err}");
            assert_eq!(folder.names(), before, "{args:?}");
        }
    }
    for args in WRITERS {
        let run = folder.fewbit(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.err);
    }
    assert!(folder.names().len() > before.len());
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    let folder = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_fewbit"))
        .args(["cast", "--to", "e4m3fn", "f.npy", "y.npy"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    assert!(folder.file("y.npy").exists());
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = folder();
        // Nobody reads the pipe: the run waits with its other output complete, but not yet under its name.
        let made = Command::new("mkfifo").arg(folder.file("pipe")).status();
        assert!(made.expect("mkfifo").success());
        let before = folder.names();
        let mut child = Command::new(env!("CARGO_BIN_EXE_fewbit"))
            .args(["matmul", "a.npy", "b.npy", "--acc", "int8-sat"])
            .args(["--out", "c.npy", "--report", "pipe"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let deadline = Instant::now() + Duration::from_secs(60);
        while folder.names().len() == before.len() {
            assert!(Instant::now() < deadline, "no temporary file appears");
            sleep(Duration::from_millis(5));
        }
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.expect("kill").success());
        assert_eq!(child.wait().expect("an end").code(), Some(code), "{signal}");
        assert_eq!(folder.names(), before, "{signal}");
    }
}

#[test]
fn replacing_keeps_mode_and_links() {
    let folder = folder();
    let args = ["cast", "--to", "e4m3fn", "f.npy", "y.npy"];
    fs::write(folder.file("y.npy"), "before").expect("a file");
    for mode in [0o640, 0o604, 0o600] {
        fs::set_permissions(folder.file("y.npy"), Permissions::from_mode(mode)).expect("a mode");
        assert_eq!(folder.fewbit(&args).code, Some(0));
        let after = fs::metadata(folder.file("y.npy")).expect("a file").permissions().mode();
        assert_eq!(after & 0o7777, mode);
    }
    // A link to a file, and one to nothing yet, through another link in another folder.
    fs::create_dir(folder.file("inner")).expect("a folder");
    for target in ["there.npy", "inner/new.npy"] {
        fs::remove_file(folder.file("y.npy")).expect("a file");
        symlink(target, folder.file("y.npy")).expect("a link");
        if target == "there.npy" {
            fs::write(folder.file(target), "before").expect("a file");
        } else {
            symlink("newer.npy", folder.file(target)).expect("a link");
        }
        assert_eq!(folder.fewbit(&args).code, Some(0), "{target}");
        let link = fs::read_link(folder.file("y.npy")).expect("a link");
        assert_eq!(link.to_str(), Some(target));
        let bytes = fs::read(folder.file(target)).expect("a file");
        assert!(bytes.starts_with(b"\x93NUMPY"), "{target}");
    }
    assert!(fs::read_link(folder.file("inner/new.npy")).is_ok());
    assert!(folder.file("inner/newer.npy").is_file());
    symlink("loop.npy", folder.file("loop.npy")).expect("a link");
    let run = folder.fewbit(&["cast", "--to", "e4m3fn", "f.npy", "loop.npy"]);
    assert_eq!((run.code, run.err.lines().count()), (Some(2), 1), "{}", run.err);
}

/// The commands that read a file, `FILE` being its place.
const READERS: &[&[&str]] = &[
    &["matmul", "FILE", "b.npy", "--acc", "int8-sat"],
    &["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--init", "FILE"],
    &["explain", "a.npy", "FILE", "--acc", "f32", "--row", "0", "--col", "0"],
    &["bounds", "FILE", "--input", "uint8"],
    &["bounds", "a.npy", "--input", "uint8", "--bias", "FILE"],
    &["bounds", "a.npy", "--input-range", "FILE"],
    &["cast", "--to", "e4m3fn", "FILE", "y.npy"],
    &["quantize", "--to", "mxfp4", "FILE", "p.safetensors"],
    &["quantize", "--config", "FILE", "f.npy", "p.safetensors"],
    &["dequantize", "FILE", "y.npy"],
    &["requantize", "FILE", "--policy", "onnx", "--scale", "0.3", "--to", "int8", "y.npy"],
    &["table", "tanh,in=int8,out=int8", "--apply", "FILE", "y.npy"],
    &["vectors", "--from", "FILE", "b.npy", "--acc", "int8-sat", "--as", "csv", "--to", "v"],
    &["verify", "FILE"],
    &["verify", "v.csv", "--got", "FILE"],
    &["requantize", "a.npy", "--policy", "onnx", "--scale", "FILE", "--to", "int8", "y.npy"],
    &[
        "requantize",
        "a.npy",
        "--policy",
        "ruy",
        "--multiplier",
        "1",
        "--shift",
        "FILE",
        "--to",
        "int8",
        "y.npy",
    ],
    &[
        "requantize",
        "a.npy",
        "--policy",
        "thresholds",
        "--thresholds",
        "FILE",
        "--to",
        "int8",
        "y.npy",
    ],
    &["sweep", "--weight", "FILE", "--input", "f.npy"],
    &["layer", "--weight", "FILE", "--input", "f.npy"],
    &["layer", "--weight", "f.npy", "--input", "FILE"],
];

#[test]
fn what_is_no_file_of_numbers_is_refused_before_it_is_read() {
    let folder = folder();
    fs::write(folder.file("empty"), "").expect("a file");
    fs::create_dir(folder.file("directory")).expect("a folder");
    let made = Command::new("mkfifo").arg(folder.file("pipe")).status();
    assert!(made.expect("mkfifo").success());
    // Three gigabytes that take no space on the disk.
    let zeros = File::create(folder.file("zeros")).expect("a file");
    zeros.set_len(3 << 30).expect("a length");
    // Headers that promise more than there is.
    for (name, start) in [
        ("npy1", &b"\x93NUMPY\x01\x00\xff\xff"[..]),
        ("npy2", b"\x93NUMPY\x02\x00\xff\xff\xff\xff"),
        ("npy3", b"\x93NUMPY\x02\x00"),
        ("safetensors1", b"\xff\xff\xff\xff\xff\xff\xff\xff{"),
        ("safetensors2", b"\x00\xe1\xf5\x05\x00\x00\x00\x00{\"a\":"),
    ] {
        let mut bytes = start.to_vec();
        bytes.resize(bytes.len().max(100), b' ');
        fs::write(folder.file(name), bytes).expect("a file");
    }
    let before = folder.names();
    let files = [
        "empty",
        "directory",
        "pipe",
        "zeros",
        "/dev/zero",
        "npy1",
        "npy2",
        "npy3",
        "safetensors1",
        "safetensors2",
        "missing",
    ];
    for file in files {
        for args in READERS {
            let args: Vec<&str> =
                args.iter().map(|&arg| if arg == "FILE" { file } else { arg }).collect();
            let start = Instant::now();
            let limited = "ulimit -v 1500000; exec \"$@\"";
            let output = Command::new("sh")
                .args(["-c", limited, "sh", "timeout", "20", env!("CARGO_BIN_EXE_fewbit")])
                .args(&args)
                .current_dir(folder.path())
                .output()
                .expect("a shell");
            let err = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
            assert_eq!(err.lines().count(), 1, "{args:?}: {err}");
            assert!(err.starts_with("error: "), "{args:?}: {err}");
            assert_eq!(folder.names(), before, "{args:?}");
            assert!(start.elapsed() < Duration::from_secs(15), "{args:?}");
        }
    }
}

#[test]
fn threads_are_at_most_1024() {
    let folder = folder();
    let with_threads: &[&[&str]] = &[WRITERS[0], WRITERS[1], WRITERS[2], WRITERS[4]];
    for threads in ["1025", "20000", "65536", "99999999999999999999", "0", "-1"] {
        for args in with_threads {
            let args: Vec<&str> = args.iter().copied().chain(["--threads", threads]).collect();
            let run = folder.fewbit(&args);
            assert_eq!(run.code, Some(2), "{args:?}: {}", run.err);
            assert_eq!(run.err.lines().count(), 1, "{args:?}: {}", run.err);
        }
    }
    let with_variable = |args: &[&str], threads: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_fewbit"))
            .args(args)
            .env("RAYON_NUM_THREADS", threads)
            .current_dir(folder.path())
            .output()
            .expect("the binary starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for args in WRITERS.iter().chain(PRINTERS) {
        for threads in ["1025", "20000", "99999999999999999999"] {
            let (code, err) = with_variable(args, threads);
            assert_eq!((code, err.lines().count()), (Some(2), 1), "{args:?}: {err}");
            assert!(err.contains("RAYON_NUM_THREADS is"), "{args:?}: {err}");
        }
    }
    for threads in ["", "0", "2", "many"] {
        assert_eq!(with_variable(WRITERS[2], threads).0, Some(0), "{threads:?}");
    }
}
