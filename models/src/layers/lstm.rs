//! Long short-term memory.

use fewbit::Accumulator;
use fewbit::quantize::Recipe;
use ndarray::{Array2, ArrayD};

use super::products::Execution;
use super::quantizers::{apply, apply_to, by_name};
use super::recurrent::{Gate, hidden_units, initial, quantized_together, sequence, states, steps};
use super::{
    Activation, GateWeights, InputWeights, LayerError, QuantValue, RecurrentQuantizers,
    SequenceLayout,
};

/// The quantizers between a cell's products and its outputs; what has none stays a float.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LstmActivations {
    /// Of the input gate's sums.
    pub input_acc: Option<Recipe>,
    /// Of the forget gate's sums.
    pub forget_acc: Option<Recipe>,
    /// Of the cell gate's sums.
    pub cell_acc: Option<Recipe>,
    /// Of the output gate's sums.
    pub output_acc: Option<Recipe>,
    /// Of the input gate's sigmoid; of 1, of which coupled gates take the difference.
    pub input_sigmoid: Option<Recipe>,
    /// Of the forget gate's sigmoid.
    pub forget_sigmoid: Option<Recipe>,
    /// Of the output gate's sigmoid.
    pub output_sigmoid: Option<Recipe>,
    /// Of the cell gate's hyperbolic tangent.
    pub cell_tanh: Option<Recipe>,
    /// Of that of the cell state.
    pub hidden_tanh: Option<Recipe>,
    /// Of the cell state and of the two products that it is the sum of.
    pub cell_state: Option<Recipe>,
}

impl LstmActivations {
    /// All by the names of presets: the gates' sums, their sigmoids, the hyperbolic tangents, the cell state.
    ///
    /// # Errors
    /// A name that no preset has.
    pub fn new(
        gate_acc: &str,
        sigmoid: &str,
        tanh: &str,
        cell_state: &str,
    ) -> Result<Self, LayerError> {
        let (acc, sigmoid) = (Some(by_name("gate", gate_acc)?), Some(by_name("sigmoid", sigmoid)?));
        let tanh = Some(by_name("tanh", tanh)?);
        Ok(Self {
            input_acc: acc.clone(),
            forget_acc: acc.clone(),
            cell_acc: acc.clone(),
            output_acc: acc,
            input_sigmoid: sigmoid.clone(),
            forget_sigmoid: sigmoid.clone(),
            output_sigmoid: sigmoid,
            cell_tanh: tanh.clone(),
            hidden_tanh: tanh,
            cell_state: Some(by_name("cell state", cell_state)?),
        })
    }
}

/// One direction of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LstmDirection {
    /// The input gate.
    pub input: GateWeights,
    /// The forget gate; without one it is 1 less the input gate (coupled gates).
    pub forget: Option<GateWeights>,
    /// The cell gate.
    pub cell: GateWeights,
    /// The output gate.
    pub output: GateWeights,
    /// The quantizers between products and outputs.
    pub activations: LstmActivations,
}

/// Whose weights a weight quantizer sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateScales {
    /// Each gate's own.
    #[default]
    Separate,
    /// Those of all gates of a direction: they have the same scales.
    Shared,
}

/// A network of long short-term memory cells, of several layers in one or two directions.
///
/// ```text
/// i, f, o = q(sigmoid(q(x W' + h V' + b)))     g = q(tanh(q(x W' + h V' + b)))     of each gate's weights
/// c = q(q(f c) + q(i g))                       h = q(o q(tanh c))
/// ```
/// Both weights of a gate have one quantizer and its scales. With [`InputWeights::Shared`] the backward direction takes the
/// input weights of the forward one, and its input and forget gates each those of the *other* gate, as Brevitas 0.12.1
/// connects them; its input gate keeps its own where gates are coupled.
///
/// ```
/// use fewbit_models::layers::{GateWeights, LstmActivations, LstmDirection, QuantLstm};
/// use ndarray::array;
/// let gate = GateWeights { input: array![[0.0]], hidden: array![[0.0]], bias: None };
/// let cell = GateWeights { bias: Some(array![100.0]), ..gate.clone() };
/// let direction = LstmDirection {
///     input: gate.clone(), forget: None, cell, output: gate, activations: LstmActivations::default(),
/// };
/// let layer = QuantLstm { layers: vec![vec![direction]], ..QuantLstm::default() };
/// let run = layer.forward(&array![[[1.0f32]]].into(), None, None)?;
/// assert_eq!(run.cell.values, array![[[0.5]]].into_dyn()); // sigmoid(0) tanh(100)
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantLstm {
    /// Layers, each of one direction, or of a forward and a backward one.
    pub layers: Vec<Vec<LstmDirection>>,
    /// The axes of inputs and outputs.
    pub layout: SequenceLayout,
    /// Whether two directions share the weights of their inputs.
    pub input_weights: InputWeights,
    /// Whether gates share the scales of their weights.
    pub gate_scales: GateScales,
    /// The quantizers of weights, biases, inputs and outputs.
    pub quantizers: RecurrentQuantizers,
}

