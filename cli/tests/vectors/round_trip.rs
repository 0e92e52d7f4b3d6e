//! Every operation, style and kind of file back through `verify`, and the same bytes twice.

use super::common::Folder;

const KINDS: [&str; 5] = ["readmemh", "csv", "jsonl", "npz", "testfloat"];

/// Operations on codes, which TestFloat has lines for.
const SCALARS: &[&str] = &[
    "--op add --format e4m3fn",
    "--op sub --format f32 --overflow ieee",
    "--op mul --format int8",
    "--op div --format posit8",
    "--op fma --a bf16 --b e5m2 --c f32 --out-format f32",
    "--op sqrt --format f16 --overflow special",
    "--op cast --format f32 --out-format e4m3fn",
];

const OTHERS: &[&str] = &[
    "--op cast --format f32 --out-format e2m1fn --round stochastic8",
    "--op quantize --out-format mxfp4",
    "--op quantize --out-format nvfp4 --round stochastic4",
    "--op quantize --out-format hif4",
    "--op quantize --out-format mx(uint4,f16,32,zero-point)",
    "--op quantize --out-format int8 --scale 0.1 --quantize-zero-point 3 --nan zero",
    "--op requantize --out-format int8 --requantize gemmlowp --requantize-scale 0.0037",
    "--op requantize --out-format uint4 --requantize exact-stochastic8 --requantize-scale 0.0037",
    "--op requantize --format int16 --out-format int8 --requantize onnx --requantize-scale S.npy --channels 3",
    "--op requantize --format int16 --out-format uint4 --requantize thresholds --requantize-thresholds T.npy",
    "--op dot --a uint8 --b int4 --acc int12-sat/16,int20-wrap --k 40",
    "--op dot --a e4m3fn --b e5m2 --acc e5m10-rne --k 20",
    "--op dot --a e4m3fn --b e4m3fn --acc preset:h100-wgmma-fp8 --k 40",
    "--op dot --a mxfp4 --b mxfp8e4m3 --acc f32 --k 40",
    "--op dot --a int8 --b int8 --acc exact --k 9",
    "--op matmul --a mxfp4 --b mxfp4 --acc f32 --k 40 --m 2 --n 3",
    "--op matmul --a int8 --b uint4 --acc int14-sat*4/16,int16-wrap --k 20",
    "--op matmul --a int8 --b uint4 --acc int14-sat*4/16,int16-wrap --k 20 --m 1 --n 2 --per-step",
    "--op dot --a f16 --b bf16 --acc f32-sr8%4 --k 12 --per-step",
    "--op dot --a mxfp4 --b mxfp4 --acc f32/16,f32 --k 40 --per-step",
];

/// A folder with the files that arguments name.
fn folder() -> Folder {
    let folder = Folder::in_memory();
    folder.floats("S.npy", &[3], &[0.5, 0.25, 0.001]);
    let thresholds: Vec<u8> = [-500i32, 0, 3, 700].iter().flat_map(|t| t.to_le_bytes()).collect();
    folder.npy("T.npy", "<i4", false, &[4], &thresholds);
    folder
}

/// Names and bytes of the files.
fn written(folder: &Folder, args: &str) -> Vec<(String, Vec<u8>)> {
    let out = folder.file("out");
    let _ = std::fs::remove_dir_all(&out);
    let line = format!("vectors {args} --to out");
    let run = folder.fewbit(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{line}");
    let entries = std::fs::read_dir(&out).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into()).collect();
    names.sort();
    let read = |name: String| {
        let bytes = std::fs::read(out.join(&name)).expect("a file");
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

fn round_trip(kind: &str) {
    let folder = folder();
    let jobs = SCALARS.iter().chain(OTHERS.iter().filter(|_| kind != "testfloat"));
    for (at, job) in jobs.enumerate() {
        for style in ["edges", "random", "mixed"] {
            let count = if job.contains("matmul") { 5 } else { 16 };
            let args = format!("{job} --style {style} --count {count} --seed {at} --as {kind}");
            let files = written(&folder, &args);
            for (name, _) in &files {
                if name.ends_with(".svh") || name.ends_with(".json") {
                    continue;
                }
                let run = folder.fewbit(&["verify", &format!("out/{name}")]);
                assert_eq!(run.code, Some(0), "{args}: {name}: {}{}", run.out, run.err);
                assert!(run.out.contains("every word as computed anew"), "{}", run.out);
            }
            if style == "mixed" {
                assert!(written(&folder, &args) == files, "{args}: other bytes");
                let other = args.replace(&format!("--seed {at}"), "--seed 99");
                assert!(written(&folder, &other) != files, "{args}: the seed has no effect");
            }
        }
    }
}

#[test]
fn every_kind_of_file_verifies() {
    std::thread::scope(|scope| {
        for kind in KINDS {
            scope.spawn(move || round_trip(kind));
        }
    });
}

#[test]
fn all_combinations_verify() {
    let folder = folder();
    for args in [
        "--op add --format e2m1fn --as readmemh",
        "--op cast --format f16 --out-format e5m2 --as npz",
        "--op dot --a int2 --b ternary --k 2 --acc int3-sat --as csv",
        "--op requantize --format int8 --out-format int4 --requantize onnx --requantize-scale S.npy --channels 3 --as jsonl",
    ] {
        let files = written(&folder, &format!("{args} --style exhaustive"));
        let run = folder.fewbit(&["verify", &format!("out/{}", files[0].0)]);
        assert_eq!(run.code, Some(0), "{args}: {}{}", run.out, run.err);
    }
    let run = folder.fewbit(&["verify", "out/vectors.jsonl"]);
    // 256 values, 3 channels of the 4 that two bits say.
    assert!(run.out.contains("768 rows"), "{}", run.out);
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let folder = Folder::in_memory();
    let run = |line: &str| folder.fewbit(&line.split(' ').collect::<Vec<_>>());
    let written = run("vectors --op mul --format e4m3fn --count 1000 --as readmemh --to v");
    assert!(readme.contains(&written.out), "{}", written.out);
    // Its 40th line with another last digit.
    let text = std::fs::read_to_string(folder.file("v/vectors.hex")).expect("a file");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[39].pop();
    lines[39].push('0');
    std::fs::write(folder.file("v/vectors.hex"), lines.join("\n") + "\n").expect("a file");
    let verified = run("verify v/vectors.hex");
    assert_eq!(verified.code, Some(1));
    assert!(readme.contains(&verified.out), "{}", verified.out);
}
