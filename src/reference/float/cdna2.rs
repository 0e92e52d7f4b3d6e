//! The flushing tree of AMD's second generation.

use fewbit_formats::{Format, Overflow, Policy, Rounding, Status, SubnormalOutput};

use super::round::round;
use super::{Addend, Step, Value};

const POLICY: Policy = Policy::new(Rounding::TiesEven, Overflow::Special)
    .with_subnormal_output(SubnormalOutput::FlushAfter);

/// `c + ((p[0] + p[1]) + (p[2] + p[3]))`; the tree is as deep as there are inputs, a missing one is +0.
pub(super) fn step(before: &Value, inputs: &[Addend], exact: Value) -> Step {
    let mut status = Status::NONE;
    let mut flush = |value: &Value| {
        let (rounded, flags) = round(value, Format::F32, &POLICY, 0);
        status |= flags;
        rounded
    };
    let mut level: Vec<Value> = inputs.iter().map(|input| flush(&input.value)).collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| flush(&add(pair))).collect();
    }
    let products = level.pop().unwrap_or(Value::ZERO);
    let sum = add(&[flush(before), products]);
    let after = flush(&sum);
    Step { after, exact, sum, status, alignment: None }
}

fn add(values: &[Value]) -> Value {
    super::sum::ExactSum::of(values).value(Rounding::TiesEven)
}
