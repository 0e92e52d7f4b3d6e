//! Products of values in either execution.

use fewbit::{Accumulator, ReportLevel, StageEvents};
use ndarray::ArrayD;

use crate::exec::integer::{Codes, Datum, Job, Sums, Weights, codes};
use crate::graph::ProductLayout;
use crate::ops::{Gemm, Inputs, MatMul, Op};
use crate::tensor::Tensor;

use super::{LayerError, QuantValue};

/// How a layer multiplies.
pub(super) enum Execution<'a> {
    /// In floats.
    Float,
    /// Codes through an accumulator.
    Integer {
        accumulator: &'a Accumulator,
        /// Overflow events of the accumulator's stages.
        events: Vec<u64>,
    },
}

impl<'a> Execution<'a> {
    pub(super) fn integer(accumulator: &'a Accumulator) -> Self {
        Self::Integer { accumulator, events: Vec::new() }
    }

    /// The events of what has run.
    pub(super) fn events(self) -> Vec<u64> {
        match self {
            Self::Float => Vec::new(),
            Self::Integer { events, .. } => events,
        }
    }
}

/// The codes of a value as integers.
pub(super) fn integers(what: &str, value: &QuantValue) -> Result<Codes, LayerError> {
    let missing =
        || LayerError::Integer(format!("the {what} is no tensor of codes: give it a quantizer"));
    let tensor = value.codes.as_ref().ok_or_else(missing)?;
    codes(tensor).map_err(LayerError::Integer)?.ok_or_else(|| {
        let format = tensor.format();
        LayerError::Integer(format!("the {what} has codes of {format} that do not sum as integers"))
    })
}

/// The first output of an operator.
pub(super) fn run(op: &Op, inputs: &[&ArrayD<f32>]) -> Result<ArrayD<f32>, LayerError> {
    let tensors: Vec<Tensor> = inputs.iter().map(|&input| input.clone().into()).collect();
    let views: Vec<Option<&Tensor>> = tensors.iter().map(Some).collect();
    Ok(op.run(Inputs::new(&views))?.swap_remove(0).try_into()?)
}

/// `x wᵀ`, for `x` of `[samples, in]` and `w` of `[out, in]`.
pub(super) fn linear(x: &ArrayD<f32>, w: &ArrayD<f32>) -> Result<ArrayD<f32>, LayerError> {
    run(&Gemm { transpose_b: true, ..Gemm::default() }.into(), &[x, w])
}

/// The sums of one product of codes, with its events added to those before.
pub(super) fn sums(
    layout: ProductLayout,
    (x, w): (&Codes, &Codes),
    accumulator: &Accumulator,
    events: &mut Vec<u64>,
) -> Result<Sums, LayerError> {
    let report = ReportLevel::Events;
    let weights = Weights::new(layout, Some(Datum::Codes(w.clone())));
    let job = Job { layout, conv: None, input: x, weights: &weights, accumulator, report };
    let done = job.run().map_err(LayerError::Integer)?;
    add_events(events, done.events);
    Ok(done.sums)
}

fn add_events(all: &mut Vec<u64>, more: Option<Vec<StageEvents>>) {
    let stages = more.unwrap_or_default();
    all.resize(all.len().max(stages.len()), 0);
    all.iter_mut().zip(&stages).for_each(|(all, stage)| *all += stage.events);
}

/// `x w` of matrices `[..., m, k]` and `[..., k, n]`.
pub(super) fn matmul(
    (x_name, x): (&str, &QuantValue),
    (w_name, w): (&str, &QuantValue),
    execution: &mut Execution<'_>,
) -> Result<ArrayD<f32>, LayerError> {
    let Execution::Integer { accumulator, events } = execution else {
        return run(&MatMul {}.into(), &[&x.values, &w.values]);
    };
    let (x, w) = (integers(x_name, x)?, integers(w_name, w)?);
    let done = crate::exec::integer::matmul(&x, &w, accumulator, ReportLevel::Events);
    let done = done.map_err(LayerError::Integer)?;
    add_events(events, done.events);
    Ok(done.sums.values())
}

/// Sums and a bias: exactly where its codes are in their scale, else in f32.
pub(super) fn biased(sums: Sums, bias: Option<&QuantValue>) -> Result<ArrayD<f32>, LayerError> {
    let Some(bias) = bias else { return Ok(sums.values()) };
    let bias = match &bias.codes {
        Some(tensor) => codes(tensor).map_err(LayerError::Integer)?.map(Datum::Codes),
        None => None,
    }
    .unwrap_or_else(|| Datum::Plain(bias.values.clone().into()));
    let sum = crate::exec::integer::biased(sums, &bias).map_err(LayerError::Integer)?;
    Ok(sum.tensor().try_into()?)
}
