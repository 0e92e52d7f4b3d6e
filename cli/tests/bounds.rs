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
