//! Codes of weights, product after product, each chosen with what those before it have become.

use std::rc::Rc;

use fewbit::algorithms::Statistics;
use fewbit::quantize::{Parameters, Quantizer};
use ndarray::{Array2, ArrayD};

use crate::exec::QuantizerMode;
use crate::graph::{Graph, NodeId, Product, ProductLayout, ValueId, products};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::bias_correction::correct;
use super::journal::Chosen;
use super::statistics::statistics;
use super::walk::Walk;
use super::weights::{fixed, weights_of};
use super::{ChannelMeans, PassError};

/// What products see of the quantized network while codes are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SolveInputs {
    /// Activations as their quantizers round them.
    #[default]
    Rounded,
    /// Activations that nothing rounds, behind quantized weights: GPTQ's in Brevitas unless it is told otherwise.
    Unrounded,
}

/// What runs beside the quantized network.
pub(super) enum Beside<'a> {
    /// Nothing.
    Nothing,
    /// The float network, for pairs of inputs.
    Float(&'a Graph),
}

/// Chooses the codes of all products.
pub(super) struct ChooseJob<'a> {
    pub(super) beside: Beside<'a>,
    pub(super) batches: &'a [Vec<Tensor>],
    pub(super) inputs: SolveInputs,
    /// Biases are corrected on the way to these means.
    pub(super) means: Option<&'a ChannelMeans>,
}

/// What is known of a product whose codes are to be chosen.
pub(super) struct Known<'a, 'b> {
    pub(super) name: String,
    pub(super) product: &'a Product,
    quantizer: NodeId,
    walk: &'a Walk<'b>,
    last: &'a mut Option<Shared>,
}

/// The statistics of the last input, which several products may take.
struct Shared {
    input: ValueId,
    statistics: Rc<Statistics>,
}

/// The weights of a product and how they are quantized.
pub(super) struct Weights {
    pub(super) weights: ArrayD<f32>,
    /// `[out, in / groups * kernel]`.
    pub(super) matrix: Array2<f32>,
    pub(super) quantizer: Quantizer,
    pub(super) parameters: Parameters,
}

impl ChooseJob<'_> {
    /// Calls `choose` for each product with quantized weights, but for transposed convolutions, in the order in which they run.
    ///
    /// ```text
    /// for each node:   if it is such a product: choose its codes, quantize its weights anew
    ///                  run it on all batches, in both networks
    ///                  if biases are corrected: shift its bias and what it gave
    /// ```
    ///
    /// Nothing runs behind the last product that is chosen, unless a bias is to be corrected there.
    pub(super) fn run(
        &self,
        graph: &mut Graph,
        progress: &mut dyn FnMut(usize, usize),
        choose: &mut dyn FnMut(&mut Graph, &mut Known<'_, '_>) -> Result<(), PassError>,
    ) -> Result<(), PassError> {
        let all = products(graph);
        let chosen = |product: &&Product| {
            product.weight_quantizer.is_some() && product.layout != ProductLayout::ConvTranspose
        };
        let total = all.iter().filter(chosen).count();
        let mode = match self.inputs {
            SolveInputs::Rounded => QuantizerMode::Apply,
            SolveInputs::Unrounded => QuantizerMode::Constants,
        };
        let mut walk = match self.beside {
            Beside::Nothing => Walk::quantized(graph, self.batches, mode)?,
            Beside::Float(float) => Walk::pairs(float, graph, self.batches, mode)?,
        };
        let (mut done, mut last) = (0, None);
        for id in graph.order().to_vec() {
            let product = all.iter().find(|product| product.node == id);
            if let Some(product) = product.filter(chosen)
                && let Some(quantizer) = product.weight_quantizer
            {
                progress(done, total);
                let name = graph.node(id).name.clone();
                let (walk_now, last) = (&walk, &mut last);
                choose(graph, &mut Known { name, product, quantizer, walk: walk_now, last })?;
                // The quantizer of the weights has run already: what it gave is not what it gives now.
                walk.rerun(graph, quantizer)?;
                done += 1;
                if done == total && self.means.is_none() {
                    break;
                }
            }
            walk.step(graph, id)?;
            if let (Some(product), Some(means)) = (product, self.means)
                && product.weight_quantizer.is_some()
            {
                correct(means, graph, &mut walk, product)?;
            }
        }
        progress(total, total);
        graph.sort()?;
        Ok(())
    }
}

impl Known<'_, '_> {
    /// The product's weights with their quantizer.
    pub(super) fn weights(&self, graph: &Graph) -> Result<Weights, PassError> {
        weights(graph, &self.name, self.product, self.quantizer)
    }

    /// The statistics of its inputs; those of one input that several matrix products take are collected once.
    pub(super) fn statistics(&mut self, graph: &Graph) -> Result<Rc<Statistics>, PassError> {
        let input = self.product.input;
        let is_shared = !self.product.is_convolution();
        if let Some(shared) = self.last.as_ref().filter(|last| is_shared && last.input == input) {
            return Ok(Rc::clone(&shared.statistics));
        }
        // Those of the input before are not needed any more.
        *self.last = None;
        let found = Rc::new(statistics(graph, self.walk, self.product, &self.name)?);
        if is_shared {
            *self.last = Some(Shared { input, statistics: Rc::clone(&found) });
        }
        Ok(found)
    }

    /// Puts what was chosen into the graph.
    pub(super) fn set(&self, graph: &mut Graph, chosen: &Chosen) -> Result<(), PassError> {
        set(graph, &self.name, (self.product, self.quantizer), chosen)
    }
}

/// The weights of a product with their quantizer.
pub(super) fn weights(
    graph: &Graph,
    name: &str,
    product: &Product,
    quantizer: NodeId,
) -> Result<Weights, PassError> {
    let weights = weights_of(graph, product)?;
    let matrix = product.matrix(&weights);
    let Op::Quantize(op) = &graph.node(quantizer).op else {
        return Err(PassError::Missing(format!("`{name}` has no quantizer of its weights")));
    };
    let quantizer = op.quantizer.clone();
    let parameters = quantizer.parameters(&weights.view()).map_err(PassError::quantize(name))?;
    Ok(Weights { weights, matrix, quantizer, parameters })
}

/// Puts what was chosen for a product into the graph.
pub(super) fn set(
    graph: &mut Graph,
    name: &str,
    (product, node): (&Product, NodeId),
    chosen: &Chosen,
) -> Result<(), PassError> {
    let Weights { weights, matrix, quantizer, mut parameters } =
        weights(graph, name, product, node)?;
    let (found, expected) = (chosen.values.dim(), matrix.dim());
    if found != expected {
        let problem =
            format!("what was chosen for `{name}` is {found:?}, and its weights are {expected:?}");
        return Err(PassError::Missing(problem));
    }
    if let Some(scale) = &chosen.scale
        && parameters.scale.len() == scale.len()
    {
        parameters.scale.iter_mut().zip(scale).for_each(|(to, from)| *to = *from);
        let kept = fixed(&quantizer, parameters).map_err(PassError::quantize(name))?;
        if let Op::Quantize(op) = &mut graph.node_mut(node).op {
            op.quantizer = kept;
        }
    }
    let weights = product.weights(&chosen.values, weights.shape());
    graph.set_data(product.weight, weights);
    Ok(())
}
