//! The trace of any other product.

use fewbit::FloatMatmulError;
use fewbit::accumulate::Turn;
use fewbit::reference::{
    Addend as Entering, Alignment, Dyadic, FloatMatmul, FloatOperand, StepRecord, Value,
};
use fewbit_formats::Status;
use ndarray::Array2;

use super::args::{Args, Trace};
use super::step::{Addend, Aligned, Input, Register, Step};
use crate::error::CliError;
use crate::output::Exact;

/// The steps of one output: `a` is its row, `b` its column, `init` its starting value; the product has `columns`.
pub(super) fn trace(
    args: &Args,
    (a, b): (&FloatOperand, &FloatOperand),
    init: Option<&Array2<f64>>,
    columns: usize,
) -> Result<Trace, CliError> {
    let failed = |error| CliError::from(FloatMatmulError::from(error));
    let init = init.map(|init| init.view());
    let problem = FloatMatmul::new(a, b, &args.acc, init, args.operands.seed).map_err(failed)?;
    let problem = problem.part_of((args.row, args.col), columns);
    let (left, right) = (problem.left(0), problem.column(0));
    let (mut steps, mut all) = (Vec::new(), 0);
    let observe = &mut |record: StepRecord<'_>| {
        all += 1;
        if args.wants(record.first_k, record.last_k) {
            steps.push(step(args, &record, &left, &right));
        }
    };
    let value = problem.output((0, 0), &left, &right, observe).map_err(failed)?;
    Ok(args.trace(left.len(), value.into(), all, steps))
}

fn step(args: &Args, record: &StepRecord<'_>, left: &[Entering], right: &[Entering]) -> Step {
    let StepRecord { stage, first_k, last_k, turn, before, inputs, step } = *record;
    let products = stage == 0 && matches!(turn, Turn::Inputs(_));
    let input = |(index, input): (usize, &Entering)| {
        let k = first_k as usize + index;
        let factors =
            products.then(|| [left[k].value.clone().into(), right[k].value.clone().into()]);
        Input { factors, value: input.value.clone().into() }
    };
    Step {
        stage,
        spec: args.acc.stages()[stage].to_string(),
        k: [first_k, last_k],
        register: Register::new(&args.acc.stages()[stage], turn),
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

fn aligned(alignment: &Alignment, before: &Value, inputs: &[Entering]) -> Aligned {
    let Alignment { exponent, position, addends } = alignment;
    // Where products are addends by themselves there is one for each.
    let single = addends.len() == inputs.len() + 1;
    let addend = |(index, after): (usize, &Dyadic)| {
        let (what, was) = match index.checked_sub(1) {
            None => ("register", before.finite()),
            Some(index) if single => ("product", inputs[index].value.finite()),
            Some(_) => ("sum", None),
        };
        Addend {
            what,
            before: was.map(|x| x.clone().into()),
            after: after.clone().into(),
            lost: was.filter(|&x| x != after).map(|x| (x - after).into()),
        }
    };
    let sum = addends.iter().fold(Dyadic::ZERO, |sum, addend| &sum + addend);
    Aligned {
        exponent: *exponent,
        position: *position,
        addends: addends.iter().enumerate().map(addend).collect(),
        sum: Exact::from(sum),
    }
}
