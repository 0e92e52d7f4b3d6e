//! Learned rounding, block by block: the weights of a block are rounded together, for what comes out of it.

use std::collections::HashMap;

use fewbit::algorithms::Grid;
use fewbit::algorithms::learned::{Learned, Target};

use crate::exec::QuantizerMode;
use crate::gradient::Gradient;
use crate::graph::{Graph, ValueId, products};
use crate::tensor::Tensor;

use super::bias_correction::correct;
use super::block_objective::{BlockObjective, Job, Layer, Sample};
use super::blocks::{Block, Blocks};
use super::choose::{Weights, set, weights};
use super::journal::{Chosen, Journal};
use super::learned_round::{
    Extent, LearnedRoundParams, LearnedScales, NAME, check_scales, learn, not_nearest,
};
use super::solve::grid;
use super::walk::Walk;
use super::{ChannelMeans, PassError, PassReport};

/// Rounded weights are tried on all samples so many times, where a step sees some of them.
const CHECKS: usize = 10;

/// Parameters of [`learn_rounding_of_blocks`].
#[derive(Clone, Debug)]
pub struct BlockRoundParams {
    /// What is learned, and how.
    pub round: LearnedRoundParams,
    /// Which nodes are a block.
    pub blocks: Blocks,
    /// Batches of calibration data that a step descends along.
    pub batch: usize,
    /// Of the draw of these.
    pub seed: u64,
}

/// Learns the rounding of the weights of each block, in the order in which the blocks run.
///
/// ```text
/// for each block f:  X~ from the quantized network so far, Y from the float network behind the block
///                    step: a few samples, min over the roundings of all weights of |Y - f~(X~; W~)|² along its gradient
///                    keep the rounding that was best on all samples, rounding to nearest among them
/// ```
///
/// A batch of the calibration data is a sample: a window of text, or an image. Gradients go backward through the nodes of the block
/// ([`crate::gradient`]), and are the same bits on any number of threads; memory holds what stands between two blocks for all
/// samples, and the values of one block for those that run. Products outside of blocks keep the nearest codes. With `means`, the
/// bias of each product is corrected behind its block's codes. What the journal has of a block is taken from there.
///
/// # Errors
/// No block of this name; batches that the network cannot take; an operator without a gradient; weights on a grid that is not one
/// of integers; parameters out of their range.
pub fn learn_rounding_of_blocks(
    float: &Graph,
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    params: &BlockRoundParams,
    means: Option<&ChannelMeans>,
    journal: &mut dyn Journal,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    let blocks = params.blocks.find(graph)?;
    let all = products(graph);
    let mut walk = Walk::pairs(float, graph, batches, QuantizerMode::Apply)?;
    let (mut count, mut total, mut changed) = (0, 0, 0);
    let (mut errors, steps) = ([0.0; 2], params.round.steps.max(1));
    let mut next = blocks.iter().enumerate().peekable();
    let mut inside: &[_] = &[];
    for id in graph.order().to_vec() {
        if let Some((index, block)) = next.next_if(|(_, block)| block.nodes.first() == Some(&id)) {
            let layers = layers(graph, block)?;
            let samples = samples(float, graph, &mut walk, block)?;
            let mut hear = |step: usize| progress(index * steps + step, blocks.len() * steps);
            let chosen = match known(&layers, journal)? {
                Some(chosen) => chosen,
                None => {
                    let (chosen, learned) =
                        learn_one(graph, block, &layers, samples, params, &mut hear)?;
                    errors[0] += learned.info.nearest;
                    errors[1] += learned.info.best;
                    for (layer, chosen) in layers.iter().zip(&chosen) {
                        journal.keep(NAME, &layer.name, chosen)?;
                    }
                    chosen
                }
            };
            for (layer, chosen) in layers.iter().zip(&chosen) {
                set(graph, &layer.name, (&layer.product, layer.quantizer), chosen)?;
                walk.rerun(graph, layer.quantizer)?;
                total += chosen.values.len();
                changed += chosen.count;
            }
            count += layers.len();
            inside = &block.nodes;
        }
        if next.peek().is_none() && means.is_none() && !inside.contains(&id) {
            break;
        }
        match inside.contains(&id) {
            // The float network is behind the block already.
            true => walk.step_quantized(graph, id)?,
            false => walk.step(graph, id)?,
        }
        let product = all.iter().find(|product| product.node == id);
        if let (Some(product), Some(means)) = (product, means)
            && product.weight_quantizer.is_some()
        {
            correct(means, graph, &mut walk, product)?;
        }
    }
    progress(blocks.len() * steps, blocks.len() * steps);
    graph.sort()?;
    let mut report = PassReport::new(NAME, count, "products with quantized weights");
    report.detail +=
        &format!(" in {} blocks: {changed} of {total} codes are not the nearest", blocks.len());
    if errors[0] > 0.0 {
        let share = 100.0 * errors[1] / errors[0];
        report.detail += &format!(", {share:.1} % of the error of the nearest is left");
    }
    Ok(report)
}

