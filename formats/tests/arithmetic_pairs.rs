//! Every pair of codes of every format of at most 8 bits, added, subtracted, multiplied and divided: codes and flags are
//! those of exact rationals.

mod common;

use common::arithmetic::{Value, narrow_formats, target, value};
use common::{answer, modes, random_bits};
use fewbit_formats::{Arithmetic, EncodeError, Encoded, Format, Overflow, Policy, Real, Rounding};
use fewbit_testkit::arithmetic::{Line, Operand, Operation, Outcome, operate};
use fewbit_testkit::rounding::{self as oracle, Answer, Mode, power_of_two};

/// The operation under test.
fn run(
    arithmetic: &Arithmetic,
    op: Operation,
    a: Real,
    b: Real,
    random: u32,
) -> Result<Encoded, EncodeError> {
    match op {
        Operation::Add => arithmetic.add(a, b, random),
        Operation::Sub => arithmetic.sub(a, b, random),
        Operation::Mul => arithmetic.mul(a, b, random),
        Operation::Div => arithmetic.div(a, b, random),
    }
}

/// A format's codes as operands of a line, and as reals.
fn operands(format: Format, line: &Line) -> Vec<(Operand, Real)> {
    let target = target(format);
    let operand = |code| match value(format, &target, code) {
        Value::Finite(x) => line.operand(&x),
        Value::Special(special) => special,
    };
    (0..format.code_count() as u32).map(|code| (operand(code), format.decode_real(code))).collect()
}

/// A result that is not the oracle's.
#[derive(Debug, PartialEq)]
#[allow(dead_code, reason = "the fields are there to be printed")]
struct Difference {
    op: Operation,
    codes: (usize, usize),
    expected: Option<Answer>,
    found: Option<Answer>,
}

/// The first pair whose result is not the oracle's.
fn first_difference(format: Format, line: &Line, arithmetic: &Arithmetic) -> Option<Difference> {
    let operands = operands(format, line);
    for (i, (a, x)) in operands.iter().enumerate() {
        for (j, (b, y)) in operands.iter().enumerate() {
            for op in Operation::ALL {
                let expected = line.answer(op, a, b);
                let found = run(arithmetic, op, *x, *y, 0).ok().map(answer);
                if expected != found {
                    return Some(Difference { op, codes: (i, j), expected, found });
                }
            }
        }
    }
    None
}

fn check(
    format: Format,
    (rounding, mode): (Rounding, Mode),
    overflow: (Overflow, oracle::Overflow),
) {
    let line = Line::new(target(format), mode, overflow.1);
    let arithmetic = Arithmetic::new(format, Policy::new(rounding, overflow.0));
    let difference = first_difference(format, &line, &arithmetic);
    assert_eq!(difference, None, "{format} {rounding} {}", overflow.0);
}

const SPECIAL: (Overflow, oracle::Overflow) = (Overflow::Special, oracle::Overflow::Special);
const IEEE: (Overflow, oracle::Overflow) = (Overflow::Ieee, oracle::Overflow::Ieee);
const SATURATE: (Overflow, oracle::Overflow) = (Overflow::Saturate, oracle::Overflow::Saturate);

#[test]
fn every_pair_to_nearest_even() {
    for format in narrow_formats() {
        check(format, (Rounding::TiesEven, Mode::TiesEven), SPECIAL);
    }
}

#[test]
fn every_pair_downward() {
    for format in narrow_formats() {
        check(format, (Rounding::Down, Mode::Down), IEEE);
    }
}

/// All modes in the formats of at most 6 bits.
#[test]
fn every_pair_of_small_formats_in_every_mode() {
    for format in narrow_formats().into_iter().filter(|format| format.bits() <= 6) {
        for mode in modes().into_iter().filter(|(_, mode)| !mode.is_stochastic()) {
            check(format, mode, SATURATE);
        }
    }
}

/// Stochastic modes: sampled pairs, the exact rational encoded by the oracle of conversions.
#[test]
fn sampled_pairs_in_stochastic_modes() {
    let stochastic: Vec<_> = modes().into_iter().filter(|(_, mode)| mode.is_stochastic()).collect();
    for format in narrow_formats() {
        let to = target(format);
        let line = Line::new(to.clone(), Mode::TiesEven, SPECIAL.1);
        let operands = operands(format, &line);
        for i in 0..400u32 {
            let pick = |n: u32| (i * 7 + n).wrapping_mul(0x9e37_79b9) >> 7;
            let (a, x) = &operands[pick(1) as usize % operands.len()];
            let (b, y) = &operands[pick(2) as usize % operands.len()];
            let op = Operation::ALL[i as usize % 4];
            let (rounding, mode) = stochastic[pick(3) as usize % stochastic.len()];
            let random = random_bits(i);
            let policy = Policy::new(rounding, Overflow::Special);
            let found = run(&Arithmetic::new(format, policy), op, *x, *y, random).ok().map(answer);
            let outcome = operate(op, a, b, false);
            if matches!(outcome, Outcome::Special(..)) {
                continue;
            }
            // Back from units.
            let unit = power_of_two(-(line.scale() as i32));
            let exact = match op {
                Operation::Add | Operation::Sub => outcome.rational() * unit,
                Operation::Mul => outcome.rational() * &unit * &unit,
                Operation::Div => outcome.rational(),
            };
            let expected = to.encode(&exact, mode, SPECIAL.1, random);
            assert_eq!(found, Some(expected), "{format} {a:?} {op:?} {b:?} {rounding} {random:#x}");
        }
    }
}

/// The test sees a wrong answer: rounding toward zero is not rounding to the nearest, nor are one format's results
/// another's.
#[test]
fn the_oracle_objects() {
    for format in narrow_formats() {
        let line = Line::new(target(format), Mode::TiesEven, SPECIAL.1);
        let wrong = Policy::new(Rounding::TowardZero, Overflow::Special);
        assert!(first_difference(format, &line, &Arithmetic::new(format, wrong)).is_some());
        let wrong = Policy::new(Rounding::TiesAway, Overflow::Special);
        assert!(first_difference(format, &line, &Arithmetic::new(format, wrong)).is_some());
    }
    let line = Line::new(target(Format::E5M2), Mode::TiesEven, SPECIAL.1);
    let wrong = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let arithmetic = Arithmetic::new(Format::E5M2, wrong);
    assert!(first_difference(Format::E5M2, &line, &arithmetic).is_some());
}
