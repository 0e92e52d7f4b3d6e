//! Codes of weights, product after product, each chosen with what those before it have become.

use std::rc::Rc;

use fewbit::algorithms::{Grid, Statistics};
use fewbit::quantize::{Parameters, Quantizer, Restriction, ScaleSource};
use ndarray::{Array2, ArrayD};

use crate::exec::QuantizerMode;
use crate::graph::{Graph, NodeId, Product, ValueId, products};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::bias_correction::correct;
use super::journal::Chosen;
use super::statistics::{ProductInputs, statistics};
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
    inputs: Where<'a, 'b>,
    last: &'a mut Option<Shared>,
}

/// Where what a product takes comes from.
enum Where<'a, 'b> {
    /// The network, at the node that comes next.
    Network(&'a Walk<'b>),
    /// All steps of the loop that comes next: in the quantized network, and in the float one.
    Loop(&'a [Tensor], Option<&'a [Tensor]>),
}

impl Where<'_, '_> {
    fn inputs<'i>(
        &'i self,
        graph: &'i Graph,
        product: &Product,
    ) -> Result<ProductInputs<'i>, PassError> {
        Ok(match *self {
            Self::Network(walk) => ProductInputs::of(walk, graph, product)?,
            Self::Loop(quantized, float) => ProductInputs {
                quantized: quantized.iter().collect(),
                float: float.map(|float| float.iter().collect()),
            },
        })
    }
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

/// Why scales cannot be chosen with the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FixedScales {
    /// Output channels share them: there are so many.
    Shared(usize),
    /// They are codes, or numbers of some kind.
    Restricted,
}

impl Weights {
    /// Why the quantizer cannot hold other scales than its own for the rows of `grid`, if it cannot.
    pub(super) fn fixed_scales(&self, grid: &Grid) -> Option<FixedScales> {
        let rule = self.quantizer.scale_rule();
        let is_any = |restriction: &Restriction| {
            matches!(restriction, Restriction::Float | Restriction::LogFloat)
        };
        let is_code = matches!(rule.source, ScaleSource::Codes(_));
        if is_code || !is_any(&rule.restriction) || !is_any(&rule.ratio_restriction) {
            return Some(FixedScales::Restricted);
        }
        let count = self.parameters.scale.len();
        (count != grid.scale().len()).then_some(FixedScales::Shared(count))
    }
}

impl ChooseJob<'_> {
    /// Calls `choose` for each product with quantized weights, in the order in which they run, with the graph that it lies in: the
    /// network, or the body of a loop.
    ///
    /// ```text
    /// for each node:   if it is such a product: choose its codes, quantize its weights anew
    ///                  if it is a loop: for each such product of its body: run all steps on all batches, choose its codes
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
        let chosen = |product: &&Product| product.weight_quantizer.is_some();
        let within = |(id, _)| products_within(graph, id).iter().filter(chosen).count();
        let total = all.iter().filter(chosen).count() + graph.nodes().map(within).sum::<usize>();
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
                let (inputs, last) = (Where::Network(&walk), &mut last);
                choose(graph, &mut Known { name, product, quantizer, inputs, last })?;
                // The quantizer of the weights has run already: what it gave is not what it gives now.
                walk.rerun(graph, quantizer)?;
                done += 1;
            }
            for product in products_within(graph, id) {
                let Some(quantizer) = product.weight_quantizer else { continue };
                progress(done, total);
                let (quantized, float) = walk.inputs_within(graph, id, &product)?;
                let Op::Scan(scan) = &mut graph.node_mut(id).op else { continue };
                let name = scan.body.node(product.node).name.clone();
                let inputs = Where::Loop(&quantized, float.as_deref());
                let (product, last) = (&product, &mut None);
                choose(&mut scan.body, &mut Known { name, product, quantizer, inputs, last })?;
                done += 1;
            }
            if done == total && self.means.is_none() {
                break;
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

/// The products of the body of a loop, if a node is one.
fn products_within(graph: &Graph, id: NodeId) -> Vec<Product> {
    match &graph.node(id).op {
        Op::Scan(scan) => products(&scan.body),
        _ => Vec::new(),
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
        let inputs = self.inputs.inputs(graph, self.product)?;
        let found = Rc::new(statistics(graph, &inputs, self.product, &self.name)?);
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
