//! A chain of layers with data.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::objective::{Evaluation, Objective};
use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::algorithms::linalg::product;
use crate::algorithms::random::Uniform;

/// Key of the random numbers.
const BATCHES: u32 = 0x6261;

/// What follows a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `max(x, 0)`, with derivative 0 at 0.
    Relu,
}

impl Activation {
    fn apply(self, x: f64) -> f64 {
        match self {
            Self::Identity => x,
            Self::Relu => x.max(0.0),
        }
    }

    fn slope(self, x: f64) -> f64 {
        match self {
            Self::Relu if x <= 0.0 => 0.0,
            _ => 1.0,
        }
    }
}

/// A layer of a block, `f(W x + b)`.
#[derive(Clone, Copy, Debug)]
pub struct BlockLayer<'a> {
    /// `[out, in]`.
    pub weights: ArrayView2<'a, f32>,
    /// One per output.
    pub bias: Option<&'a Array1<f32>>,
    /// f.
    pub activation: Activation,
}

/// The error of a chain of layers, `|Y - Ŷ|² / samples`: Y what the float layers make of the float inputs, Ŷ what the quantized
/// layers make of theirs. Gradients by backpropagation, over `batch` samples drawn by seed and step.
#[derive(Clone, Debug)]
pub struct BlockObjective {
    biases: Vec<Array1<f64>>,
    activations: Vec<Activation>,
    shapes: Vec<(usize, usize)>,
    inputs: Array2<f64>,
    targets: Array2<f64>,
    batch: usize,
    uniform: Uniform,
}

impl BlockObjective {
    /// Computes the targets from the float layers. `quantized` are the inputs `[samples, in]` that the quantized layers get;
    /// they may be `float` once more. A batch of at least as many samples as there are means all of them.
    ///
    /// # Errors
    /// No layer or sample, shapes that do not fit, numbers that are not finite, an empty batch.
    pub fn new(
        layers: &[BlockLayer<'_>],
        float: ArrayView2<'_, f32>,
        quantized: ArrayView2<'_, f32>,
        batch: usize,
        seed: u64,
    ) -> Result<Self, AlgorithmError> {
        let what = "the list of layers";
        if layers.is_empty() {
            return Err(AlgorithmError::Empty { what, rows: 0, cols: 0 });
        }
        if float.nrows() == 0 {
            return Err(AlgorithmError::NoSamples);
        }
        if batch == 0 {
            let (name, expected) = ("the batch", "at least 1");
            return Err(AlgorithmError::Parameter { name, value: 0.0, expected });
        }
        AlgorithmError::check_shape("the quantized inputs", quantized.dim(), float.dim())?;
        check_finite("the float inputs", float, 0)?;
        check_finite("the quantized inputs", quantized, 0)?;
        let mut inputs = float.ncols();
        let mut block = Self {
            biases: Vec::new(),
            activations: Vec::new(),
            shapes: Vec::new(),
            inputs: quantized.mapv(f64::from),
            targets: Array2::zeros((0, 0)),
            batch: batch.min(float.nrows()),
            uniform: Uniform::new(seed, BATCHES),
        };
        for layer in layers {
            let (rows, cols) = layer.weights.dim();
            if rows == 0 || cols == 0 {
                return Err(AlgorithmError::Empty { what: "a layer's weights", rows, cols });
            }
            AlgorithmError::check_shape("a layer's weights", (rows, cols), (rows, inputs))?;
            check_finite("a layer's weights", layer.weights, 0)?;
            if let Some(bias) = layer.bias {
                AlgorithmError::check_shape("a bias", (bias.len(), 1), (rows, 1))?;
                check_finite("a bias", bias.view().insert_axis(Axis(1)), 0)?;
            }
            let bias = layer.bias.map_or_else(|| Array1::zeros(rows), |b| b.mapv(f64::from));
            block.biases.push(bias);
            block.activations.push(layer.activation);
            block.shapes.push((rows, cols));
            inputs = rows;
        }
        let weights: Vec<_> = layers.iter().map(|l| l.weights.mapv(f64::from)).collect();
        let forward = block.forward(&weights, float.mapv(f64::from));
        block.targets = forward.activated.last().cloned().unwrap_or_default();
        Ok(block)
    }

    fn forward(&self, weights: &[Array2<f64>], inputs: Array2<f64>) -> Forward {
        let mut forward = Forward { raw: Vec::new(), activated: vec![inputs] };
        for ((w, bias), f) in weights.iter().zip(&self.biases).zip(&self.activations) {
            let Some(x) = forward.activated.last() else { break };
            let raw = product(x.view(), w.t()) + bias;
            let activated = raw.mapv(|x| f.apply(x));
            forward.raw.push(raw);
            forward.activated.push(activated);
        }
        forward
    }
}

/// What each layer computes before and after its activation; the inputs come first in `activated`.
struct Forward {
    raw: Vec<Array2<f64>>,
    activated: Vec<Array2<f64>>,
}

impl Objective for BlockObjective {
    fn shapes(&self) -> Vec<(usize, usize)> {
        self.shapes.clone()
    }

    fn evaluate(&self, weights: &[Array2<f64>], step: Option<u64>) -> Evaluation {
        let samples = self.inputs.nrows();
        let (inputs, targets) = match step {
            Some(step) if self.batch < samples => {
                let first = step * self.batch as u64;
                let chosen: Vec<usize> = (0..self.batch as u64)
                    .map(|i| self.uniform.below(first + i, samples))
                    .collect();
                (self.inputs.select(Axis(0), &chosen), self.targets.select(Axis(0), &chosen))
            }
            _ => (self.inputs.clone(), self.targets.clone()),
        };
        let scale = 1.0 / inputs.nrows() as f64;
        let forward = self.forward(weights, inputs);
        let Some(output) = forward.activated.last() else {
            return Evaluation { loss: 0.0, gradients: Vec::new() };
        };
        let difference = output - &targets;
        let loss = difference.iter().map(|d| d * d).sum::<f64>() * scale;
        // Derivatives by the outputs of a layer, from the last one back.
        let mut delta = difference * (2.0 * scale);
        let mut gradients = Vec::with_capacity(weights.len());
        for (index, w) in weights.iter().enumerate().rev() {
            let f = self.activations[index];
            delta.zip_mut_with(&forward.raw[index], |d, &x| *d *= f.slope(x));
            gradients.push(product(delta.t(), forward.activated[index].view()));
            delta = product(delta.view(), w.view());
        }
        gradients.reverse();
        Evaluation { loss, gradients }
    }
}