/// What a network of long short-term memory gives.
#[derive(Clone, Debug, PartialEq)]
pub struct LstmOutput {
    /// The hidden states of the last layer at every step, those of two directions side by side.
    pub output: QuantValue,
    /// The last hidden state of every direction of every layer, `[directions, samples, hidden]`.
    pub hidden: QuantValue,
    /// The last cell state of every direction of every layer.
    pub cell: QuantValue,
}

/// The gates of a direction, quantized.
struct Gates {
    input: Gate,
    forget: Option<Gate>,
    cell: Gate,
    output: Gate,
}

impl QuantLstm {
    /// The outputs in floats; `hidden` and `cell` are what directions begin with, zeros unless given.
    ///
    /// # Errors
    /// Shapes that do not fit; what a quantizer refuses.
    pub fn forward(
        &self,
        x: &QuantValue,
        hidden: Option<&ArrayD<f32>>,
        cell: Option<&ArrayD<f32>>,
    ) -> Result<LstmOutput, LayerError> {
        self.run(x, [hidden, cell], &mut Execution::Float)
    }

    /// The outputs with the gates' products through an accumulator, and the overflow events of its stages over all steps.
    ///
    /// # Errors
    /// As [`Self::forward`]; inputs, states or weights that are no codes of integers.
    pub fn forward_integer(
        &self,
        x: &QuantValue,
        hidden: Option<&ArrayD<f32>>,
        cell: Option<&ArrayD<f32>>,
        accumulator: &Accumulator,
    ) -> Result<(LstmOutput, Vec<u64>), LayerError> {
        let mut execution = Execution::integer(accumulator);
        let output = self.run(x, [hidden, cell], &mut execution)?;
        Ok((output, execution.events()))
    }

    fn run(
        &self,
        x: &QuantValue,
        [hidden, cell]: [Option<&ArrayD<f32>>; 2],
        execution: &mut Execution<'_>,
    ) -> Result<LstmOutput, LayerError> {
        let io = self.quantizers.io.as_ref();
        let mut x = apply("input", io, x)?;
        let (mut last, mut cells) = (Vec::new(), Vec::new());
        for layer in &self.layers {
            let inputs = steps(&x, self.layout)?;
            let mut outputs = Vec::new();
            for (place, direction) in layer.iter().enumerate() {
                let gates = self.gates(layer, place, &inputs[0])?;
                let shape = [inputs[0].values.shape()[0], direction.input.hidden.nrows()];
                let at = last.len();
                let mut h = initial("state", hidden, at, shape, io, execution)?;
                let of_cell = direction.activations.cell_state.as_ref();
                let mut c = initial("cell state", cell, at, shape, of_cell, &Execution::Float)?;
                let mut all = inputs.clone();
                if place == 1 {
                    all.reverse();
                }
                for input in &mut all {
                    (h, c) =
                        self.step(&gates, &direction.activations, [input, &h, &c], execution)?;
                    *input = h.clone();
                }
                if place == 1 {
                    all.reverse();
                }
                outputs.push(sequence(&all, self.layout)?);
                last.push(h);
                cells.push(c);
            }
            x = QuantValue::concatenate(&outputs, 2)?;
        }
        Ok(LstmOutput { output: x, hidden: states(&last)?, cell: states(&cells)? })
    }

