//! Elman networks.

use fewbit::Accumulator;
use fewbit::quantize::Recipe;
use ndarray::ArrayD;

use super::products::Execution;
use super::quantizers::{apply, apply_to};
use super::recurrent::{Gate, hidden_units, initial, quantized_together, sequence, states, steps};
use super::{
    Activation, GateWeights, InputWeights, LayerError, QuantValue, RecurrentQuantizers,
    SequenceLayout,
};

/// One direction of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct RnnDirection {
    /// Its weights.
    pub gate: GateWeights,
    /// The quantizer of the gate's sums.
    pub gate_acc: Option<Recipe>,
}

/// A recurrent network of one gate, `h = q(f(q(x W' + h V' + b)))`, of several layers in one or two directions.
///
/// The weights of a gate, `W` and `V`, have one quantizer and its scales. The first layer quantizes its input; later ones take
/// the outputs before them, which are quantized.
///
/// ```
/// use fewbit_models::layers::{Activation, GateWeights, QuantRnn, RnnDirection};
/// use ndarray::array;
/// let gate = GateWeights { input: array![[1.0]], hidden: array![[0.5]], bias: None };
/// let forward = RnnDirection { gate, gate_acc: None };
/// let layer = QuantRnn { layers: vec![vec![forward]], activation: Activation::Relu, ..QuantRnn::default() };
/// let run = layer.forward(&array![[[1.0f32]], [[2.0]]].into(), None)?;
/// assert_eq!(run.output.values, array![[[1.0]], [[2.5]]].into_dyn());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantRnn {
    /// Layers, each of one direction, or of a forward and a backward one.
    pub layers: Vec<Vec<RnnDirection>>,
    /// `f`: the hyperbolic tangent or ReLU.
    pub activation: Activation,
    /// The axes of inputs and outputs.
    pub layout: SequenceLayout,
    /// Whether two directions share the weights of their inputs.
    pub input_weights: InputWeights,
    /// The quantizers.
    pub quantizers: RecurrentQuantizers,
}

impl Default for QuantRnn {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            activation: Activation::Tanh,
            layout: SequenceLayout::default(),
            input_weights: InputWeights::default(),
            quantizers: RecurrentQuantizers::new(),
        }
    }
}

/// What a recurrent network gives.
#[derive(Clone, Debug, PartialEq)]
pub struct RnnOutput {
    /// The hidden states of the last layer at every step, those of two directions side by side.
    pub output: QuantValue,
    /// The last hidden state of every direction of every layer, `[directions, samples, hidden]`.
    pub hidden: QuantValue,
}

impl QuantRnn {
    /// The outputs in floats; `hidden` is what directions begin with, zeros unless given.
    ///
    /// # Errors
    /// Shapes that do not fit; what a quantizer refuses.
    pub fn forward(
        &self,
        x: &QuantValue,
        hidden: Option<&ArrayD<f32>>,
    ) -> Result<RnnOutput, LayerError> {
        self.run(x, hidden, &mut Execution::Float)
    }

    /// The outputs with the gates' products through an accumulator, and the overflow events of its stages over all steps.
    ///
    /// # Errors
    /// As [`Self::forward`]; inputs, states or weights that are no codes of integers.
    pub fn forward_integer(
        &self,
        x: &QuantValue,
        hidden: Option<&ArrayD<f32>>,
        accumulator: &Accumulator,
    ) -> Result<(RnnOutput, Vec<u64>), LayerError> {
        let mut execution = Execution::integer(accumulator);
        let output = self.run(x, hidden, &mut execution)?;
        Ok((output, execution.events()))
    }

    fn run(
        &self,
        x: &QuantValue,
        hidden: Option<&ArrayD<f32>>,
        execution: &mut Execution<'_>,
    ) -> Result<RnnOutput, LayerError> {
        let mut x = apply("input", self.quantizers.io.as_ref(), x)?;
        let mut last = Vec::new();
        for layer in &self.layers {
            let inputs = steps(&x, self.layout)?;
            let mut outputs = Vec::new();
            for (place, direction) in layer.iter().enumerate() {
                let gate = self.gate(layer, place, &inputs[0])?;
                let io = self.quantizers.io.as_ref();
                let shape = [inputs[0].values.shape()[0], direction.gate.hidden.nrows()];
                let mut state = initial("state", hidden, last.len(), shape, io, execution)?;
                let mut all = inputs.clone();
                if place == 1 {
                    all.reverse();
                }
                for input in &mut all {
                    let sums = gate.sums(input, &state, execution)?;
                    let sums = apply_to("gate", direction.gate_acc.as_ref(), sums)?;
                    state = apply_to("output", io, self.activation.apply(&sums.values)?)?;
                    *input = state.clone();
                }
                if place == 1 {
                    all.reverse();
                }
                outputs.push(sequence(&all, self.layout)?);
                last.push(state);
            }
            x = QuantValue::concatenate(&outputs, 2)?;
        }
        Ok(RnnOutput { output: x, hidden: states(&last)? })
    }

    /// The quantized weights of a direction.
    fn gate(
        &self,
        layer: &[RnnDirection],
        place: usize,
        x: &QuantValue,
    ) -> Result<Gate, LayerError> {
        let features = x.values.shape()[1];
        let all: Vec<&GateWeights> = layer.iter().map(|direction| &direction.gate).collect();
        if layer.len() > 2 {
            let count = layer.len();
            return Err(LayerError::Shape(format!("a layer of {count} directions: 1 or 2")));
        }
        let own = all[place];
        let recipe = self.quantizers.weight.as_ref();
        let weights = match (self.input_weights, &all[..]) {
            (InputWeights::Shared, [first, second]) => {
                let shared = GateWeights { input: first.input.clone(), ..(*second).clone() };
                hidden_units(&[first, &shared], features)?;
                let matrices = [&first.input, &first.hidden, &second.hidden];
                let mut found = quantized_together(recipe, &matrices)?;
                let hidden = found.swap_remove(1 + place);
                [found.swap_remove(0), hidden]
            }
            _ => {
                hidden_units(&[own], features)?;
                let mut found = quantized_together(recipe, &[&own.input, &own.hidden])?;
                let hidden = found.swap_remove(1);
                [found.swap_remove(0), hidden]
            }
        };
        Gate::new(&self.quantizers, weights, own.bias.as_ref(), x)
    }
}
