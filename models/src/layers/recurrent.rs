//! What recurrent layers have in common: gates, directions, steps.

use fewbit::quantize::Recipe;
use fewbit::tensor::Granularity;
use ndarray::{Array1, Array2, ArrayD, Axis, concatenate};

use super::products::{Execution, biased, integers, linear, sums};
use super::quantizers::{apply_bias, apply_to};
use super::{LayerError, QuantValue, RecurrentQuantizers};
use crate::exec::integer::Sums;
use crate::graph::ProductLayout;

/// The axes of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SequenceLayout {
    /// `[steps, samples, features]`.
    #[default]
    StepsFirst,
    /// `[samples, steps, features]`.
    BatchFirst,
}

/// Whether the two directions of a layer share the weights of their inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputWeights {
    /// Each has its own.
    #[default]
    Separate,
    /// Both use those of the forward direction, whose quantizer then also sees the backward direction's hidden weights.
    Shared,
}

/// The weights of a gate: `x input' + h hidden' + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct GateWeights {
    /// `[hidden, in]`.
    pub input: Array2<f32>,
    /// `[hidden, hidden]`.
    pub hidden: Array2<f32>,
    /// One per hidden unit.
    pub bias: Option<Array1<f32>>,
}

/// A gate's weights, quantized.
pub(super) struct Gate {
    pub(super) input: QuantValue,
    pub(super) hidden: QuantValue,
    pub(super) bias: Option<QuantValue>,
}

/// Matrices with as many rows, under the scales that they have side by side.
pub(super) fn quantized_together(
    recipe: Option<&Recipe>,
    matrices: &[&Array2<f32>],
) -> Result<Vec<QuantValue>, LayerError> {
    let by_group = matches!(
        recipe,
        Some(Recipe::Quantizer(quantizer))
            if matches!(quantizer.scheme().granularity, Granularity::Group { .. })
    );
    let plain = |matrix: &&Array2<f32>| matrix.view().into_dyn().to_owned();
    if by_group {
        let each = matrices.iter().map(|matrix| apply_to("weight", recipe, plain(matrix)));
        return each.collect();
    }
    let views: Vec<_> = matrices.iter().map(|matrix| matrix.view()).collect();
    let all = concatenate(Axis(1), &views);
    let all = all.map_err(|error| LayerError::Shape(format!("weights of one gate: {error}")))?;
    let all = apply_to("weight", recipe, all.into_dyn())?;
    let mut from = 0;
    let part = |matrix: &&Array2<f32>| {
        let to = from + matrix.ncols();
        let part = all.slice(1, from, to);
        from = to;
        part
    };
    matrices.iter().map(part).collect()
}

impl Gate {
    /// A gate of quantized matrices, with its bias in the scale of the input's product.
    pub(super) fn new(
        quantizers: &RecurrentQuantizers,
        weights: [QuantValue; 2],
        bias: Option<&Array1<f32>>,
        x: &QuantValue,
    ) -> Result<Self, LayerError> {
        let [input, hidden] = weights;
        let bias = match bias {
            None => None,
            Some(bias) => {
                let bias = bias.clone().into_dyn();
                Some(apply_bias(quantizers.bias.as_ref(), &bias, x, &input)?)
            }
        };
        Ok(Self { input, hidden, bias })
    }

    /// `x input' + h hidden' + bias`.
    pub(super) fn sums(
        &self,
        x: &QuantValue,
        h: &QuantValue,
        execution: &mut Execution<'_>,
    ) -> Result<ArrayD<f32>, LayerError> {
        let Execution::Integer { accumulator, events } = execution else {
            let sum =
                linear(&x.values, &self.input.values)? + linear(&h.values, &self.hidden.values)?;
            return Ok(match &self.bias {
                None => sum,
                Some(bias) => sum + &bias.values,
            });
        };
        let mut product = |name: &str, x: &QuantValue, w: &QuantValue| {
            let (x, w) = (integers(name, x)?, integers("weight", w)?);
            sums(ProductLayout::Rows, (&x, &w), accumulator, events)
        };
        let (a, b) = (product("input", x, &self.input)?, product("hidden state", h, &self.hidden)?);
        if a.scales == b.scales {
            let both = Sums { values: a.values + b.values, scales: a.scales };
            return biased(both, self.bias.as_ref());
        }
        let sum = a.values() + b.values();
        Ok(match &self.bias {
            None => sum,
            Some(bias) => sum + &bias.values,
        })
    }
}

