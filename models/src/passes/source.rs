//! What makes channels: products, and nodes that end with a factor per channel.

use ndarray::ArrayD;

use crate::graph::{Graph, Node, NodeId, Product, ValueId};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::PassError;

/// A node that ends with a factor, and maybe a summand, per channel: a normalization, or a multiplication with a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    /// The node.
    pub node: NodeId,
    /// The constant with the factors.
    pub scale: ValueId,
    /// The constant with the summands.
    pub bias: Option<ValueId>,
    /// What comes out.
    pub output: ValueId,
    /// Whether channels lie along axis 1, as in images; else along the last one.
    pub is_convolution: bool,
}

/// What makes channels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// A product: its output channels.
    Product(Product),
    /// Factors.
    Factors(Factors),
}

impl Source {
    /// The node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        match self {
            Self::Product(product) => product.node,
            Self::Factors(factors) => factors.node,
        }
    }

    /// What it makes.
    #[must_use]
    pub fn output(&self) -> ValueId {
        match self {
            Self::Product(product) => product.output,
            Self::Factors(factors) => factors.output,
        }
    }

    /// The product that it is.
    #[must_use]
    pub fn product(&self) -> Option<&Product> {
        match self {
            Self::Product(product) => Some(product),
            Self::Factors(_) => None,
        }
    }

    /// Whether channels lie along axis 1, as in images; else along the last one.
    #[must_use]
    pub fn is_convolution(&self) -> bool {
        match self {
            Self::Product(product) => product.is_convolution(),
            Self::Factors(factors) => factors.is_convolution,
        }
    }

    /// The weights or factors.
    #[must_use]
    pub fn weight(&self) -> ValueId {
        match self {
            Self::Product(product) => product.weight,
            Self::Factors(factors) => factors.scale,
        }
    }

    /// The summands, one per channel.
    #[must_use]
    pub fn bias(&self) -> Option<ValueId> {
        match self {
            Self::Product(product) => product.bias,
            Self::Factors(factors) => factors.bias,
        }
    }

    /// The constants that change when channels are scaled.
    pub(super) fn constants(&self) -> impl Iterator<Item = ValueId> + use<> {
        std::iter::once(self.weight()).chain(self.bias())
    }

    /// Channels that it makes.
    #[must_use]
    pub fn channels(&self, graph: &Graph) -> usize {
        let Some(data) = graph.data(self.weight()) else { return 0 };
        match self {
            Self::Product(product) => product.outputs(data.shape()),
            Self::Factors(_) => data.len(),
        }
    }
}

/// The factors that a node ends with, if it does.
pub(super) fn factors(graph: &Graph, id: NodeId, node: &Node) -> Option<Factors> {
    let constant = |at: usize| node.input(at).filter(|&value| graph.data(value).is_some());
    let row = |id: ValueId| (graph.data(id)?.shape().len() == 1).then_some(id);
    let (scale, bias, is_convolution) = match &node.op {
        // Over the last axis alone.
        Op::LayerNormalization(_) => (row(constant(1)?)?, node.input(2), false),
        Op::RMSNormalization(_) => (row(constant(1)?)?, None, false),
        Op::BatchNormalization(_) => (constant(1)?, node.input(2), true),
        // `x * [C]`, which a normalization in parts ends with.
        Op::Mul(_) => {
            let scale = constant(1).or(constant(0))?;
            let extents = graph.data(scale)?.shape();
            let channels = *extents.last()?;
            (extents.iter().product::<usize>() == channels && channels > 1)
                .then_some((scale, None, false))?
        }
        _ => return None,
    };
    if bias.is_some_and(|bias| graph.data(bias).is_none()) {
        return None;
    }
    Some(Factors { node: id, scale, bias, output: node.output(0)?, is_convolution })
}

/// The floats of a constant.
pub(super) fn floats(graph: &Graph, id: ValueId) -> Result<ArrayD<f32>, PassError> {
    let missing = || PassError::Missing(format!("`{}` is no initializer", graph.name_of(id)));
    let tensor: Tensor = graph.data(id).ok_or_else(missing)?.clone();
    tensor.try_into().map_err(PassError::tensor(graph.name_of(id)))
}
