//! A model's answers held against the reference's.

use std::fmt::Display;

use fewbit_formats::{EncodeError, Encoded, Format, Policy};
use ndarray::ArrayView2;
use proptest::test_runner::{TestCaseError, TestCaseResult};

use crate::accumulate::Accumulator;
use crate::reference::{self, FloatMatmul, FloatOperand, requantize};
use crate::requantize::Requantization;
use crate::trace::Trace;

/// Holds a model's sum of `left[k] * right[k]` through integer stages, from 0 on.
///
/// # Errors
/// Another value than the reference's, with the trace; operands that the reference refuses.
///
/// ```
/// use fewbit::strategies::hold_dot;
/// let acc = "int8-sat".parse()?;
/// assert!(hold_dot(&acc, &[100, 100], &[1, 1], 127).is_ok());
/// let failure = hold_dot(&acc, &[100, 100], &[1, 1], -56).unwrap_err().to_string();
/// assert!(failure.contains("found -56, expected 127") && failure.contains("overflow"));
/// # Ok::<(), fewbit::accumulate::AccumulatorError>(())
/// ```
pub fn hold_dot(
    acc: &Accumulator,
    left: &[i64],
    right: &[i64],
    found: impl Into<i128>,
) -> TestCaseResult {
    let found = found.into();
    let trace = Trace::of_integers(acc, left, right, 0, 0..=u64::MAX).map_err(refused)?;
    let products = left.iter().zip(right).map(|(&a, &b)| i128::from(a) * i128::from(b));
    let (expected, _) = reference::sum_products(acc, products);
    same(&found, &expected, || format!("{} products through {acc}\n{trace}", left.len()))
}

/// Holds a model's sum of products of two formats' values, given as codes, through any stages, from 0 on. Any NaN is any
/// other; zeros have signs.
///
/// # Errors
/// Another value than the reference's, with the trace; operands that the reference refuses.
///
/// ```
/// use fewbit::formats::Format;
/// use fewbit::strategies::hold_dot_codes;
/// let (left, right) = ((Format::E4M3FN, &[0x38, 0x38][..]), (Format::E4M3FN, &[0x7e, 0x38][..]));
/// let acc = "e4m3fn-rne".parse()?;
/// assert!(hold_dot_codes(&acc, left, right, 448.0).is_ok()); // 449 rounds to 448
/// assert!(hold_dot_codes(&acc, left, right, 449.0).is_err());
/// # Ok::<(), fewbit::accumulate::AccumulatorError>(())
/// ```
pub fn hold_dot_codes(
    acc: &Accumulator,
    left: (Format, &[u32]),
    right: (Format, &[u32]),
    found: f64,
) -> TestCaseResult {
    let row = ArrayView2::from_shape((1, left.1.len()), left.1).map_err(refused)?;
    let column = ArrayView2::from_shape((right.1.len(), 1), right.1).map_err(refused)?;
    let a = FloatOperand::from_codes(row, left.0).map_err(refused)?;
    let b = FloatOperand::from_codes(column, right.0).map_err(refused)?;
    let problem = FloatMatmul::new(&a, &b, acc, None, 0).map_err(refused)?;
    let (row, column) = (problem.left(0), problem.column(0));
    let value = problem.output((0, 0), &row, &column, &mut |_| {}).map_err(refused)?;
    let expected = value.to_f64();
    if found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan() {
        return Ok(());
    }
    let trace = Trace::of_output(&problem, (0, 0), 0..=u64::MAX).map_err(refused)?;
    let what = format!("{} products through {acc}", left.1.len());
    Err(TestCaseError::fail(format!("found {found:?}, expected {expected:?}: {what}\n{trace}")))
}