    /// The next hidden state and cell state.
    fn step(
        &self,
        gates: &Gates,
        by: &LstmActivations,
        [x, h, c]: [&QuantValue; 3],
        execution: &mut Execution<'_>,
    ) -> Result<(QuantValue, QuantValue), LayerError> {
        let mut gate = |gate: &Gate,
                        (what, acc): (&'static str, &Option<Recipe>),
                        f: Activation,
                        quantizer: &Option<Recipe>| {
            let sums = apply_to("gate", acc.as_ref(), gate.sums(x, h, execution)?)?;
            let value = apply_to(what, quantizer.as_ref(), f.apply(&sums.values)?)?;
            Ok::<_, LayerError>(value.values)
        };
        let sigmoid = Activation::Sigmoid;
        let i = gate(&gates.input, ("sigmoid", &by.input_acc), sigmoid, &by.input_sigmoid)?;
        let f = match &gates.forget {
            Some(forget) => gate(forget, ("sigmoid", &by.forget_acc), sigmoid, &by.forget_sigmoid)?,
            None => {
                let ones = ArrayD::ones(i.raw_dim());
                apply_to("sigmoid", by.input_sigmoid.as_ref(), ones)?.values - &i
            }
        };
        let g = gate(&gates.cell, ("tanh", &by.cell_acc), Activation::Tanh, &by.cell_tanh)?;
        let o = gate(&gates.output, ("sigmoid", &by.output_acc), sigmoid, &by.output_sigmoid)?;
        let of_cell = |values| apply_to("cell state", by.cell_state.as_ref(), values);
        let (kept, new) = (of_cell(f * &c.values)?, of_cell(i * &g)?);
        let c = of_cell(kept.values + &new.values)?;
        let tanh = Activation::Tanh.apply(&c.values)?;
        let tanh = apply_to("tanh", by.hidden_tanh.as_ref(), tanh)?;
        let h = apply_to("output", self.quantizers.io.as_ref(), o * &tanh.values)?;
        Ok((h, c))
    }

    /// The quantized weights of a direction.
    fn gates(
        &self,
        layer: &[LstmDirection],
        place: usize,
        x: &QuantValue,
    ) -> Result<Gates, LayerError> {
        if layer.len() > 2 {
            let count = layer.len();
            return Err(LayerError::Shape(format!("a layer of {count} directions: 1 or 2")));
        }
        let features = x.values.shape()[1];
        let own = layer[place].all();
        // The matrices that each quantizer sees, gate after gate, and where each gate's two lie.
        let mut seen: Vec<Vec<&Array2<f32>>> = Vec::new();
        let mut lies: Vec<[(usize, usize); 2]> = Vec::new();
        let coupled = layer[place].forget.is_none();
        let shared = self.input_weights == InputWeights::Shared && layer.len() == 2;
        let first = layer[0].all();
        for (index, gate) in own.iter().enumerate() {
            // The other direction's gate whose input weights serve this one, and the reverse.
            let partner = match (shared, coupled, index) {
                (false, ..) | (true, true, 0) => None,
                (true, false, 0) => Some(1),
                (true, false, 1) => Some(0),
                (true, ..) => Some(index),
            };
            let mut matrices = match (partner, place) {
                (None, _) => vec![&gate.input, &gate.hidden],
                (Some(partner), 0) => {
                    let theirs = layer[1].all();
                    let other = theirs.get(partner).ok_or_else(uneven)?;
                    vec![&gate.input, &gate.hidden, &other.hidden]
                }
                (Some(partner), _) => {
                    let other = first.get(partner).ok_or_else(uneven)?;
                    vec![&other.input, &gate.hidden, &other.hidden]
                }
            };
            let units = own[0].hidden.nrows();
            if matrices[0].dim() != (units, features) {
                hidden_units(&[gate], features)?;
            }
            if gate.hidden.dim() != (units, units)
                || gate.bias.as_ref().is_some_and(|b| b.len() != units)
            {
                hidden_units(&own, features)?;
                return Err(uneven());
            }
            // An input gate that keeps its own weights also keeps its own scales.
            let apart = shared && coupled && place == 1 && index == 1;
            if apart && self.gate_scales == GateScales::Shared {
                matrices.extend([&first[0].input, &first[0].hidden]);
            }
            let group = match self.gate_scales {
                GateScales::Shared if index > 0 && !apart => seen.len() - 1,
                _ => {
                    seen.push(Vec::new());
                    seen.len() - 1
                }
            };
            let at = seen[group].len();
            lies.push([(group, at), (group, at + 1)]);
            seen[group].append(&mut matrices);
        }
        let recipe = self.quantizers.weight.as_ref();
        let found = seen.iter().map(|matrices| quantized_together(recipe, matrices));
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let mut gates = own.iter().zip(&lies).map(|(gate, lies)| {
            let weights = lies.map(|(group, at)| found[group][at].clone());
            Gate::new(&self.quantizers, weights, gate.bias.as_ref(), x)
        });
        let mut next = || gates.next().unwrap_or_else(|| Err(uneven()));
        Ok(Gates {
            input: next()?,
            forget: if coupled { None } else { Some(next()?) },
            cell: next()?,
            output: next()?,
        })
    }
}

fn uneven() -> LayerError {
    LayerError::Shape("gates of other shapes, or coupled in one direction only".into())
}

impl LstmDirection {
    /// The gates: input, forget if there is one, cell, output.
    fn all(&self) -> Vec<&GateWeights> {
        let Self { input, forget, cell, output, .. } = self;
        [Some(input), forget.as_ref(), Some(cell), Some(output)].into_iter().flatten().collect()
    }
}
