//! A datapath held against the reference: a multiply-accumulate unit, an FP8 adder and a requantizer, written as somebody
//! would write them who models hardware, and an adder that truncates where it should round.
//!
//!     cargo run --release -p fewbit --example datapath --features proptest
//!
//! The first three agree on every case. The fourth does not: its shortest case is printed.

use std::fmt::Debug;
use std::process::ExitCode;

use fewbit::formats::types::strategies::{boundaries_of, codes_of};
use fewbit::formats::{Arithmetic, Format, Overflow, Policy, Rounding};
use fewbit::requantize::{Requantization, ScaleParameters};
use fewbit::{Accumulator, strategies};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestError, TestRunner};

/// A register of 16 bits that saturates after every product.
pub(crate) fn mac(left: &[i64], right: &[i64]) -> i64 {
    let step = |sum: i64, (a, b): (&i64, &i64)| (sum + a * b).clamp(-32768, 32767);
    left.iter().zip(right).fold(0, step)
}

/// What an adder does with the bits that the result has no place for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LowBits {
    /// Rounded to the nearest, ties to even.
    Rounded,
    /// Cut off.
    CutOff,
}

/// A value of e4m3fn in units of 2^-9, its smallest.
fn units(code: u32) -> i32 {
    let (exponent, fraction) = (code >> 3 & 15, (code & 7) as i32);
    let magnitude = if exponent == 0 { fraction } else { (8 | fraction) << (exponent - 1) };
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

/// An adder of two finite e4m3fn codes that saturates.
pub(crate) fn fp8_add(a: u32, b: u32, low_bits: LowBits) -> u32 {
    let sum = units(a) + units(b);
    let negative = if sum == 0 { a & b & 0x80 != 0 } else { sum < 0 };
    let magnitude = sum.unsigned_abs();
    // Four significant bits fit.
    let mut shift = (32 - magnitude.leading_zeros()).saturating_sub(4);
    let mut kept = magnitude >> shift;
    if let LowBits::Rounded = low_bits {
        let lost = magnitude & ((1 << shift) - 1);
        let half = (1 << shift) >> 1;
        if shift > 0 && (lost > half || lost == half && kept & 1 == 1) {
            kept += 1;
        }
    }
    if kept == 16 {
        (kept, shift) = (8, shift + 1);
    }
    // Below 8 units codes are subnormal, and count units.
    let code = if kept < 8 { kept } else { ((shift + 1) << 3 | (kept & 7)).min(0x7e) };
    u32::from(negative) << 7 | code
}

/// TOSA's `apply_scale_32` with a single rounding, to int8.
pub(crate) fn requantize(value: i64, multiplier: i64, shift: u32) -> i64 {
    ((value * multiplier + (1 << (shift - 1))) >> shift).clamp(-128, 127)
}

/// Two finite codes of e4m3fn, often at the ends of the format.
fn pairs() -> impl Strategy<Value = (u32, u32)> {
    let code = || prop_oneof![codes_of(Format::E4M3FN), boundaries_of(Format::E4M3FN)];
    let finite = |code: &u32| Format::E4M3FN.decode(*code).is_finite();
    (code().prop_filter("finite", finite), code().prop_filter("finite", finite))
}

/// The adder beside the reference's.
fn hold_adder((a, b): (u32, u32), low_bits: LowBits) -> TestCaseResult {
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let [left, right] = [a, b].map(|code| Format::E4M3FN.decode_real(code));
    let expected = Arithmetic::new(Format::E4M3FN, policy).add(left, right, 0);
    strategies::hold_code(Format::E4M3FN, &[a, b], expected, fp8_add(a, b, low_bits))
}

/// Draws cases until one fails, and shrinks it.
pub(crate) fn find<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> TestCaseResult,
) -> Result<(), String>
where
    S::Value: Debug,
{
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config).run(strategy, test).map_err(|error| match error {
        TestError::Fail(reason, case) => format!("{reason}\nshortest case: {case:?}"),
        TestError::Abort(reason) => reason.to_string(),
    })
}

/// The multiply-accumulate unit.
pub(crate) fn check_mac(cases: u32) -> Result<(), String> {
    let acc: Accumulator = "int16-sat".parse().map_err(|error| format!("{error}"))?;
    let operands = strategies::integer_operands(-128..=127, -8..=7, 0..=300);
    find(cases, &operands, |(left, right)| {
        strategies::hold_dot(&acc, &left, &right, mac(&left, &right))
    })
}

/// An adder.
pub(crate) fn check_adder(cases: u32, low_bits: LowBits) -> Result<(), String> {
    find(cases, &pairs(), |pair| hold_adder(pair, low_bits))
}

/// The requantizer, over values, multipliers and shifts that TOSA allows.
pub(crate) fn check_requantizer(cases: u32) -> Result<(), String> {
    let Format::Int(int8) = Format::INT8 else { return Err("int8 is an integer format".into()) };
    let policy = "tosa32".parse().map_err(|error| format!("{error}"))?;
    let numbers = (1i32..=i32::MAX, 2u32..=62, any::<i32>());
    let numbers = numbers.prop_filter("a value that TOSA's shift allows", |&(_, shift, value)| {
        shift > 32 || (-(1i64 << (shift - 1))..1 << (shift - 1)).contains(&value.into())
    });
    find(cases, &numbers, |(multiplier, shift, value)| {
        let scale = ScaleParameters::multiplier_shift(multiplier, shift as i32);
        let job = Requantization::new(policy, scale, int8);
        let job = job.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let found = requantize(value.into(), multiplier.into(), shift);
        strategies::hold_requantized(&job, 0, value.into(), found)
    })
}

fn main() -> ExitCode {
    const CASES: u32 = 10_000;
    let right = [
        ("the multiply-accumulate unit", check_mac(CASES / 10)),
        ("the adder", check_adder(CASES, LowBits::Rounded)),
        ("the requantizer", check_requantizer(CASES)),
    ];
    for (name, found) in &right {
        match found {
            Ok(()) => println!("{name} agrees on every case"),
            Err(failure) => println!("{name} does not agree: {failure}"),
        }
    }
    let wrong = check_adder(CASES, LowBits::CutOff);
    match &wrong {
        Ok(()) => println!("the adder that truncates was not caught"),
        Err(failure) => println!("the adder that truncates is caught: {failure}"),
    }
    match right.iter().all(|(_, found)| found.is_ok()) && wrong.is_err() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
