//! Every kind of bad input: exit code 2, one line on standard error that says what, nothing on standard output, no file.

mod common;

use common::{Folder, npy_bytes};

/// A folder with one file of every kind.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.npy("a.npy", "|i1", false, &[2, 3], &[1; 6]);
    folder.npy("b.npy", "|u1", false, &[3, 2], &[1; 6]);
    folder.npy("wide.npy", "<i8", false, &[3, 2], &[1; 48]);
    folder.npy("bool.npy", "|b1", false, &[3, 2], &[1; 6]);
    folder.npy("codes.npy", "|u1", false, &[3, 2], &[0x40; 6]);
    folder.npy("big.npy", "<i2", false, &[2, 2], &[1; 8]);
    folder.npy("vector.npy", "|i1", false, &[3], &[1; 3]);
    folder.npy("cut.npy", "<i4", false, &[3, 2], &[1; 23]);
    folder.npy("huge.npy", "<i4", false, &[1 << 40, 1 << 40], &[]);
    folder.npy("complex.npy", "<c8", false, &[3, 2], &[0; 48]);
    folder.floats("f.npy", &[3, 2], &[0.5; 6]);
    folder.floats("nan.npy", &[3, 2], &[0.5, 1.0, f32::NAN, 0.0, 0.0, 0.0]);
    folder.floats("f3.npy", &[2, 3], &[0.5; 6]);
    folder.floats("none.npy", &[0, 2], &[]);
    folder.npy("c.npy", "<i4", false, &[2, 3], &[16; 24]);
    folder.npy("double.npy", "<f8", false, &[1], &0.1f64.to_le_bytes());
    std::fs::write(folder.file("text.npy"), "no array").expect("a file");
    std::fs::write(folder.file("empty.npy"), "").expect("a file");
    std::fs::write(folder.file("other.csv"), "a,b\n1,2\n").expect("a file");
    let wrong = "format,rounding,overflow,nan,bytes,sha256\nwrong\n";
    std::fs::write(folder.file("wrong.csv"), wrong).expect("a file");
    let mut nested = npy_bytes("<i4", false, &[1], &[0; 4]);
    nested.truncate(10);
    nested[8..10].copy_from_slice(&60000u16.to_le_bytes());
    nested.extend([b'('; 60000]);
    std::fs::write(folder.file("nested.npy"), nested).expect("a file");
    std::fs::create_dir(folder.file("folder")).expect("a folder");
    folder
}