/// The input of each step.
pub(super) fn steps(x: &QuantValue, layout: SequenceLayout) -> Result<Vec<QuantValue>, LayerError> {
    let &[first, second, features] = x.values.shape() else {
        let found = x.values.shape();
        return Err(LayerError::Shape(format!("a sequence of {found:?}: expected 3 axes")));
    };
    let (axis, count, samples) = match layout {
        SequenceLayout::StepsFirst => (0, first, second),
        SequenceLayout::BatchFirst => (1, second, first),
    };
    if count == 0 {
        return Err(LayerError::Shape("a sequence of no steps".into()));
    }
    (0..count).map(|i| x.slice(axis, i, i + 1)?.reshape(&[samples, features])).collect()
}

/// Steps put together to a sequence.
pub(super) fn sequence(
    steps: &[QuantValue],
    layout: SequenceLayout,
) -> Result<QuantValue, LayerError> {
    let axis = match layout {
        SequenceLayout::StepsFirst => 0,
        SequenceLayout::BatchFirst => 1,
    };
    let with_axis = |step: &QuantValue| {
        let mut shape = step.values.shape().to_vec();
        shape.insert(axis, 1);
        step.reshape(&shape)
    };
    let steps = steps.iter().map(with_axis).collect::<Result<Vec<_>, _>>()?;
    QuantValue::concatenate(&steps, axis)
}

/// The state that a direction begins with: zeros, unless one of `[directions, samples, hidden]` is given.
pub(super) fn initial(
    what: &'static str,
    given: Option<&ArrayD<f32>>,
    direction: usize,
    [samples, hidden]: [usize; 2],
    recipe: Option<&Recipe>,
    execution: &Execution<'_>,
) -> Result<QuantValue, LayerError> {
    let zeros = || ArrayD::zeros(vec![samples, hidden]);
    let Some(given) = given else {
        return match execution {
            Execution::Float => Ok(QuantValue::from(zeros())),
            Execution::Integer { .. } => apply_to(what, recipe, zeros()),
        };
    };
    let found = given.shape();
    if found.len() != 3 || found[0] <= direction || found[1..] != [samples, hidden] {
        return Err(LayerError::Shape(format!(
            "states of {found:?}: expected [directions, {samples}, {hidden}]"
        )));
    }
    apply_to(what, recipe, given.index_axis(Axis(0), direction).to_owned())
}

/// The states of all directions: `[directions, samples, hidden]`.
pub(super) fn states(states: &[QuantValue]) -> Result<QuantValue, LayerError> {
    sequence(states, SequenceLayout::StepsFirst)
}

/// Checks that gates fit inputs of so many features, and says how many hidden units they have.
pub(super) fn hidden_units(gates: &[&GateWeights], features: usize) -> Result<usize, LayerError> {
    let units = gates.first().map_or(0, |gate| gate.hidden.nrows());
    let fits = |gate: &&GateWeights| {
        gate.input.dim() == (units, features)
            && gate.hidden.dim() == (units, units)
            && gate.bias.as_ref().is_none_or(|bias| bias.len() == units)
    };
    if gates.iter().all(fits) {
        return Ok(units);
    }
    let shapes: Vec<_> = gates.iter().map(|gate| (gate.input.dim(), gate.hidden.dim())).collect();
    Err(LayerError::Shape(format!(
        "gates of weights {shapes:?}: expected [{units}, {features}] and [{units}, {units}]"
    )))
}