/// The products of a block whose rounding is learned: one for weights that several share.
fn layers(graph: &Graph, block: &Block) -> Result<Vec<Layer>, PassError> {
    let mut layers: Vec<Layer> = Vec::new();
    for product in products(graph) {
        let name = graph.node(product.node).name.clone();
        let Some(quantizer) = product.weight_quantizer else { continue };
        let Some(rounded) = graph.node(quantizer).output(0) else { continue };
        let is_shared = layers.iter().any(|layer| layer.rounded == rounded);
        let is_here = block.nodes.contains(&product.node);
        if !is_here || is_shared {
            continue;
        }
        let Weights { weights, .. } = weights(graph, &name, &product, quantizer)?;
        let shape = weights.shape().to_vec();
        layers.push(Layer { name, product, quantizer, rounded, shape });
    }
    Ok(layers)
}

/// What the journal has, if it has all of a block.
fn known(layers: &[Layer], journal: &mut dyn Journal) -> Result<Option<Vec<Chosen>>, PassError> {
    layers.iter().map(|layer| journal.chosen(NAME, &layer.name)).collect()
}

/// What goes into a block of the quantized network, and what is behind it in the float one, which runs through it.
fn samples(
    float: &Graph,
    graph: &Graph,
    walk: &mut Walk<'_>,
    block: &Block,
) -> Result<Vec<Sample>, PassError> {
    let mut samples: Vec<Sample> = Vec::new();
    for &input in &block.inputs {
        let values = walk.values(graph, input)?;
        let none = || Sample { given: HashMap::new(), targets: Vec::new() };
        samples.resize_with(values.len(), none);
        for (sample, value) in samples.iter_mut().zip(values) {
            sample.given.insert(input, value.clone());
        }
    }
    for &id in &block.nodes {
        walk.step_float(id)?;
    }
    for &output in &block.outputs {
        let Some(values) = walk.float_values(unrounded(float, graph, output)) else { continue };
        for (sample, value) in samples.iter_mut().zip(values?) {
            sample.targets.push(match value {
                Tensor::F32(target) => target.clone(),
                // No float, and nothing to learn.
                _ => Gradient::zeros(ndarray::IxDyn(&[0, 1])),
            });
        }
    }
    Ok(samples)
}

/// The value of the float network that a value is the rounded form of.
fn unrounded(float: &Graph, graph: &Graph, value: ValueId) -> ValueId {
    let is_known = |id| float.producer(id).is_some() || float.inputs().contains(&id);
    let mut value = value;
    while !is_known(value)
        && let Some((node, _)) = graph.producer(value)
        && let Some(input) = graph.node(node).input(0)
    {
        value = input;
    }
    value
}

fn learn_one(
    graph: &Graph,
    block: &Block,
    layers: &[Layer],
    samples: Vec<Sample>,
    params: &BlockRoundParams,
    hear: &mut dyn FnMut(usize),
) -> Result<(Vec<Chosen>, Learned), PassError> {
    let failed = PassError::algorithm(&block.name);
    let of = |layer: &Layer| -> Result<(Weights, Grid), PassError> {
        let known = weights(graph, &layer.name, &layer.product, layer.quantizer)?;
        let (quantizer, parameters) = (&known.quantizer, &known.parameters);
        let grid = grid(quantizer, parameters, &layer.product, &known.weights, &known.matrix);
        let grid = grid.map_err(PassError::algorithm(&layer.name))?;
        check_scales(&layer.name, &params.round, &grid, &known)?;
        Ok((known, grid))
    };
    let known: Vec<(Weights, Grid)> = layers.iter().map(of).collect::<Result<_, _>>()?;
    let targets: Vec<Target<'_>> = known
        .iter()
        .map(|(weights, grid)| Target { weights: weights.matrix.view(), grid })
        .collect();
    let (batch, seed) = (params.batch.max(1), params.seed);
    let outputs = samples.first().into_iter().flat_map(|sample| &sample.targets);
    let width = outputs.filter_map(|y| y.shape().get(1).copied()).max().unwrap_or(1);
    // Where every step sees all samples, they are few, and looking is cheap.
    let check_every = match batch >= samples.len() {
        true => params.round.method.check_every(),
        false => params.round.steps.div_ceil(CHECKS).max(1),
    };
    let job = Job { graph, block, layers, samples, batch, seed };
    let objective = BlockObjective::new(job, hear);
    let extent = Extent { width, check_every };
    let learned = learn(&targets, &objective, &params.round, extent).map_err(failed)?;
    objective.finish()?;
    let found = known.iter().zip(&learned.layers).zip(&learned.grids);
    let chosen = found.map(|(((weights, grid), solution), learned)| Chosen {
        values: solution.values.clone(),
        scale: (params.round.scales != LearnedScales::Kept).then(|| learned.scale().to_owned()),
        count: not_nearest(grid, weights.matrix.view(), 0, solution.codes.view()),
        damping: 0.0,
    });
    Ok((chosen.collect(), learned))
}
