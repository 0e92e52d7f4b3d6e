//! The dot product of bf16 pairs of x86's AVX-512.

use fewbit_formats::{Format, Overflow, Policy, Rounding, Status, SubnormalOutput};

use super::round::round;
use super::sum::ExactSum;
use super::{Addend, Step, Value};

const POLICY: Policy = Policy::new(Rounding::TiesEven, Overflow::Special)
    .with_subnormal_output(SubnormalOutput::FlushAfter);

/// `(c + p[1]) + p[0]`, each sum fused with its product; a missing product is +0.
pub(super) fn step(before: &Value, inputs: &[Addend], exact: Value) -> Step {
    let mut status = Status::NONE;
    let mut flush = |value: &Value| {
        let (rounded, flags) = round(value, Format::F32, &POLICY, 0);
        status |= flags;
        rounded
    };
    let mut sum = flush(before);
    for index in [1, 0] {
        let product = inputs.get(index).map_or(&Value::ZERO, |input| &input.value);
        sum = flush(&ExactSum::of([&sum, product]).value(Rounding::TiesEven));
    }
    Step { after: sum.clone(), exact, sum, status, alignment: None }
}
