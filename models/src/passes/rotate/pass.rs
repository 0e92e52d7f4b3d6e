//! The pass.

use std::collections::{BTreeMap, BTreeSet};

use fewbit::algorithms::rotate::{CayleyParams, HadamardOrder, Orders, Rotation, expanded_order};
use fewbit::quantize::Quantizer;

use crate::graph::{Graph, NodeId, Product, ValueId, products};

use super::super::{PassError, PassReport};
use super::attention::attention_values;
use super::constants::rotate_constants;
use super::descent::Descent;
use super::online::Online;
use super::params::{OrphanSinks, RotateParams, RotationKind, RotationMode, SdpaRegions};
use super::stream::{Stream, Use};

/// Rotates activations, and weights with them: the float function stays, up to rounding.
///
/// Fused: every stream between products that lets rotations through (the residual stream of a transformer) gets one, of the
/// number of its channels; with [`SdpaRegions::Rotate`] the values of attention one per head, the same for all heads. Random
/// orthogonal where the mode says so or there is no Hadamard matrix of that size. Then, with [`OrphanSinks::Rotate`] or
/// [`RotationKind::Layerwise`], the inputs of the other products by Hadamard nodes; those of a size without a matrix stay. At
/// last the products named in `layers_to_expand`: padded to a greater order and rotated by nodes, also where a fused rotation
/// reached them before.
///
/// Factors of normalizations, and means that they subtract, are taken away before: [`untie_weights`](super::untie_weights),
/// then the passes that merge norms. What kept rotations out is in the report.
///
/// # Errors
/// Nothing to rotate, with the reason; a name to expand that no product has; weights that are quantized already.
pub fn rotate(graph: &mut Graph, params: &RotateParams) -> Result<PassReport, PassError> {
    Ok(rotate_and_tell(graph, params)?.0)
}

/// A rotation that was fused.
#[derive(Clone, Debug)]
pub(super) struct Fused {
    /// Channels that it turns.
    pub(super) block: usize,
    /// The constants that it is in.
    pub(super) uses: Vec<Use>,
}

/// The same, with the rotations that were fused.
pub(super) fn rotate_and_tell(
    graph: &mut Graph,
    params: &RotateParams,
) -> Result<(PassReport, Vec<Fused>), PassError> {
    Work { seed: params.seed, ..Work::default() }.run(graph, params)
}

/// [`rotate`], with fused rotations that are found by descent on the error of rounding weights:
///
/// ```text
/// L(R) = sum over weights M of |M R - Q(M R)|² / |M|²
/// ```
///
/// over the products that make and take a stream, of at most 512 rows or columns each, from the rotation of [`rotate`] on, by
/// [`cayley_sgd`](fewbit::algorithms::rotate::cayley_sgd); never worse than the start. [`rotate_for_loss`](super::rotate_for_loss)
/// descends on the loss of the whole model instead.
///
/// # Errors
/// As [`rotate`]; [`RotationKind::Layerwise`], which has nothing to descend on; weights that the quantizer refuses; parameters out
/// of their range.
pub fn rotate_for_weights(
    graph: &mut Graph,
    params: &RotateParams,
    quantizer: &Quantizer,
    cayley: &CayleyParams,
) -> Result<PassReport, PassError> {
    if params.kind == RotationKind::Layerwise {
        let problem = "only fused rotations are found by descent: expected fx or fused_no_fx";
        return Err(PassError::Missing(problem.into()));
    }
    let descent = Some(Descent::new(quantizer, *cayley)?);
    Ok(Work { seed: params.seed, descent, ..Work::default() }.run(graph, params)?.0)
}

impl Work {
    fn run(
        mut self,
        graph: &mut Graph,
        params: &RotateParams,
    ) -> Result<(PassReport, Vec<Fused>), PassError> {
        graph.infer()?;
        let expanded = to_expand(graph, &params.layers_to_expand)?;
        if params.kind != RotationKind::Layerwise {
            self.fuse(graph, params)?;
        }
        if params.kind == RotationKind::Layerwise || params.orphan_sinks == OrphanSinks::Rotate {
            self.rotate_orphans(graph, &expanded)?;
        }
        self.expand(graph, &expanded, params.expansion_step)?;
        graph.sort()?;
        graph.infer()?;
        let fused = std::mem::take(&mut self.fused);
        Ok((self.report()?, fused))
    }
}

