//! Operations on codes and conversions, against exact rationals.

use fewbit_testkit::arithmetic::{Line, Operand, Operation, Target};
use fewbit_testkit::rounding::{
    FloatOracle, FloatSpec, Mode, NanCodes, Overflow, exact, power_of_two,
};
use num_rational::BigRational;

use super::csv::{Csv, vectors};

/// OCP's E4M3.
pub(crate) const E4M3FN: FloatSpec = FloatSpec {
    exponent_bits: 4,
    fraction_bits: 3,
    bias: 7,
    signed: true,
    nan: NanCodes::TopMagnitude,
    infinity: false,
    zero: true,
};

/// The value of a code; `None` for NaN.
pub(crate) fn value(code: u32) -> Option<BigRational> {
    let (negative, magnitude) = (code & 0x80 != 0, code & 0x7f);
    let size = (magnitude != 0x7f).then(|| E4M3FN.magnitude(magnitude))?;
    Some(if negative { -size } else { size })
}

fn operand(line: &Line, code: u32) -> Operand {
    let negative = code & 0x80 != 0;
    match value(code) {
        None => Operand::Nan { negative, signaling: false },
        Some(_) if code & 0x7f == 0 => Operand::Zero { negative },
        Some(value) => line.operand(&value),
    }
}

/// Rows whose result or flags are not the oracle's.
fn different(csv: &Csv, op: Operation, mode: Mode) -> usize {
    let line = Line::new(Target::Float(E4M3FN.oracle()), mode, Overflow::Special);
    let differs = |&row: &usize| {
        let [a, b] = ["a", "b"].map(|name| operand(&line, csv.code(row, name)));
        let answer = line.answer(op, &a, &b).expect("the format has NaN");
        (answer.code, u32::from(answer.flags)) != (csv.code(row, "result"), csv.code(row, "flags"))
    };
    (0..csv.rows.len()).filter(differs).count()
}

#[test]
fn all_pairs_are_those_of_exact_rationals() {
    for (name, op) in [
        ("add", Operation::Add),
        ("sub", Operation::Sub),
        ("mul", Operation::Mul),
        ("div", Operation::Div),
    ] {
        let csv =
            vectors(&format!("--op {name} --format e4m3fn --overflow special --style exhaustive"));
        assert_eq!(csv.rows.len(), 1 << 16);
        assert_eq!(different(&csv, op, Mode::TiesEven), 0, "{name}");
        assert!(different(&csv, op, Mode::TowardZero) > 100, "{name}: the oracle objects");
    }
}

#[test]
fn drawn_pairs_are_those_of_exact_rationals() {
    for (round, mode) in [("down", Mode::Down), ("ties-away", Mode::TiesAway), ("odd", Mode::Odd)] {
        for style in ["edges", "random", "mixed"] {
            let args = format!(
                "--op mul --format e4m3fn --overflow special --round {round} --style {style} --count 300 --seed 5"
            );
            let csv = vectors(&args);
            assert_eq!((csv.rows.len(), different(&csv, Operation::Mul, mode)), (300, 0), "{args}");
        }
    }
}

/// The oracle's code and flags of a finite number other than zero.
fn encoded(oracle: &FloatOracle, x: &BigRational, random: u32, mode: Mode) -> (u32, u32) {
    let answer = oracle.encode(&oracle.place(x), mode, Overflow::Saturate, random);
    (answer.code, answer.flags.into())
}

#[test]
fn fused_sums_are_rounded_once() {
    let csv = vectors("--op fma --format e4m3fn --style mixed --count 1000 --seed 2");
    let (oracle, zero) = (E4M3FN.oracle(), BigRational::from_integer(0.into()));
    let mut compared = 0;
    for row in 0..csv.rows.len() {
        let [a, b, c] = ["a", "b", "c"].map(|name| value(csv.code(row, name)));
        let (Some(a), Some(b), Some(c)) = (a, b, c) else { continue };
        let exact = a * b + c;
        if exact != zero {
            let found = (csv.code(row, "result"), csv.code(row, "flags"));
            assert_eq!(found, encoded(&oracle, &exact, 0, Mode::TiesEven), "row {row}");
            compared += 1;
        }
    }
    assert!(compared > 700, "{compared}");
}

#[test]
fn roots_lie_between_the_squares_of_their_bounds() {
    let csv = vectors("--op sqrt --format e4m3fn --style exhaustive");
    let mut compared = 0;
    for row in 0..csv.rows.len() {
        let (code, root) = (csv.code(row, "a"), csv.code(row, "result"));
        if code & 0x80 != 0 || code == 0x7f || code == 0 {
            continue;
        }
        let half = BigRational::new(1.into(), 2.into());
        let middle = |low: u32| (E4M3FN.magnitude(low) + E4M3FN.magnitude(low + 1)) * &half;
        let square = value(code).expect("a number");
        assert!(&middle(root) * &middle(root) >= square, "{code:#x}");
        assert!(&middle(root - 1) * &middle(root - 1) <= square, "{code:#x}");
        compared += 1;
    }
    assert_eq!(compared, 126);
}

#[test]
fn conversions_are_those_of_exact_rationals() {
    let oracle = E4M3FN.oracle();
    for (round, mode) in [("ties-even", Mode::TiesEven), ("stochastic8", Mode::StochasticA(8))] {
        let args = format!(
            "--op cast --format f32 --out-format e4m3fn --round {round} --style mixed --count 2000 --seed 9"
        );
        let csv = vectors(&args);
        let mut compared = 0;
        for row in 0..csv.rows.len() {
            let x = f32::from_bits(csv.code(row, "a"));
            if !x.is_finite() || x == 0.0 {
                continue;
            }
            let random = if mode.is_stochastic() { csv.code(row, "random") } else { 0 };
            let expected = encoded(&oracle, &exact(x.into()), random, mode);
            assert_eq!(
                (csv.code(row, "result"), csv.code(row, "flags")),
                expected,
                "{args}: {x:e}"
            );
            compared += 1;
        }
        assert!(compared > 1500, "{compared}");
    }
    // The smallest positive value is 2^-9.
    assert_eq!(value(1), Some(power_of_two(-9)));
}