/// Holds the code that a model answers to `operands`, whatever the operation: `expected` is the reference's, as from
/// [`Arithmetic`](fewbit_formats::Arithmetic).
///
/// # Errors
/// Another code; the reference's refusal.
///
/// ```
/// use fewbit::formats::{Arithmetic, Format, Overflow, Policy, Rounding};
/// use fewbit::strategies::hold_code;
/// let adder = Arithmetic::new(Format::E4M3FN, Policy::new(Rounding::TiesEven, Overflow::Saturate));
/// let one = Format::E4M3FN.decode_real(0x38);
/// assert!(hold_code(Format::E4M3FN, &[0x38, 0x38], adder.add(one, one, 0), 0x40).is_ok()); // 1 + 1 = 2
/// let failure = hold_code(Format::E4M3FN, &[0x38, 0x38], adder.add(one, one, 0), 0x3f).unwrap_err();
/// assert!(failure.to_string().contains("found 0x3f (1.875), expected 0x40 (2)"));
/// ```
pub fn hold_code(
    format: Format,
    operands: &[u32],
    expected: Result<Encoded, EncodeError>,
    found: u32,
) -> TestCaseResult {
    let expected = expected.map_err(refused)?.code;
    let shown = |code: u32| format!("{code:#04x} ({})", format.decode(code));
    let list = || operands.iter().map(|&code| shown(code)).collect::<Vec<_>>().join(", ");
    match found == expected {
        true => Ok(()),
        false => Err(TestCaseError::fail(format!(
            "found {}, expected {}: {format} of {}",
            shown(found),
            shown(expected),
            list()
        ))),
    }
}

/// Holds the code that a model gives to `x`.
///
/// # Errors
/// Another code; a value that the policy refuses.
///
/// ```
/// use fewbit::formats::{Format, Overflow, Policy, Rounding};
/// use fewbit::strategies::hold_encoded;
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// assert!(hold_encoded(Format::E2M1FN, &policy, 2.5, 0b0100).is_ok()); // a tie, to 2
/// assert!(hold_encoded(Format::E2M1FN, &policy, 2.5, 0b0101).is_err());
/// ```
pub fn hold_encoded(format: Format, policy: &Policy, x: f64, found: u32) -> TestCaseResult {
    let expected = format.encode(x, policy, 0).map_err(refused)?.code;
    let shown = |code: u32| format!("{code:#04x} ({})", format.decode(code));
    match found == expected {
        true => Ok(()),
        false => Err(TestCaseError::fail(format!(
            "found {}, expected {}: {x:?} in {format}, {}, {}",
            shown(found),
            shown(expected),
            policy.rounding,
            policy.overflow
        ))),
    }
}

/// Holds the output of a model of a requantization of `value`, the `index`-th of its array.
///
/// # Errors
/// Another output; a value that the policy refuses.
///
/// ```
/// use fewbit::formats::Format;
/// use fewbit::requantize::{Requantization, ScaleParameters};
/// use fewbit::strategies::hold_requantized;
/// let Format::Int(int8) = Format::INT8 else { unreachable!() };
/// let job = Requantization::new("tosa32".parse()?, ScaleParameters::multiplier_shift(1 << 30, 33), int8)?;
/// assert!(hold_requantized(&job, 0, 12, 2).is_ok()); // 12 / 8 = 1.5, up
/// assert!(hold_requantized(&job, 0, 12, 1).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn hold_requantized(
    job: &Requantization,
    index: usize,
    value: i64,
    found: i64,
) -> TestCaseResult {
    let expected = requantize::element(job, index, value).map_err(refused)?;
    let what = || format!("{value} by {} to {}, {:?}", job.policy(), job.format(), job.scale());
    same(&found, &expected, what)
}

fn same<T: PartialEq + Display>(
    found: &T,
    expected: &T,
    what: impl Fn() -> String,
) -> TestCaseResult {
    match found == expected {
        true => Ok(()),
        false => {
            Err(TestCaseError::fail(format!("found {found}, expected {expected}: {}", what())))
        }
    }
}

/// The reference's own refusal.
fn refused(error: impl Display) -> TestCaseError {
    TestCaseError::fail(format!("the reference refuses it: {error}"))
}