/// The products whose names have one of these parts.
fn to_expand(graph: &Graph, parts: &[String]) -> Result<BTreeSet<NodeId>, PassError> {
    let mut found = BTreeSet::new();
    for part in parts {
        let named = |product: &Product| {
            !product.is_convolution() && graph.node(product.node).name.contains(part.as_str())
        };
        let named: Vec<_> = products(graph).into_iter().filter(named).collect();
        if named.is_empty() {
            let problem = format!("no matrix product to expand has `{part}` in its name");
            return Err(PassError::Missing(problem));
        }
        found.extend(named.iter().map(|product| product.node));
    }
    Ok(found)
}

#[derive(Default)]
struct Work {
    seed: u64,
    descent: Option<Descent>,
    /// The loss of each stream before and after descent.
    losses: Vec<[f64; 2]>,
    fused: Vec<Fused>,
    /// Channels of the streams that were rotated.
    streams: Vec<usize>,
    heads: Vec<usize>,
    sources: usize,
    sinks: BTreeSet<NodeId>,
    online: Online,
    orphans: usize,
    expanded: usize,
    copies: usize,
    /// Sizes without a Hadamard matrix: those that got an orthogonal one, and how many products were left.
    orthogonal: BTreeSet<usize>,
    left: BTreeMap<usize, usize>,
    /// Why streams stay as they are.
    problems: Vec<String>,
}

impl Work {
    fn fuse(&mut self, graph: &mut Graph, params: &RotateParams) -> Result<(), PassError> {
        let inputs = products(graph).into_iter().filter(|product| !product.is_convolution());
        let whole = inputs.filter_map(|product| {
            let data = graph.data(product.weight)?;
            Some((product.input, data.shape()[product.input_axis()]))
        });
        let whole: Vec<_> = whole.filter(|&(_, size)| size > 1).collect();
        let streams = self.streams_through(graph, &whole);
        self.streams = streams.iter().map(|stream| stream.block).collect();
        self.fuse_all(graph, &streams, params.mode)?;
        if params.sdpa_regions == SdpaRegions::Rotate {
            let streams = self.streams_through(graph, &attention_values(graph));
            self.heads = streams.iter().map(|stream| stream.block).collect();
            self.fuse_all(graph, &streams, params.mode)?;
        }
        Ok(())
    }

    /// The streams through values, each once.
    fn streams_through(&mut self, graph: &Graph, values: &[(ValueId, usize)]) -> Vec<Stream> {
        let mut seen: BTreeSet<ValueId> = BTreeSet::new();
        let mut streams = Vec::new();
        for &(value, block) in values {
            if !seen.insert(value) {
                continue;
            }
            match Stream::through(graph, value, block) {
                Ok(stream) => {
                    seen.extend(&stream.values);
                    streams.push(stream);
                }
                Err(problem) => self.problems.push(problem),
            }
        }
        streams
    }

    fn fuse_all(
        &mut self,
        graph: &mut Graph,
        streams: &[Stream],
        mode: RotationMode,
    ) -> Result<(), PassError> {
        for stream in streams {
            let mut rotation = self.rotation(stream.block, mode)?;
            if let Some(descent) = &self.descent {
                let (found, losses) = descent.run(graph, stream, &rotation)?;
                rotation = found;
                self.losses.push(losses);
            }
            let uses = stream.sources.iter().chain(&stream.sinks);
            self.copies += rotate_constants(graph, uses.clone(), &rotation)?;
            self.fused.push(Fused { block: stream.block, uses: uses.copied().collect() });
            self.sources += stream.sources.len();
            self.sinks.extend(stream.sinks.iter().map(|sink| sink.node));
        }
        Ok(())
    }

