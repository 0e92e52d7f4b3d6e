//! Stimuli are what their class says.

use num_rational::BigRational;

use super::arithmetic::{E4M3FN, value};
use super::common::Folder;
use super::csv::{Csv, vectors};

/// The rows of a class.
fn of<'a>(csv: &'a Csv, class: &'a str) -> impl Iterator<Item = usize> + 'a {
    (0..csv.rows.len()).filter(move |&row| csv.class(row) == class)
}

fn rational(n: i64, d: i64) -> BigRational {
    BigRational::new(n.into(), d.into())
}

/// The exact result, where all operands are numbers.
fn exact(csv: &Csv, op: &str, row: usize) -> Option<BigRational> {
    let of = |name: &str| value(csv.code(row, name));
    Some(match op {
        "add" => of("a")? + of("b")?,
        "sub" => of("a")? - of("b")?,
        "mul" => of("a")? * of("b")?,
        _ => of("a")? * of("b")? + of("c")?,
    })
}

#[test]
fn ties_lie_half_way_between_two_values() {
    for op in ["add", "sub", "mul", "fma"] {
        let csv = vectors(&format!("--op {op} --format e4m3fn --style edges --count 300"));
        let mut ties = 0;
        for row in of(&csv, "ties") {
            let exact = exact(&csv, op, row).expect("numbers");
            let size = if exact < rational(0, 1) { -exact } else { exact };
            let middle = |m: u32| (E4M3FN.magnitude(m) + E4M3FN.magnitude(m + 1)) / rational(2, 1);
            assert!((0..0x7e).any(|m| middle(m) == size), "{op} row {row}: {size}");
            ties += 1;
        }
        assert!(ties >= 20, "{op}: {ties}");
    }
}

#[test]
fn single_precision_has_ties_too() {
    for op in ["add", "sub", "mul", "fma"] {
        let csv = vectors(&format!("--op {op} --format f32 --style edges --count 240"));
        let ties = of(&csv, "ties").count();
        assert!(ties >= 10, "{op}: {ties}");
        // A tie is inexact, and beyond half a unit there is nothing.
        assert!(of(&csv, "ties").all(|row| csv.word(row, "flags") & 1 == 1), "{op}");
    }
}

#[test]
fn results_are_near_the_thresholds_that_they_are_named_after() {
    let largest = rational(448, 1);
    for op in ["add", "mul", "fma"] {
        let csv = vectors(&format!("--op {op} --format e4m3fn --style edges --count 400"));
        let (mut beyond, mut within) = (0, 0);
        for row in of(&csv, "overflow") {
            let exact = exact(&csv, op, row).expect("numbers");
            let size = if exact < rational(0, 1) { -exact } else { exact };
            assert!(size >= &largest / rational(2, 1) && size <= &largest * rational(4, 1));
            if csv.word(row, "flags") & 4 == 4 { beyond += 1 } else { within += 1 }
        }
        assert!(beyond > 5 && within > 5, "{op}: {beyond} overflow, {within} do not");
        for row in of(&csv, "cancellation") {
            let exact = exact(&csv, op, row).expect("numbers");
            let last = if op == "fma" { "c" } else { "b" };
            let term = value(csv.code(row, last)).expect("a number");
            assert!(&exact * &exact * rational(16, 1) <= &term * &term, "{op} row {row}");
        }
        let special = |code: u32| value(code).is_none_or(|value| value == rational(0, 1));
        for row in of(&csv, "specials") {
            assert!(["a", "b"].iter().any(|name| special(csv.code(row, name))) || op == "fma");
        }
    }
}

#[test]
fn a_witness_reaches_the_worst_case_of_its_weights() {
    let csv =
        vectors("--op dot --a uint8 --b int4 --acc int24-sat --k 16 --style edges --count 120");
    let mut reached = 0;
    for row in of(&csv, "witness") {
        let b: Vec<i64> = (0..16).map(|k| csv.signed(row, &format!("b[{k}]"), 4)).collect();
        let found = csv.signed(row, "result", 24);
        let upper: i64 = b.iter().filter(|&&w| w > 0).map(|w| w * 255).sum();
        let lower: i64 = b.iter().filter(|&&w| w < 0).map(|w| w * 255).sum();
        assert!([upper, lower].contains(&found), "row {row}: {found} of {lower} to {upper}");
        reached += 1;
    }
    assert!(reached >= 10, "{reached}");
}

#[test]
fn sums_come_to_the_end_of_a_register_and_short_ones_are_no_whole_tiles() {
    let csv = vectors(
        "--op dot --a int8 --b int8 --acc int12-sat/8,int16-sat --k 24 --style edges --count 240",
    );
    let (mut events, mut none) = (0, 0);
    for row in of(&csv, "overflow") {
        if csv.word(row, "events") > 0 {
            events += 1
        } else {
            none += 1
        }
        assert_eq!(csv.word(row, "length"), 24);
    }
    assert!(events >= 3 && none >= 3, "{events} overflow, {none} do not");
    let lengths: Vec<u64> = of(&csv, "short").map(|row| csv.word(row, "length")).collect();
    assert!(lengths.iter().all(|&length| length < 24 && length % 8 != 0), "{lengths:?}");
    assert!([7, 9].iter().all(|length| lengths.contains(length)), "{lengths:?}");
    for row in of(&csv, "alternating") {
        let product = |k: usize| {
            let of = |name: &str| csv.signed(row, &format!("{name}[{k}]"), 8);
            of("a") * of("b")
        };
        assert!((0..23).all(|k| product(k) == 16384 && product(k + 1) == -16256
            || product(k) == -16256 && product(k + 1) == 16384));
    }
}

#[test]
fn what_formats_cannot_have_is_counted() {
    let folder = Folder::in_memory();
    let run = |args: &str| {
        let line = format!("vectors {args} --as csv --to out");
        let run = folder.fewbit(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(run.code, Some(0), "{line}: {}", run.err);
        run.out
    };
    // Integers are sums of integers: no ties, nothing subnormal.
    let told = run("--op add --format int8 --style edges --count 30");
    assert!(
        told.contains("of ties: these formats have none") && told.contains("of subnormals:"),
        "{told}"
    );
    // 0/0 has no result in an integer format under this policy.
    let told = run("--op div --format int4 --style exhaustive");
    assert!(told.contains("left out: 1 of exhaustive: NaN has no counterpart in int4"), "{told}");
    assert!(told.contains("| exhaustive | 255  |"), "{told}");
}