#[test]
fn every_kind_of_bad_input_is_one_line() {
    let cases: &[(&[&str], &str)] = &[
        // Arguments.
        (&["frobnicate"], "frobnicate"),
        (&["matmul", "a.npy", "b.npy"], "--acc"),
        (&["matmul", "a.npy", "--acc", "int8-sat"], "B.npy"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--frob"], "--frob"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--threads", "0"], "--threads"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--threads", "-1"], "-1"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--repeat", "0"], "--repeat"),
        // Digests.
        (&["digest", "f32"], "32 bits"),
        (&["digest", "e4m3fn", "--round", "sr8"], "--round is stochastic8"),
        (&["digest", "e4m3fn", "--nan", "zero"], "--nan"),
        (&["digest", "e4m3fn", "--check", "no.csv"], "no.csv"),
        (&["digest", "e4m3fn", "--check", "a.npy"], "a.npy"),
        (&["digest", "e4m3fn", "--check", "other.csv"], "is no list of digests"),
        (&["digest", "e4m3fn", "--check", "wrong.csv"], "line 2 has 1 fields"),
        // Accumulators.
        (&["matmul", "a.npy", "b.npy", "--acc", ""], "accumulator"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8"], "did you mean int8-sat or int8-wrap?"),
        (&["matmul", "a.npy", "b.npy", "--acc", "INT16-SAT"], "did you mean int16-sat?"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int16sat/4,f32"], "did you mean int16-sat?"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int1-sat"], "1 bits"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int65-wrap"], "65 bits"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat/4"], "int8-sat/4"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat,int9-sat"], "int8-sat"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat/0,int9-sat"], "`0`"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat*0"], "`0`"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat%0"], "`0`"),
        (&["explain", "a.npy", "b.npy", "--acc", "f32%1025", "--row", "0", "--col", "0"], "1025"),
        (&["matmul", "a.npy", "b.npy", "--acc", "u8m3"], "u8m3"),
        (&["matmul", "a.npy", "b.npy", "--acc", "preset:tpu"], "there is no preset `tpu`"),
        // Operands of a format.
        (&["matmul", "a.npy", "b.npy", "--a", "e4m4m4", "--acc", "f32"], "e4m4m4"),
        (&["matmul", "f3.npy", "b.npy", "--a", "int4", "--acc", "f32"], "(0, 0) is 0.5"),
        (&["matmul", "f3.npy", "b.npy", "--a", "int4", "--acc", "f32"], "--round MODE"),
        (
            &["matmul", "a.npy", "b.npy", "--b", "binary", "--round", "up-ish", "--acc", "f32"],
            "up-ish",
        ),
        (&["matmul", "a.npy", "wide.npy", "--acc", "f32"], "--b FORMAT"),
        (&["matmul", "a.npy", "codes.npy", "--b", "e2m1fn", "--acc", "f32"], "code 0x40"),
        (&["matmul", "a.npy", "f.npy", "--acc", "preset:a100-f16"], "takes f16, not int8"),
        (&["matmul", "f3.npy", "f.npy", "--acc", "int8-sat/2,f32"], "not a whole number"),
        (&["matmul", "f3.npy", "nan.npy", "--acc", "e2m1fn"], "cannot hold NaN"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--init", "a.npy"], "2x3"),
        (&["matmul", "a.npy", "b.npy", "--acc", "f32", "--init", "a.npy"], "2x3"),
        (
            &["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--init", "big.npy"],
            "does not fit `int8-sat`",
        ),
        (&["matmul", "a.npy", "b.npy", "--acc", "f32", "--a-scales", "f.npy"], "--b-scales"),
        (
            &[
                "matmul",
                "f3.npy",
                "f.npy",
                "--acc",
                "f32",
                "--a-scales",
                "f.npy",
                "--b-scales",
                "f.npy",
            ],
            "in blocks of 32",
        ),
        // Traces.
        (&["explain", "a.npy", "b.npy", "--acc", "int8-sat"], "--row"),
        (
            &["explain", "a.npy", "b.npy", "--acc", "int8-sat", "--row", "2", "--col", "0"],
            "there is no output (2, 0): the product is 2x2",
        ),
        (&["explain", "a.npy", "b.npy", "--acc", "f32", "--row", "0", "--col", "9"], "(0, 9)"),
        (
            &["explain", "a.npy", "a.npy", "--acc", "int8-sat", "--row", "0", "--col", "0"],
            "A is 2x3 and B is 2x3",
        ),
        (&["explain", "a.npy", "b.npy", "--acc", "int8-sat", "--row", "-1", "--col", "0"], "-1"),
        (&["accumulators", "tpu"], "there is no preset `tpu`"),
        // Files.
        (&["matmul", "missing.npy", "b.npy", "--acc", "int8-sat"], "missing.npy"),
        (&["matmul", "folder", "b.npy", "--acc", "int8-sat"], "folder"),
        (&["matmul", "text.npy", "b.npy", "--acc", "int8-sat"], "text.npy"),
        (&["matmul", "empty.npy", "b.npy", "--acc", "int8-sat"], "empty.npy"),
        (&["matmul", "nested.npy", "b.npy", "--acc", "int8-sat"], "nested.npy"),
        (
            &["matmul", "a.npy", "cut.npy", "--acc", "int8-sat"],
            "23 bytes of data where its shape needs 24",
        ),
        (&["matmul", "a.npy", "huge.npy", "--acc", "int8-sat"], "huge.npy"),
        // Types and shapes.
        (&["matmul", "a.npy", "f.npy", "--acc", "int8-sat"], "float32"),
        (&["matmul", "a.npy", "wide.npy", "--acc", "int8-sat"], "int64"),
        (&["matmul", "a.npy", "bool.npy", "--acc", "int8-sat"], "bool.npy"),
        (&["matmul", "a.npy", "complex.npy", "--acc", "int8-sat"], "complex.npy"),
        (&["matmul", "a.npy", "vector.npy", "--acc", "int8-sat"], "[3]"),
        (&["matmul", "a.npy", "a.npy", "--acc", "int8-sat"], "A is 2x3 and B is 2x3"),
        // Outputs.
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--out", "no/c.npy"], "no/c.npy"),
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--out", "folder"], "folder"),
        (
            &["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--out", "c", "--report", "./c"],
            "two different outputs",
        ),
        (
            &["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--out", "c", "--report", "no/r"],
            "no/r",
        ),
        // Arguments that would have no effect.
        (&["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--round", "up"], "nothing to round"),
        (
            &["matmul", "codes.npy", "b.npy", "--a", "e4m3fn", "--acc", "f32", "--round", "up"],
            "nothing to round",
        ),
        (&["cast", "--from", "e4m3fn", "codes.npy", "y.npy", "--round", "up"], "without --to"),
        (&["cast", "--from", "e4m3fn", "codes.npy", "y.npy", "--seed", "1"], "--to"),
        // Bounds.
        (&["bounds", "a.npy"], "--input"),
        (&["bounds", "a.npy", "--input", "uint9000"], "uint9000"),
        (&["bounds", "a.npy", "--input", "e4m3fn"], "e4m3fn"),
        (&["bounds", "f.npy", "--input", "uint8"], "float32"),
        (&["bounds", "a.npy", "--input", "uint8", "--acc", "f32"], "floating-point stage"),
        (&["bounds", "a.npy", "--input", "uint8", "--witness", "no/x.npy"], "no/x.npy"),
        // Quantization.
        (&["quantize", "f.npy", "q.safetensors"], "--to"),
        (&["quantize", "--to", "mxfp3", "f.npy", "q.safetensors"], "mxfp3"),
        (
            &["quantize", "--to", "mx(int4,f16,0)", "f.npy", "q.safetensors"],
            "`0` is not a group size",
        ),
        (&["quantize", "--to", "mx(int4,f16*,8)", "f.npy", "q.safetensors"], "unknown format ``"),
        (
            &["quantize", "--to", "gguf:q9", "f.npy", "q.safetensors"],
            "unknown ggml block type `q9`",
        ),
        (&["quantize", "--to", "mxfp4", "--axis", "2", "f.npy", "q.safetensors"], "axis 2"),
        (&["quantize", "--to", "mxfp4", "--axis", "-3", "f.npy", "q.safetensors"], "axis -3"),
        (
            &["quantize", "--to", "mxfp4", "--scale-rule", "up", "f.npy", "q.safetensors"],
            "scale rule `up`",
        ),
        (
            &["quantize", "--to", "mxfp4", "--scale-round", "sr8", "f.npy", "q.safetensors"],
            "at random",
        ),
        (
            &["quantize", "--to", "mxfp4", "--nan-block", "error", "nan.npy", "q.safetensors"],
            "holds a NaN",
        ),
        (&["quantize", "--to", "int8", "--axis", "0", "f.npy", "q.safetensors"], "--axis"),
        (
            &["quantize", "--to", "int8", "--scale-rule", "ceil", "f.npy", "q.safetensors"],
            "scales of groups",
        ),
        (
            &["quantize", "--to", "mxfp4", "--block-maximum", "mse", "f.npy", "q.safetensors"],
            "--block-maximum has no meaning for mxfp4",
        ),
        (
            &["quantize", "--to", "nvfp4", "--scale-rule", "ceil", "f.npy", "q.safetensors"],
            "no powers of two",
        ),
        (
            &["quantize", "--to", "mxfp4", "--scale-round", "up", "f.npy", "q.safetensors"],
            "--scale-rule chooses them",
        ),
        (
            &["quantize", "--to", "mxfp4", "--least-scale", "any", "f.npy", "q.safetensors"],
            "--least-scale",
        ),
        (&["quantize", "--to", "int8", "none.npy", "q.safetensors"], "no elements"),
        (
            &["quantize", "--to", "gguf:q4_0", "f.npy", "q.safetensors"],
            "2 elements are not a whole number",
        ),
        (
            &["quantize", "--to", "gguf:q4_0", "--axis", "0", "f.npy", "q.safetensors"],
            "other than the last",
        ),
        (
            &["quantize", "--to", "gguf:q4_0", "--round", "up", "f.npy", "q.safetensors"],
            "no meaning",
        ),
        (
            &[
                "quantize",
                "--preset",
                "MXFloat8e4m3Weight",
                "--set",
                "group_size=1099511627776",
                "f.npy",
                "q.safetensors",
            ],
            "groups of 1099511627776 elements along an axis of 2",
        ),
        (&["quantize", "--to", "mxfp4", "wide.npy", "q.safetensors"], "int64"),
        (&["quantize", "--to", "mxfp4", "double.npy", "q.safetensors"], "no float32"),
        (&["quantize", "--to", "mxfp4", "f.npy", "no/q.safetensors"], "no/q.safetensors"),
        (&["dequantize", "missing.safetensors", "y.npy"], "missing.safetensors"),
        (&["dequantize", "text.npy", "y.npy"], "not a .safetensors file"),
        (&["dequantize", "empty.npy", "y.npy"], "not a .safetensors file"),
        // Sweeps.
        (&["sweep", "--weights", "e4m3fn"], "e4m3fn"),
        (&["sweep", "--acts", "uint32"], "uint32"),
        (&["sweep", "--weights", "mxfp4"], "`mxfp4` is a group format"),
        (&["sweep", "--weights", "nvfp4"], "`fewbit layer --weights`"),
        (&["sweep", "--weights", "mx(int4,f16,32)"], "`mx(int4,f16,32)` is a group format"),
        (&["sweep", "--weights", "gguf:q4_0"], "GGUF"),
        (&["sweep", "--weights", "frob"], "unknown format `frob`"),
        (&["cast", "--to", "mxfp4", "f.npy", "y.npy"], "`fewbit quantize --to`"),
        (&["cast", "--to", "E8M0", "f.npy", "y.npy"], "OCP's E8M0 is e8m0fnu"),
        (&["matmul", "f3.npy", "f.npy", "--a", "mxfp4", "--acc", "f32"], "a group format"),
        (&["sweep", "--acc", "int{P}"], "did you mean int16-sat or int16-wrap?"),
        (&["sweep", "--out", "sweep.json"], "the folder"),
        (&["sweep", "--bits", "24..8"], "24..8"),
        (&["sweep", "--bits", "1..8"], "1..8"),
        (&["sweep", "--bits", "8..65"], "8..65"),
        (&["sweep", "--acc", "int16-sat"], "{P}"),
        (&["sweep", "--acc", "int{P}-frob"], "int16-frob"),
        (&["sweep", "--acc", "e{P}m10,int{P}-sat"], "e16m10"),
        (&["sweep", "--calibration", "0"], "calibrate on 0 images"),
        (&["sweep", "--constraint", "axe,frob"], "`frob` is none of joint, axe, axe-strict, none"),
        (&["sweep", "--constraint", ""], "joint, axe, axe-strict, none"),
        (&["sweep", "--network", "64-10"], "expected 64-128-128-10 or 64-96-64-32-10"),
        (
            &["sweep", "--weight", "f.npy", "--input", "f.npy", "--network", "64-96-64-32-10"],
            "--network",
        ),
        (&["sweep", "--calibration", "9999"], "9999"),
        (&["sweep", "--weight", "f.npy"], "--input"),
        (&["sweep", "--input", "f.npy"], "--weight"),
        (&["sweep", "--weight", "f.npy", "--input", "f.npy", "--seed", "1"], "--seed"),
        (&["sweep", "--weight", "f.npy", "--input", "f3.npy"], "3x2"),
        (&["sweep", "--weight", "f.npy", "--input", "nan.npy"], "NaN at (1, 0)"),
        (&["sweep", "--weight", "f.npy", "--input", "none.npy"], "none.npy"),
        (&["sweep", "--weight", "a.npy", "--input", "f.npy"], "int8"),
        (&["sweep", "--out", "a.npy"], "a.npy"),
    ];
    let folder = folder();
    let before = folder.names();
    for (args, expected) in cases {
        refused(&folder, args, expected);
    }
    assert_eq!(folder.names(), before);
}