    fn rotation(&mut self, size: usize, mode: RotationMode) -> Result<Rotation, PassError> {
        let seed = self.seed;
        self.seed = self.seed.wrapping_add(1);
        let made = match (mode, HadamardOrder::new(size)) {
            (RotationMode::Hadamard, Ok(_)) => Rotation::hadamard(size),
            (mode, _) => {
                if mode == RotationMode::Hadamard {
                    self.orthogonal.insert(size);
                }
                Rotation::random_orthogonal(size, seed)
            }
        };
        made.map_err(PassError::algorithm("a rotation"))
    }

    fn rotate_orphans(
        &mut self,
        graph: &mut Graph,
        expanded: &BTreeSet<NodeId>,
    ) -> Result<(), PassError> {
        for product in products(graph) {
            let done = self.sinks.contains(&product.node) || expanded.contains(&product.node);
            if done || product.is_convolution() {
                continue;
            }
            let size = inputs_of(graph, &product)?;
            if size > 1 && HadamardOrder::new(size).is_ok() {
                self.copies += self.online.rotate(graph, &product, size)?;
                self.orphans += 1;
            } else {
                *self.left.entry(size).or_default() += 1;
            }
        }
        Ok(())
    }

    fn expand(
        &mut self,
        graph: &mut Graph,
        expanded: &BTreeSet<NodeId>,
        steps: usize,
    ) -> Result<(), PassError> {
        for product in products(graph).into_iter().filter(|p| expanded.contains(&p.node)) {
            let size = inputs_of(graph, &product)?;
            let wrong = PassError::algorithm(&graph.node(product.node).name);
            let order = expanded_order(size, steps, Orders::Published).map_err(wrong)?;
            self.copies += self.online.rotate(graph, &product, order)?;
            self.expanded += 1;
        }
        Ok(())
    }

    fn report(self) -> Result<PassReport, PassError> {
        let changed = self.streams.len() + self.heads.len() + self.orphans + self.expanded;
        let mut parts = Vec::new();
        let mut say = |count: usize, what: &str| {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        };
        say(self.streams.len(), "streams of channels with a rotation in their weights");
        say(self.heads.len(), "attentions with one in the weights of their values");
        say(self.sources, "weights, tables and biases rotated as sources");
        say(self.sinks.len(), "products as sinks");
        say(self.orphans, "products with a rotation in front");
        say(self.expanded, "products expanded");
        say(self.copies, "shared weights copied");
        for size in &self.orthogonal {
            parts.push(format!("no Hadamard matrix of {size}: a random orthogonal one"));
        }
        for (size, count) in &self.left {
            parts.push(format!("{count} products of {size} inputs left: no Hadamard matrix"));
        }
        if !self.losses.is_empty() {
            let [before, after] = [0, 1].map(|i| self.losses.iter().map(|l| l[i]).sum::<f64>());
            parts.push(format!("squared relative error of weights from {before:.4} to {after:.4}"));
        }
        let factors = self.problems.iter().find(|problem| problem.contains("merged first"));
        let reason = factors.or_else(|| self.problems.first().filter(|_| changed == 0));
        if let Some(reason) = reason {
            parts.push(format!("kept out: {reason}"));
        }
        let detail = parts.join("; ");
        if changed == 0 {
            let why = if detail.is_empty() { "no matrix products" } else { &detail };
            return Err(PassError::Missing(format!("there is nothing to rotate: {why}")));
        }
        Ok(PassReport { name: "rotate", changed, detail })
    }
}

/// Inputs of a product, whose weights must not be quantized yet.
fn inputs_of(graph: &Graph, product: &Product) -> Result<usize, PassError> {
    if product.weight_quantizer.is_some() {
        let name = &graph.node(product.node).name;
        let problem = format!("`{name}` is quantized already: rotations come first");
        return Err(PassError::Missing(problem));
    }
    let data = graph.data(product.weight);
    Ok(data.map_or(0, |data| data.shape()[Use::sink(product).axis]))
}
