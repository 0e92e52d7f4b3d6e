//! `fewbit requantize`, and the requantization behind `fewbit matmul`, as a user runs them: outputs against numbers
//! computed by hand, against rationals, and against each other.

mod common;

use common::Folder;
use fewbit_testkit::Random;
use num_rational::Ratio;
use serde_json::Value;

/// A folder with the values `[2, 3]` and what their channels take.
fn folder() -> Folder {
    let folder = Folder::new();
    ints(&folder, "c.npy", &[2, 3], &[11, 12, -12, 5000, -5, 6]);
    ints(&folder, "m.npy", &[3], &[1 << 30, 1 << 30, 3 << 29]);
    ints(&folder, "s.npy", &[3], &[-2, -1, 0]);
    ints(&folder, "b.npy", &[3], &[1, 0, -8]);
    folder
}

fn ints(folder: &Folder, name: &str, shape: &[usize], values: &[i32]) {
    let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    folder.npy(name, "<i4", false, shape, &data);
}

/// Runs `fewbit requantize c.npy ... y.npy --json`.
fn report(folder: &Folder, args: &str) -> Value {
    let line = format!("requantize c.npy {args} y.npy --json");
    let run = folder.fewbit(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{line}");
    serde_json::from_str(&run.out).expect("JSON")
}

/// Type and values of y.npy.
fn outputs(folder: &Folder) -> (String, Vec<i64>) {
    let (descr, _, data) = folder.array("y.npy");
    let size: usize = descr[2..].parse().expect("a size");
    let value = |bytes: &[u8]| {
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(bytes);
        let bits = i64::from_le_bytes(wide);
        if descr.contains('i') { bits << (64 - 8 * size) >> (64 - 8 * size) } else { bits }
    };
    let values = data.chunks(size).map(value).collect();
    (descr, values)
}

#[test]
fn numbers_by_hand() {
    let folder = folder();
    for (args, descr, expected) in [
        // 2^30 / 2^33 = 1/8: 1.375, 1.5, -1.5, 625, -0.625, 0.75; ties up.
        (
            "--policy tosa32 --multiplier 1073741824 --shift 33 --to int8",
            "|i1",
            [1, 2, -1, 127, -1, 1],
        ),
        // 2^30 / 2^31: to the nearest, ties up, 6, 6, -6, 2500, -2, 3; these over 4, ties away.
        ("--policy gemmlowp --scale 0.125 --to int8", "|i1", [2, 2, -2, 127, -1, 1]),
        (
            "--policy gemmlowp --multiplier 1073741824 --shift -2 --to int8",
            "|i1",
            [2, 2, -2, 127, -1, 1],
        ),
        // 5.5, 6, -6, 2500, -2.5, 3, to even; and 128.
        (
            "--policy onnx --scale 0.5 --zero-point 128 --to uint8",
            "|u1",
            [134, 134, 122, 255, 126, 131],
        ),
        ("--policy exact-ties-away --scale 0.5 --to int16", "<i2", [6, 6, -6, 2500, -3, 3]),
        (
            "--policy exact-ties-even --scale -0.5 --to int32 --zero-point -7",
            "<i4",
            [-13, -13, -1, -2507, -5, -10],
        ),
        ("--policy shift-down --shift 2 --to uint16", "<u2", [2, 3, 0, 1250, 0, 1]),
        ("--policy shift-down --scale 0.25 --to int4", "|i1", [2, 3, -3, 7, -2, 1]),
        ("--policy shift-down --shift 2 --to int4 --overflow wrap", "|i1", [2, 3, -3, 2, -2, 1]),
        // 0.25 x + 0.5: 3.25, 3.5, -2.5, 1250.5, -0.75, 2.
        ("--policy finn --scale 0.25 --out-bias 0.5 --to int8", "|i1", [3, 4, -2, 127, -1, 2]),
        ("--policy shift-up --shift 0 --bias -11 --to int8", "|i1", [0, 1, -23, 127, -16, -5]),
    ] {
        report(&folder, args);
        assert_eq!(outputs(&folder), (descr.to_owned(), expected.to_vec()), "{args}");
        assert_eq!(folder.array("y.npy").1, [2, 3]);
    }
}

#[test]
fn channels_are_the_last_axis() {
    let folder = folder();
    // Scales of 1/8, 1/4, 3/4; the values with their bias are 12, 12, -20 and 5001, -5, -2.
    let args = "--policy tflite-single --multiplier m.npy --shift s.npy --bias b.npy --to int16";
    let found = report(&folder, args);
    assert_eq!(outputs(&folder).1, [2, 3, -15, 625, -1, -1]); // 1.5, 3, -15, 625.125, -1.25, -1.5
    assert_eq!(found["shift"], serde_json::json!([-2, -1, 0]));
    // One number for all, in each of its shapes.
    for (name, shape) in [("one.npy", &[1][..]), ("none.npy", &[])] {
        ints(&folder, name, shape, &[-1]);
        report(&folder, &format!("--policy ruy --multiplier m.npy --shift {name} --to int16"));
        let by_file = outputs(&folder);
        report(&folder, "--policy ruy --multiplier m.npy --shift -1 --to int16");
        assert_eq!(by_file, outputs(&folder));
    }
}

#[test]
fn thresholds_count() {
    let folder = folder();
    ints(&folder, "t.npy", &[4], &[-12, 6, 12, 5000]);
    report(&folder, "--policy thresholds --thresholds t.npy --to uint4");
    assert_eq!(outputs(&folder).1, [2, 3, 1, 4, 1, 2]);
    let more = "--out-scale 2 --out-bias -4 --zero-point -1 --to int8";
    report(&folder, &format!("--policy thresholds --thresholds t.npy {more}"));
    assert_eq!(outputs(&folder).1, [-1, 1, -3, 3, -3, -1]);
    folder.floats("each.npy", &[3, 1], &[11.5, -6.0, 5.5]);
    let found = report(&folder, "--policy thresholds --thresholds each.npy --to int8");
    assert_eq!(outputs(&folder).1, [0, 1, 0, 1, 1, 1]);
    assert_eq!(found["thresholds"], serde_json::json!([1, 1, 1]));
}

#[test]
fn every_type_of_values_and_their_report() {
    let folder = Folder::new();
    for (descr, bytes) in [("|i1", 1), ("<i2", 2), (">i4", 4), ("<i8", 8), ("|u1", 1), ("<u8", 8)] {
        let values = [[0, 9, 18], [27, 100, 120]];
        let columns = (0..3).flat_map(|c| (0..2).map(move |r| (r, c)));
        let data = columns.flat_map(|(r, c): (usize, usize)| {
            let mut word = i64::to_le_bytes(values[r][c])[..bytes].to_vec();
            if descr.starts_with('>') {
                word.reverse();
            }
            word
        });
        folder.npy("c.npy", descr, true, &[2, 3], &data.collect::<Vec<_>>());
        let found = report(&folder, "--policy exact-ties-even --scale 0.1 --to uint4 --threads 1");
        assert_eq!(outputs(&folder), ("|u1".into(), vec![0, 1, 2, 3, 10, 12]), "{descr}");
        assert_eq!(
            (found["shape"].clone(), &found["at_min"]),
            (serde_json::json!([2, 3]), &1.into())
        );
        assert_eq!((&found["dtype"], &found["at_max"]), (&"uint8".into(), &0.into()));
    }
}

#[test]
fn an_exact_scale_against_rationals() {
    let (folder, mut random) = (Folder::new(), Random(11));
    let values: Vec<i32> = (0..3000).map(|_| random.next() as i32 >> 12).collect();
    ints(&folder, "c.npy", &[3000], &values);
    report(&folder, "--policy exact-ties-even --scale 0.375 --to int32");
    let half = Ratio::new(1i64, 2);
    for (x, found) in values.iter().zip(outputs(&folder).1) {
        let exact = Ratio::new(i64::from(*x) * 3, 8);
        let distance = exact - found;
        assert!(distance <= half && distance >= -half, "{x}: {found}");
        assert!(distance != half && distance != -half || found % 2 == 0, "{x}: {found}");
    }
}

/// Through float64 this decimal would be a tie, and go to 1.
#[test]
fn decimals_are_rounded_once() {
    let folder = folder();
    let text = "1.000000059604644775390625000000000000000000000001";
    let found = report(&folder, &format!("--policy onnx --scale {text} --to int8"));
    // The shortest decimal of 1 + 2^-23.
    assert_eq!(found["scale"], serde_json::json!([1.0000001]));
}

#[test]
fn a_product_requantized_is_the_requantized_product() {
    let (folder, mut random) = (Folder::new(), Random(12));
    let mut bytes = |count: usize| (0..count).map(|_| random.next() as u8).collect::<Vec<_>>();
    folder.npy("a.npy", "|u1", false, &[6, 40], &bytes(240));
    folder.npy("b.npy", "|i1", false, &[40, 5], &bytes(200));
    ints(&folder, "m.npy", &[5], &[1 << 30, 3 << 29, 1 << 29, i32::MAX, 1_300_000_000]);
    ints(&folder, "s.npy", &[5], &[-8, -9, -7, -10, -8]);
    ints(&folder, "z.npy", &[5], &[500, -1000, 0, 77, 1]);
    let done = |line: &str| {
        let run = folder.fewbit(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{line}");
        run.out
    };
    let acc = "matmul a.npy b.npy --acc int16-sat/8,int32-wrap";
    done(&format!("{acc} --out c.npy"));
    report(
        &folder,
        "--policy cmsis --multiplier m.npy --shift s.npy --bias z.npy --zero-point -3 --to int8",
    );
    let apart = outputs(&folder);
    let tail = "--requantize cmsis --requantize-to int8 --requantize-multiplier m.npy --requantize-shift s.npy \
                --requantize-bias z.npy --requantize-zero-point -3";
    let json = done(&format!("{acc} --out y.npy {tail} --json --report r.json"));
    assert_eq!(outputs(&folder), apart);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["requantized"]["policy"], "cmsis");
    assert_eq!(json["stages"].as_array().map(Vec::len), Some(2));
    let text = done(&format!("{acc} --out y.npy {tail}"));
    assert!(text.contains("to int8 by cmsis: "), "{text}");
}