/// Exit code 2, nothing on standard output, no file, and one line that contains `expected`.
fn refused(folder: &Folder, args: &[&str], expected: &str) {
    let before = folder.names();
    let run = folder.fewbit(args);
    assert_eq!(run.code, Some(2), "{args:?}: {}{}", run.out, run.err);
    assert_eq!(run.out, "", "{args:?}");
    assert!(run.err.starts_with("error: "), "{args:?}: {}", run.err);
    assert!(run.err.ends_with('\n') && run.err.lines().count() == 1, "{args:?}: {}", run.err);
    assert!(run.err.contains(expected), "{args:?}: {}", run.err);
    assert_eq!(folder.names(), before, "{args:?}");
}

#[test]
fn every_kind_of_bad_requantization_is_one_line() {
    /// What follows stands for it: `requantize c.npy y.npy`, and a product with an output.
    const SHORT: [(&str, &str); 2] =
        [("R", "requantize c.npy y.npy"), ("T", "matmul a.npy b.npy --acc int8-sat --out y.npy")];
    let cases = [
        ("R --to int8", "--policy"),
        ("R --policy onnx --scale 1", "--to"),
        ("R --policy tflite --to int8", "tflite-single"),
        ("R --policy onnx --scale 1 --to f16", "no integer format"),
        ("R --policy ruy --to int8", "give --scale, or --multiplier and --shift"),
        ("R --policy onnx --shift 1 --to int8", "takes a float32 scale, not a shift; give --scale"),
        ("R --policy ruy --multiplier 1 --to int8", "--shift"),
        ("R --policy ruy --scale 1e30 --to int8", "a smaller scale"),
        ("R --policy onnx --scale nan --to int8", "positive and finite"),
        ("R --policy onnx --scale big.npy --to int8", "one for each place of the last axis, [3]"),
        ("R --policy shift-up --shift 63 --to int8", "63"),
        ("R --policy shift-up --shift 0.5 --to int8", "expected an integer"),
        ("R --policy shift-up --scale 0.3 --to int8", "exact-<rounding> takes any scale"),
        (
            "R --policy onnx --scale 1 --to int8 --zero-point -129",
            "the zero point -129 is outside of int8",
        ),
        ("R --policy onnx --scale 1 --to int8 --seed 1", "--seed has no meaning"),
        ("R --policy onnx --scale 1 --to int8 --out-bias 1", "--out-bias has no meaning"),
        ("R --policy onnx --scale 1 --to int8 --overflow wrap", "expected `saturate`"),
        ("R --policy thresholds --thresholds nan.npy --to int8", "a threshold of channel 1 is NaN"),
        (
            "R --policy tosa32 --multiplier 1 --shift 9 --to int8",
            "the value at [0, 0] cannot be requantized: the value 269488144",
        ),
        ("requantize f.npy y.npy --policy onnx --scale 1 --to int8", "float32"),
        ("requantize c.npy no/y.npy --policy onnx --scale 1 --to int8", "no/y.npy"),
        (
            "matmul a.npy b.npy --acc f32 --out y.npy --requantize onnx --requantize-to int8 --requantize-scale 1",
            "floating-point stages",
        ),
        (
            "matmul a.npy f.npy --b e4m3fn --acc int8-sat --out y.npy --requantize onnx --requantize-to int8 --requantize-scale 1",
            "--requantize takes the products of integers",
        ),
        (
            "matmul a.npy b.npy --acc int8-sat --requantize onnx --requantize-to int8 --requantize-scale 1",
            "--out",
        ),
        ("matmul a.npy b.npy --acc int8-sat --requantize-shift 1", "--requantize"),
        (
            "T --requantize ruy --requantize-to int8",
            "give --requantize-scale, or --requantize-multiplier and --requantize-shift",
        ),
    ];
    let folder = folder();
    for (line, expected) in cases {
        let words = line.split(' ').flat_map(|word| {
            let long = SHORT.iter().find(|(short, _)| *short == word);
            long.map_or(word, |(_, long)| *long).split(' ')
        });
        refused(&folder, &words.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn every_kind_of_bad_vectors_is_one_line() {
    let cases = [
        ("V --format e4m3fn", "--op"),
        ("V --op pow --format e4m3fn", "unknown operation `pow`"),
        ("V --op add", "a format is missing: --a FORMAT"),
        ("V --op add --format e4m4m4", "e4m4m4"),
        ("V --op add --format mxfp4", "mxfp4 is no scalar format"),
        ("V --op add --a e4m3fn --b e5m2", "--out-format FORMAT says which one the result has"),
        ("V --op add --format f32 --overflow wrap", "has no meaning for f32"),
        ("V --op add --format f32 --style exhaustive", "2^64 combinations are too many"),
        ("V --op add --format f16 --style exhaustive", "4294967296 combinations are too many"),
        ("V --op add --format f32 --style some", "unknown style `some`"),
        ("V --op add --format f32 --style exhaustive --count 3", "--count, of all combinations,"),
        ("V --op add --format f32 --count 0", "the number of vectors is 0"),
        ("V --op add --format f32 --count 99999999999", "ask for fewer"),
        ("V --op add --format f32 --acc f32", "--acc has no meaning for --op add"),
        ("V --op add --format f32 --c f32", "--c has no meaning for --op add"),
        ("V --op sqrt --format f32 --b f32", "--b has no meaning for --op sqrt"),
        ("V --op cast --format f32", "--out-format FORMAT"),
        ("V --op add --format f32 --scale-rule ceil", "scales of groups has no meaning"),
        ("V --op add --format f32 --per-step", "--per-step has no meaning for --op add"),
        ("V --op add --format f32 --preset Int8WeightPerChannelFloat", "is a quantizer"),
        ("V --op quantize --out-format mxfp4 --scale 2", "--scale has no meaning"),
        ("V --op quantize --out-format mxfp4 --format int32", "float32 does not have all"),
        ("V --op quantize --out-format int8 --scale 0", "expected a positive number"),
        (
            "V --op quantize --out-format e4m3fn --quantize-zero-point 3",
            "integers have zero points",
        ),
        ("V --op quantize --out-format gguf:q4_0", "is no scalar format"),
        ("V --op requantize --out-format int8", "--requantize POLICY"),
        ("V --op requantize --requantize onnx --out-format int8", "give --requantize-scale"),
        (
            "V --op requantize --requantize onnx --requantize-scale 1 --out-format f16",
            "--out-format of a requantization is an integer format",
        ),
        (
            "V --op requantize --requantize onnx --requantize-scale 1 --out-format int8 --channels 3",
            "--channels 3 has no effect",
        ),
        ("V --op dot --format int8", "--acc SPEC"),
        ("V --op dot --format int8 --acc int8-sat --k 0", "k is 0"),
        ("V --op dot --format int8 --acc int8-sat --m 2", "--m has no meaning for --op dot"),
        ("V --op dot --format nvfp4 --acc f32", "nvfp4 is no format of operands here"),
        ("V --op dot --format int8 --acc preset:a100-f16", "takes f16, not int8"),
        ("V --op dot --format int32 --acc exact --k 99", "an exact register over 99 products"),
        ("V --op dot --format nan --acc f32", "nan"),
        ("V --op matmul --format int8 --acc int8-sat --m 99999 --n 99999", "ask for fewer"),
        ("V --from a.npy a.npy --acc int8-sat", "a.npy is 2x3 and a.npy is 2x3: of matmul"),
        ("V --op dot --from a.npy b.npy --acc int8-sat", "of dot both are [vectors, K]"),
        ("V --from a.npy --acc int8-sat", "2 values required"),
        ("V --from a.npy b.npy --acc int8-sat --style random", "cannot be used with"),
        ("V --from a.npy wide.npy --acc int8-sat", "holds int64; --b FORMAT"),
        (
            "V --from f3.npy b.npy --a int4 --acc f32",
            "holds 0.5 at (0, 0), which int4 does not have",
        ),
        ("V --from a.npy codes.npy --b e2m1fn --acc f32", "holds 0x40, which is no code of e2m1fn"),
        ("V --from a.npy b.npy --b mxfp4 --acc f32", "mxfp4 has scales"),
        ("vectors --op add --format f32 --as csv --to t.csv", "this is the folder"),
        ("vectors --op add --format f32 --as verilog --to v", "verilog"),
        ("vectors --op add --format f32 --to v", "--as"),
        (
            "vectors --op dot --format int8 --acc int8-sat --as testfloat --to v",
            "TestFloat has no text for dot",
        ),
        (
            "vectors --op add --format f32 --round sr8 --as testfloat --to v",
            "no place for the random bits",
        ),
        ("verify a.npy", "is no text"),
        ("verify text.npy", "has no header of `fewbit vectors`"),
        ("verify other.csv", "has no header of `fewbit vectors`"),
        ("verify no.csv", "no.csv"),
        ("verify folder", "folder"),
        ("verify other.csv --got-as hex", "--got"),
    ];
    let folder = folder();
    for (line, expected) in cases {
        let line = line.replace("V ", "vectors --as csv --to v ");
        refused(&folder, &line.split(' ').collect::<Vec<_>>(), expected);
    }
}

#[test]
fn every_kind_of_bad_table_is_one_line() {
    let cases = [
        ("table tan,in=int8,out=int8", "`tan` is no function"),
        ("table tanh", "a table needs an input"),
        ("table tanh,in=int8,out=int8,size=3", "is no part of a table"),
        ("table tanh,in=int99,out=int8", "int99"),
        ("table tanh,in=int8*0,out=int8", "scale `0`"),
        ("table tanh,in=int32,out=int8", "slice `31:0`"),
        ("table log,in=int8,out=int8", "the entry 0 is the function of -1.28e2"),
        ("table tanh --in int8", "--in has no meaning without --preset"),
        ("table tanh --preset tflite-int9", "`tflite-int9` is no table preset"),
        ("table tanh --preset direct", "takes --in FORMAT and --out-format FORMAT"),
        ("table tanh,in=int8,out=int8 --preset direct", "takes the name of a function"),
        (
            "table sqrt --preset tflite-int8 --in int8 --out-format int8",
            "no `sqrt` in the arithmetic of tflite",
        ),
        ("table tanh --preset direct --in int8 --out-format int8 --size 4", "a size of 4"),
        ("table tanh,in=int8,out=int8 --values", "--values has no meaning without --out"),
        ("table tanh,in=int8,out=int8 --word 9", "--hex"),
        ("table tanh,in=int8,out=int16 --hex t.hex --word 9", "--word 9 is shorter than a code"),
        ("table tanh,in=int8,out=int8 --header 9.h", "is no name in C"),
        ("table tanh,in=int8,out=int8 --apply c.npy y.npy", "integers from -128 to 127"),
        ("table tanh,in=int8,out=int8 --apply f.npy y.npy", "integers are needed"),
        (
            "table tanh,in=int8,out=int8,address=slice3:0,outside=refuse --apply y.npy z.npy",
            "y.npy",
        ),
        ("table tanh,in=int8,out=int8 --apply c.npy", "2 values required"),
        ("table tanh,in=int8,out=int8 --out t.hex", ".npy"),
        ("table tanh,in=int8,out=int8 --hex t.mem", ".hex"),
        ("table tanh,in=int8,out=int8 --header t.c", ".h"),
        ("table identity,in=int1,out=int1,nan=zero --out no/t.npy", "no/t.npy"),
    ];
    let folder = folder();
    for (line, expected) in cases {
        refused(&folder, &line.split(' ').collect::<Vec<_>>(), expected);
    }
}

#[test]
fn an_output_that_was_there_stays_whole_when_the_command_fails() {
    let folder = folder();
    std::fs::write(folder.file("c.npy"), "before").expect("a file");
    let args = ["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--out", "c.npy"];
    let failing: Vec<&str> = args.into_iter().chain(["--report", "no/r.json"]).collect();
    assert_eq!(folder.fewbit(&failing).code, Some(2));
    assert_eq!(std::fs::read_to_string(folder.file("c.npy")).expect("a file"), "before");
    assert_eq!(folder.fewbit(&args).code, Some(0));
    assert_eq!(folder.int64("c.npy"), (vec![2, 2], vec![3; 4]));
}

#[test]
fn an_output_whose_name_promises_something_else_is_refused() {
    let folder = folder();
    let before = folder.names();
    let quantize = ["quantize", "--to", "mxfp4", "f.npy"];
    let matmul = ["matmul", "a.npy", "b.npy", "--acc", "int8-sat"];
    let layer = ["layer", "--weight", "f.npy", "--input", "f.npy"];
    let bounds = ["bounds", "a.npy", "--input", "uint8"];
    let requantize = ["requantize", "c.npy", "--policy", "onnx", "--scale", "1", "--to", "int8"];
    let cases: [(&[&str], &[&str], &str); 16] = [
        (&["digest", "e4m3fn"], &["--out", "d.json"], ".csv"),
        (&requantize, &["y.csv"], ".npy"),
        (&["cast", "--to", "e4m3fn", "--codes", "f.npy"], &["y.mem"], ".npy"),
        (&["cast", "--to", "e4m3fn", "f.npy"], &["y.npz"], ".npy"),
        (&["dequantize", "q.safetensors"], &["y.safetensors"], ".npy"),
        (&quantize, &["q.npy"], ".safetensors"),
        (&quantize, &["q.safetensors", "--report", "r.yaml"], ".json"),
        (&quantize, &["q.safetensors", "--svg", "p.png"], ".svg"),
        (&matmul, &["--out", "c.csv"], ".npy"),
        (&matmul, &["--report", "r.txt"], ".json"),
        (&bounds, &["--witness", "x.hex"], ".npy"),
        (&layer, &["--out", "q.npy"], ".safetensors"),
        (&layer, &["--report", "r.csv"], ".json"),
        (&layer, &["--svg", "p.pdf"], ".svg"),
        (&layer, &["--save-statistics", "h.npy"], ".safetensors"),
        (&["sweep"], &["--out", "sweep.svg"], ".svg"),
    ];
    for (command, output, ending) in cases {
        let run = folder.fewbit(&[command, output].concat());
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{output:?}: {}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
        let name = output.last().expect("a name");
        assert!(run.err.contains(name) && run.err.contains(ending), "{}", run.err);
        assert_eq!(folder.names(), before, "{output:?}");
    }
}

#[test]
fn an_output_may_have_no_ending_or_one_in_capitals() {
    let folder = folder();
    for name in ["codes", "codes.NPY", "a.b/codes"] {
        std::fs::create_dir_all(folder.file("a.b")).expect("a folder");
        let run = folder.fewbit(&["cast", "--to", "e4m3fn", "--codes", "f.npy", name]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{name}");
        assert_eq!(folder.array(name).1, [3, 2]);
    }
    #[cfg(unix)]
    {
        let run = folder.fewbit(&["cast", "--to", "e4m3fn", "f.npy", "/dev/null"]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    }
}
