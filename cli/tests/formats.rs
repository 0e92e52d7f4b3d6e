//! `fewbit formats --diff`.

mod common;

use common::Folder;
use serde_json::Value;

fn diff(a: &str, b: &str) -> (Option<i32>, Value) {
    let run = Folder::new().fewbit(&["formats", "--diff", a, b, "--json"]);
    (run.code, serde_json::from_str(&run.out).expect("JSON"))
}

#[test]
fn two_names_of_one_format_are_the_same() {
    let (code, d) = diff("float8_e4m3fn", "e4m3fn");
    assert_eq!((code, &d["same"]), (Some(0), &true.into()));
    assert_eq!(d["properties"], Value::Array(vec![]));
    assert_eq!(d["values"]["only_in_a"]["count"], 0);
    assert_eq!(d["codes"]["count"], 0);
}

/// e4m3fn reaches 448 and has 2^-9; the FNUZ format has the bias 8, so it reaches 240 and has 2^-10.
#[test]
fn values_of_one_side_are_counted_by_hand() {
    let (code, d) = diff("e4m3fn", "e4m3fnuz");
    assert_eq!((code, &d["same"]), (Some(1), &false.into()));
    // 256 to 448 in steps of 32 on one side; on the other the odd multiples of 2^-10 below 2^-6: subnormals
    // 1, 3, 5, 7 and, in the first binade of 2^-7, 9, 11, 13, 15. Each with both signs.
    assert_eq!(d["values"]["only_in_a"]["count"], 14);
    assert_eq!(
        d["values"]["only_in_a"]["greatest"],
        serde_json::json!([416.0, -416.0, 448.0, -448.0])
    );
    assert_eq!(d["values"]["only_in_b"]["count"], 16);
    // 253 finite values of e4m3fn, zeros counted once.
    assert_eq!(d["values"]["in_both"], 253 - 14);
    // Code 0 alone stands for the same: every other value is halved, and 0x80 is -0 in one and NaN in the other.
    assert_eq!(d["codes"]["count"], 255);
    assert_eq!(
        d["properties"],
        serde_json::json!([
            "bias",
            "largest",
            "smallest",
            "smallest normal",
            "smallest positive",
            "NaN"
        ])
    );
}

#[test]
fn formats_of_other_widths_compare_values_alone() {
    let (code, d) = diff("e2m1fn", "int4");
    assert_eq!(code, Some(1));
    // 0 is 0 in both, and 0b1101 is -3 in both.
    assert_eq!(d["codes"]["count"], 14);
    let (_, d) = diff("e2m1fn", "int8");
    assert_eq!(d["codes"], Value::Null);
    assert_eq!(d["values"]["in_both"], 11); // 0, 1, 2, 3, 4, 6 and their negatives
    let (code, d) = diff("f32", "bf16");
    assert_eq!((code, &d["values"]), (Some(1), &Value::Null));
}

#[test]
fn bad_arguments_are_refused() {
    for args in [&["formats", "--diff", "e4m3fn"][..], &["formats", "--diff", "e4m3fn", "e9"]] {
        let run = Folder::new().fewbit(args);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{args:?}");
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    }
}
