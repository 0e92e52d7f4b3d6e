//! The trace of any other sum of products.

use std::ops::RangeInclusive;

use fewbit_formats::Status;

use super::number::ExactNumber;
use super::step::{TraceAddend, TraceAlignment, TraceInput, TraceRegister, TraceStep};
use super::{Trace, wants};
use crate::accumulate::{Accumulator, Turn};
use crate::reference::{
    Addend as Entering, Alignment, Dyadic, FloatError, FloatMatmul, StepRecord, Value,
};

impl Trace {
    /// Output `(row, col)` of a product through any accumulator, with the steps that products of the range `shown` enter.
    ///
    /// # Errors
    /// A step that cannot be made.
    ///
    /// ```
    /// use fewbit::accumulate::Accumulator;
    /// use fewbit::formats::Format;
    /// use fewbit::reference::{FloatMatmul, FloatOperand};
    /// use fewbit::trace::Trace;
    /// use ndarray::array;
    /// let a = FloatOperand::from_values(array![[448.0, 1.0]].view(), Format::E4M3FN)?;
    /// let b = FloatOperand::from_values(array![[1.0], [1.0]].view(), Format::E4M3FN)?;
    /// let acc: Accumulator = "e4m3fn-rne".parse()?;
    /// let trace = Trace::of_output(&FloatMatmul::new(&a, &b, &acc, None, 0)?, (0, 0), 0..=u64::MAX)?;
    /// assert_eq!(trace.value.to_string(), "448"); // 449 rounds to 448
    /// assert_eq!(trace.steps[1].events, ["inexact", "absorbed"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_output(
        problem: &FloatMatmul<'_>,
        (row, col): (usize, usize),
        shown: RangeInclusive<u64>,
    ) -> Result<Self, FloatError> {
        let (left, right) = (problem.left(row), problem.column(col));
        let acc = problem.accumulator();
        let (mut steps, mut all) = (Vec::new(), 0);
        let observe = &mut |record: StepRecord<'_>| {
            all += 1;
            if wants(&shown, record.first_k, record.last_k) {
                steps.push(step(acc, &record, &left, &right));
            }
        };
        let value = problem.output((row, col), &left, &right, observe)?;
        let (k, value) = (left.len(), value.into());
        Ok(Self { acc: acc.to_string(), row, col, k, value, all_steps: all, steps })
    }
}

fn step(
    acc: &Accumulator,
    record: &StepRecord<'_>,
    left: &[Entering],
    right: &[Entering],
) -> TraceStep {
    let StepRecord { stage, first_k, last_k, turn, before, inputs, step } = *record;
    let products = stage == 0 && matches!(turn, Turn::Inputs(_));
    let input = |(index, input): (usize, &Entering)| {
        let k = first_k as usize + index;
        let factors =
            products.then(|| [left[k].value.clone().into(), right[k].value.clone().into()]);
        TraceInput { factors, value: input.value.clone().into() }
    };
    TraceStep {
        stage,
        spec: acc.stages()[stage].to_string(),
        k: [first_k, last_k],
        register: TraceRegister::new(&acc.stages()[stage], turn),
        before: before.clone().into(),
        inputs: inputs.iter().enumerate().map(input).collect(),
        exact: step.exact.clone().into(),
        alignment: step.alignment.as_ref().map(|a| aligned(a, before, inputs)),
        sum: step.sum.clone().into(),
        after: step.after.clone().into(),
        events: events(record),
    }
}

/// What happened, in the report's words.
fn events(record: &StepRecord<'_>) -> Vec<&'static str> {
    let StepRecord { before, inputs, step, .. } = record;
    let absorbed =
        step.after.finite().is_some() && **before == step.after && step.exact != step.after;
    let nan = |value: &Value| *value == Value::Nan;
    let invalid = nan(&step.after) && !nan(before) && !inputs.iter().any(|i| nan(&i.value));
    [
        (step.status.contains(Status::OVERFLOW), "overflow"),
        (step.status.contains(Status::UNDERFLOW), "underflow"),
        (step.status.contains(Status::INEXACT), "inexact"),
        (absorbed, "absorbed"),
        (invalid, "invalid"),
    ]
    .into_iter()
    .filter_map(|(happened, name)| happened.then_some(name))
    .collect()
}

fn aligned(alignment: &Alignment, before: &Value, inputs: &[Entering]) -> TraceAlignment {
    let Alignment { exponent, position, addends } = alignment;
    // Where products are addends by themselves there is one for each.
    let single = addends.len() == inputs.len() + 1;
    let addend = |(index, after): (usize, &Dyadic)| {
        let (what, was) = match index.checked_sub(1) {
            None => ("register", before.finite()),
            Some(index) if single => ("product", inputs[index].value.finite()),
            Some(_) => ("sum", None),
        };
        TraceAddend {
            what,
            before: was.map(|x| x.clone().into()),
            after: after.clone().into(),
            lost: was.filter(|&x| x != after).map(|x| (x - after).into()),
        }
    };
    let sum = addends.iter().fold(Dyadic::ZERO, |sum, addend| &sum + addend);
    TraceAlignment {
        exponent: *exponent,
        position: *position,
        addends: addends.iter().enumerate().map(addend).collect(),
        sum: ExactNumber::from(sum),
    }
}
