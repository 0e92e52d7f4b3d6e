//! `fewbit bounds` against every input there is, and its witnesses through `fewbit matmul`.

mod common;

use common::Folder;
use fewbit_testkit::accumulate::{Matrix, Pattern, Range};
use serde_json::Value;

/// The least and greatest of all prefix sums of `row` over all inputs of `range`, found by trying them all.
fn worst_case(row: &[i64], range: &[i64]) -> (i64, i64) {
    let inputs = range.len().pow(row.len() as u32);
    let (mut least, mut greatest) = (0, 0);
    for mut number in 0..inputs {
        let mut sum = 0;
        for w in row {
            sum += w * range[number % range.len()];
            number /= range.len();
            (least, greatest) = (least.min(sum), greatest.max(sum));
        }
    }
    (least, greatest)
}

fn bits(value: i64) -> u64 {
    (1..).find(|&bits| (-(1i64 << (bits - 1))..1i64 << (bits - 1)).contains(&value)).unwrap_or(64)
}

#[test]
fn widths_are_those_of_the_worst_of_all_inputs() {
    let formats: [(&str, Vec<i64>); 4] = [
        ("uint2", (0..4).collect()),
        ("int2", (-2..2).collect()),
        ("int3n", (-3..4).collect()),
        ("ternary", vec![-1, 0, 1]),
    ];
    for (format, inputs) in formats {
        let folder = Folder::new();
        let weights = Matrix::left(6, 5, Range::signed(4), Pattern::Uniform, 7);
        folder.matrix("w.npy", "|i1", &weights);
        let run = folder.fewbit(&["bounds", "w.npy", "--input", format, "--json"]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let report: Value = serde_json::from_str(&run.out).expect("JSON");
        for (index, row) in weights.data.chunks(5).enumerate() {
            let (least, greatest) = worst_case(row, &inputs);
            let found = &report["rows"][index];
            assert_eq!(found["stages"][0]["min"], least, "{format} {row:?}");
            assert_eq!(found["stages"][0]["max"], greatest, "{format} {row:?}");
            assert_eq!(found["required_bits"], bits(least).max(bits(greatest)), "{format} {row:?}");
            assert!(found["stages"][0]["a2q_bits"].as_u64() >= found["required_bits"].as_u64());
        }
    }
}

#[test]
fn witnesses_reach_the_bound_and_one_bit_less_overflows() {
    let folder = Folder::new();
    let weights = Matrix::left(7, 150, Range::signed(4), Pattern::Uniform, 3);
    folder.matrix("w.npy", "|i1", &weights);
    let transposed = (0..150).flat_map(|k| (0..7).map(move |r| (r, k)));
    let data = transposed.map(|(r, k)| weights.at(r, k)).collect();
    folder.matrix("wt.npy", "|i1", &Matrix { rows: 150, cols: 7, data });
    let json = |args: &[&str]| -> Value {
        let run = folder.fewbit(args);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
        serde_json::from_str(&run.out).expect("JSON")
    };
    let bounds = json(&["bounds", "w.npy", "--input", "uint8", "--witness", "x.npy", "--json"]);
    let (descr, shape, witnesses) = folder.array("x.npy");
    assert_eq!((descr.as_str(), shape), ("|u1", vec![7, 150]));
    for row in 0..7 {
        let required = bounds["rows"][row]["required_bits"].as_u64().expect("bits");
        folder.npy("x1.npy", "|u1", false, &[1, 150], &witnesses[150 * row..][..150]);
        for (bits, overflows) in [(required, false), (required - 1, true)] {
            let acc = format!("int{bits}-sat");
            let product =
                json(&["matmul", "x1.npy", "wt.npy", "--acc", &acc, "--out", "c.npy", "--json"]);
            let histogram = product["stages"][0]["histogram"].as_object().expect("a map");
            assert!(histogram.contains_key(&required.to_string()), "{histogram:?}");
            let (_, values) = folder.int64("c.npy");
            let ends = [-(1 << (bits - 1)), (1 << (bits - 1)) - 1];
            assert_eq!(ends.contains(&values[row]) && overflows, overflows, "row {row}, {acc}");
        }
    }
}

#[test]
fn an_accumulator_is_judged_stage_by_stage() {
    let folder = Folder::new();
    folder.npy("w.npy", "|i1", false, &[2, 4], &[1, 1, 1, 1, 100, 0xff, 1, 1]);
    let args = ["bounds", "w.npy", "--input", "uint8", "--acc", "int10-sat/2,int12-sat", "--json"];
    let run = folder.fewbit(&args);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    let fits = |row: usize, stage: usize| report["rows"][row]["stages"][stage]["fits"].clone();
    assert_eq!([fits(0, 0), fits(0, 1), fits(1, 0), fits(1, 1)], [true, true, false, false]);
    assert_eq!(report["guaranteed_rows"], 1);
    // 100 * 255 = 25500 needs 16 bits, and so does 25500 + 255 + 255.
    assert_eq!(report["narrowest"], "int16-sat/2,int16-sat");
}

/// The least and greatest of all values that a register takes from `start`, over all inputs of one range per place.
fn worst_case_from(start: i64, row: &[i64], ranges: &[(i64, i64)]) -> (i64, i64) {
    let mut sums = vec![(start, start, start)];
    for (w, &(low, high)) in row.iter().zip(ranges) {
        sums = sums
            .iter()
            .flat_map(|&(sum, least, greatest)| {
                (low..=high).map(move |x| {
                    let sum = sum + w * x;
                    (sum, least.min(sum), greatest.max(sum))
                })
            })
            .collect();
    }
    let least = sums.iter().map(|s| s.1).min().unwrap_or(start);
    (least, sums.iter().map(|s| s.2).max().unwrap_or(start))
}

#[test]
fn ranges_and_biases_are_those_given() {
    let folder = Folder::new();
    let rows = [[3i64, -2, 1], [-4, 0, 5], [7, 7, -8]];
    let data = rows.concat();
    folder.matrix("w.npy", "|i1", &Matrix { rows: 3, cols: 3, data });
    let ranges = [(-3, 2), (1, 4), (0, 0)];
    let data = ranges.iter().flat_map(|&(l, h)| [l, h]).collect();
    folder.matrix("r.npy", "<i2", &Matrix { rows: 3, cols: 2, data });
    let biases = [100i64, -7, 0];
    folder.npy("b.npy", "<i8", false, &[3], &biases.map(i64::to_le_bytes).concat());
    let json = |args: &[&str]| -> Value {
        let run = folder.fewbit(args);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
        serde_json::from_str(&run.out).expect("JSON")
    };
    for (range, ends) in [("r.npy", ranges), ("-3,2", [(-3, 2); 3])] {
        let args = ["bounds", "w.npy", "--input-range", range, "--json", "--witness", "x.npy"];
        let (plain, bias) = (json(&args), [&args[..], &["--bias", "b.npy"]].concat());
        let first = json(&bias);
        let last = json(&[&bias[..], &["--bias-at", "last"]].concat());
        assert_eq!(plain["input"], if range == "r.npy" { "per-channel" } else { "[-3, 2]" });
        assert_eq!([&plain["bias"], &first["bias"], &last["bias"]], ["none", "first", "last"]);
        let range = |report: &Value, row: usize| {
            let stage = &report["rows"][row]["stages"][0];
            (stage["min"].as_i64().expect("min"), stage["max"].as_i64().expect("max"))
        };
        for (index, (row, bias)) in rows.iter().zip(biases).enumerate() {
            assert_eq!(range(&plain, index), worst_case_from(0, row, &ends));
            assert_eq!(range(&first, index), worst_case_from(bias, row, &ends));
            let one = [&row[..], &[1]].concat();
            let with_step = [&ends[..], &[(bias, bias)]].concat();
            assert_eq!(range(&last, index), worst_case_from(0, &one, &with_step));
        }
        assert_eq!(folder.array("x.npy").0, "|i1");
    }
    let text = folder.fewbit(&["bounds", "w.npy", "--input-range", "-3,2", "--bias", "b.npy"]);
    assert!(text.out.contains("[-3, 2] inputs, registers that start from a bias"), "{}", text.out);
}

#[test]
fn ranges_and_biases_that_do_not_fit_are_named() {
    let folder = Folder::new();
    folder.npy("w.npy", "|i1", false, &[2, 3], &[1; 6]);
    folder.npy("r.npy", "|i1", false, &[2, 2], &[0; 4]);
    folder.npy("wide.npy", "|i1", false, &[3, 3], &[0; 9]);
    folder.npy("down.npy", "|i1", false, &[3, 2], &[0, 1, 5, 4, 0, 1]);
    for (args, message) in [
        (&["--input-range", "4"][..], "a range has two ends, as 4,4"),
        (&["--input-range", "1,x"], "expected two integers"),
        (&["--input-range", "3,-3"], "[3, -3]: its low end must not exceed its high end"),
        (&["--input-range", "r.npy"], "2 input ranges do not fit weights of 3 input channels"),
        (&["--input-range", "wide.npy"], "has shape [3, 3]; a low and a high end"),
        (&["--input-range", "down.npy"], "input range of channel 1 is [5, 4]"),
        (&["--input-range", "none.npy"], "cannot read none.npy"),
        (&["--input-range", "0,1", "--bias", "w.npy"], "has shape [2, 3]; one axis is needed"),
        (&["--input-range", "0,1", "--bias-at", "last"], "--bias <B.npy>"),
        (&["--input", "uint8", "--input-range", "0,1"], "cannot be used with"),
        (&[], "--input <FORMAT>"),
    ] {
        let run = folder.fewbit(&[&["bounds", "w.npy", "--witness", "x.npy"], args].concat());
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(run.err.contains(message), "{args:?}: {}", run.err);
        assert!(!folder.file("x.npy").exists());
    }
    folder.npy("b.npy", "|i1", false, &[3], &[1; 3]);
    let run = folder.fewbit(&["bounds", "w.npy", "--input", "uint8", "--bias", "b.npy"]);
    assert_eq!(run.err.trim(), "error: 3 biases do not fit weights of 2 output rows");
}
