//! The error of a block of the network, by its weights.

use std::cell::RefCell;
use std::collections::HashMap;

use fewbit::algorithms::learned::{Evaluation, Objective};
use fewbit::algorithms::random::Uniform;
use ndarray::{Array2, ArrayD};
use rayon::prelude::*;

use crate::gradient::{Gradient, GradientError, Tape, squared_error};
use crate::graph::{Graph, NodeId, Product, ValueId};
use crate::tensor::Tensor;

use super::blocks::Block;

/// Key of the random numbers.
const SAMPLES: u32 = 0x626c;

/// A product of the block whose rounding is learned.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) product: Product,
    pub(super) quantizer: NodeId,
    /// The weights as they are rounded.
    pub(super) rounded: ValueId,
    pub(super) shape: Vec<usize>,
}

/// What goes into a block, and what is to come out.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) given: HashMap<ValueId, Tensor>,
    /// One per output.
    pub(super) targets: Vec<Gradient>,
}

/// How well a block does, sample by sample.
pub(super) struct Job<'a> {
    pub(super) graph: &'a Graph,
    pub(super) block: &'a Block,
    pub(super) layers: &'a [Layer],
    pub(super) samples: Vec<Sample>,
    /// Samples of a step.
    pub(super) batch: usize,
    pub(super) seed: u64,
}

/// `|Y - Y~|²`, summed over channels, a mean over positions and samples: Y what the float network has behind the block, Y~ what the
/// block makes of its inputs in the quantized network with the weights that are asked about.
pub(super) struct BlockObjective<'a> {
    job: Job<'a>,
    heard: RefCell<Heard<'a>>,
}

/// What an evaluation has to tell besides.
struct Heard<'a> {
    failure: Option<GradientError>,
    step: &'a mut dyn FnMut(usize),
}

/// Squared error, and its gradients by the weights as they lie.
type Found = (f64, Vec<Gradient>);

impl<'a> BlockObjective<'a> {
    /// `step` hears the number of each step.
    pub(super) fn new(job: Job<'a>, step: &'a mut dyn FnMut(usize)) -> Self {
        Self { job, heard: RefCell::new(Heard { failure: None, step }) }
    }

    /// Why an evaluation failed, if one did: its loss and gradients are of no use then.
    pub(super) fn finish(self) -> Result<(), GradientError> {
        self.heard.into_inner().failure.map_or(Ok(()), Err)
    }
}

impl Job<'_> {
    /// The samples of a step, drawn without putting back; all for none.
    fn drawn(&self, step: Option<u64>) -> Vec<&Sample> {
        let mut all: Vec<&Sample> = self.samples.iter().collect();
        let (count, batch) = (all.len(), self.batch);
        if let Some(step) = step
            && batch < count
        {
            let uniform = Uniform::new(self.seed, SAMPLES);
            for i in 0..batch {
                let at = uniform.below(step * batch as u64 + i as u64, count - i);
                all.swap(i, i + at);
            }
            all.truncate(batch);
        }
        all
    }

    /// The error of one sample; without gradients where these are not asked for.
    fn sample(
        &self,
        sample: &Sample,
        weights: &HashMap<ValueId, Tensor>,
        descends: bool,
    ) -> Result<Found, GradientError> {
        let mut given = sample.given.clone();
        given.extend(weights.iter().map(|(&id, tensor)| (id, tensor.clone())));
        let tape = Tape::run(self.graph, &self.block.nodes, given)?;
        let (mut error, mut seeds) = (0.0, Vec::new());
        for (&id, target) in self.block.outputs.iter().zip(&sample.targets) {
            let Tensor::F32(y) = tape.value(id)? else { continue };
            let (sum, gradient) = squared_error(y, target)?;
            error += sum;
            seeds.push((id, gradient));
        }
        let wanted: Vec<ValueId> = self.layers.iter().map(|layer| layer.rounded).collect();
        let gradients = if descends { tape.backward(seeds, &wanted)? } else { Vec::new() };
        Ok((error, gradients))
    }

    fn evaluate(
        &self,
        weights: &[Array2<f64>],
        step: Option<u64>,
    ) -> Result<Evaluation, GradientError> {
        let of = |(layer, matrix): (&Layer, &Array2<f64>)| {
            let values = layer.product.weights(&matrix.mapv(|w| w as f32), &layer.shape);
            (layer.rounded, Tensor::from(values))
        };
        let weights: HashMap<ValueId, Tensor> = self.layers.iter().zip(weights).map(of).collect();
        let drawn = self.drawn(step);
        let found: Result<Vec<Found>, GradientError> =
            drawn.par_iter().map(|sample| self.sample(sample, &weights, step.is_some())).collect();
        let targets = drawn.iter().flat_map(|sample| &sample.targets);
        let rows: usize =
            targets.map(|y| y.len() / y.shape().get(1).map_or(1, |&c| c.max(1))).sum();
        let scale = 1.0 / rows.max(1) as f64;
        let (mut loss, mut sums): (f64, Vec<ArrayD<f32>>) = (0.0, Vec::new());
        // In order, so that threads change nothing.
        for (error, gradients) in found? {
            loss += error;
            match sums.is_empty() {
                true => sums = gradients.into_iter().map(Gradient::into_owned).collect(),
                false => sums.iter_mut().zip(&gradients).for_each(|(sum, g)| *sum += g),
            }
        }
        let of = |(layer, sum): (&Layer, &ArrayD<f32>)| {
            layer.product.matrix(sum).mapv(|g| f64::from(g) * scale)
        };
        Ok(Evaluation {
            loss: loss * scale,
            gradients: self.layers.iter().zip(&sums).map(of).collect(),
        })
    }
}

impl Objective for BlockObjective<'_> {
    fn shapes(&self) -> Vec<(usize, usize)> {
        let shape = |layer: &Layer| {
            let rows = layer.product.outputs(&layer.shape);
            let count: usize = layer.shape.iter().product();
            (rows, count.checked_div(rows).unwrap_or(0))
        };
        self.job.layers.iter().map(shape).collect()
    }

    fn evaluate(&self, weights: &[Array2<f64>], step: Option<u64>) -> Evaluation {
        let mut heard = self.heard.borrow_mut();
        let none = || Evaluation {
            loss: 0.0,
            gradients: weights.iter().map(|w| Array2::zeros(w.dim())).collect(),
        };
        if heard.failure.is_some() {
            return none();
        }
        if let Some(step) = step {
            (heard.step)(step as usize);
        }
        self.job.evaluate(weights, step).unwrap_or_else(|failure| {
            heard.failure = Some(failure);
            none()
        })
    }
}
