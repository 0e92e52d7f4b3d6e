//! Nodes that multiply their input with constant weights, all seen the same way.

use fewbit::Accumulator;
use ndarray::{Array2, ArrayD, Axis, IxDyn};

use crate::ops::Op;

use super::{Graph, Node, NodeId, ValueId};

/// How the weights of a node lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProductLayout {
    /// `[out, in / groups, kernel...]`: Conv.
    Conv,
    /// `[in, out / groups, kernel...]`: ConvTranspose.
    ConvTranspose,
    /// `[out, in]`: Gemm with a transposed B.
    Rows,
    /// `[in, out]`: MatMul, and Gemm.
    Columns,
}

impl ProductLayout {
    /// The axis of the weights along which the output channels lie; those of one group, of a ConvTranspose.
    #[must_use]
    pub fn output_axis(self) -> usize {
        match self {
            Self::Conv | Self::Rows => 0,
            Self::ConvTranspose | Self::Columns => 1,
        }
    }

    /// Whether channels lie along axis 1 of input and output, and positions behind it.
    #[must_use]
    pub fn is_convolution(self) -> bool {
        matches!(self, Self::Conv | Self::ConvTranspose)
    }

    /// Output channels of weights of this shape.
    #[must_use]
    pub fn outputs(self, groups: usize, shape: &[usize]) -> usize {
        match self {
            Self::ConvTranspose => shape[1] * groups,
            _ => shape[self.output_axis()],
        }
    }

    /// The weights as `[out, in / groups * kernel]`.
    ///
    /// Output channels of a group lie side by side; columns ascend as (channel, kernel) of the group's inputs, which is the order in
    /// which an accumulator takes their products. A ConvTranspose is a convolution with every kernel turned round: its last weight
    /// comes first.
    ///
    /// ```
    /// use fewbit_models::graph::ProductLayout;
    /// use ndarray::{ArrayD, IxDyn, arr2};
    /// // Two inputs, one output, three taps.
    /// let weights = ArrayD::from_shape_vec(IxDyn(&[2, 1, 3]), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    /// let matrix = ProductLayout::ConvTranspose.matrix(1, &weights);
    /// assert_eq!(matrix, arr2(&[[3.0, 2.0, 1.0, 6.0, 5.0, 4.0]]));
    /// assert_eq!(ProductLayout::ConvTranspose.weights(1, &matrix, &[2, 1, 3]), weights);
    /// # Ok::<(), ndarray::ShapeError>(())
    /// ```
    #[must_use]
    pub fn matrix(self, groups: usize, weights: &ArrayD<f32>) -> Array2<f32> {
        let shape = weights.shape();
        let out = self.outputs(groups, shape);
        let moved = match self {
            Self::Conv | Self::Rows => weights.view(),
            Self::Columns => weights.view().reversed_axes(),
            Self::ConvTranspose => {
                let (channels, per_group, kernel) = transposed_extents(groups, shape);
                let flat = weights.as_standard_layout();
                let flat = flat.as_slice().unwrap_or_default();
                return Array2::from_shape_fn((out, channels * kernel), |(row, column)| {
                    let (group, o) = (row / per_group, row % per_group);
                    let (c, k) = (column / kernel, kernel - 1 - column % kernel);
                    flat[((group * channels + c) * per_group + o) * kernel + k]
                });
            }
        };
        let columns = weights.len().checked_div(out).unwrap_or(0);
        let elements = moved.iter().copied().collect();
        Array2::from_shape_vec((out, columns), elements).unwrap_or_default()
    }

    /// Weights of this shape from their matrix.
    #[must_use]
    pub fn weights(self, groups: usize, matrix: &Array2<f32>, shape: &[usize]) -> ArrayD<f32> {
        match self {
            Self::Conv | Self::Rows => {
                let elements = matrix.iter().copied().collect();
                ArrayD::from_shape_vec(IxDyn(shape), elements).unwrap_or_default()
            }
            Self::Columns => matrix.t().as_standard_layout().into_owned().into_dyn(),
            Self::ConvTranspose => {
                let (channels, per_group, kernel) = transposed_extents(groups, shape);
                let mut weights = Vec::with_capacity(matrix.len());
                for c in 0..shape[0] {
                    let (group, c) = (c / channels.max(1), c % channels.max(1));
                    for o in 0..per_group {
                        let row = matrix.row(group * per_group + o);
                        let taps = c * kernel..(c + 1) * kernel;
                        weights.extend(taps.rev().filter_map(|at| row.get(at)));
                    }
                }
                ArrayD::from_shape_vec(IxDyn(shape), weights).unwrap_or_default()
            }
        }
    }
}

/// Input channels of a group, output channels of a group, and weights of the kernel, of a ConvTranspose.
fn transposed_extents(groups: usize, shape: &[usize]) -> (usize, usize, usize) {
    (shape[0] / groups.max(1), shape[1], shape[2..].iter().product())
}

/// A node that multiplies its input with constant weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The node.
    pub node: NodeId,
    /// How the weights lie.
    pub layout: ProductLayout,
    /// Groups of channels.
    pub groups: usize,
    /// What is multiplied with the weights.
    pub input: ValueId,
    /// The initializer with the weights.
    pub weight: ValueId,
    /// The node that quantizes the weights, if one does.
    pub weight_quantizer: Option<NodeId>,
    /// The initializer with the bias, of one element per output channel.
    pub bias: Option<ValueId>,
    /// The node that quantizes the bias, if one does.
    pub bias_quantizer: Option<NodeId>,
    /// The sums.
    pub output: ValueId,
}

/// The nodes that multiply with constant weights, in the order in which they run.
#[must_use]
pub fn products(graph: &Graph) -> Vec<Product> {
    graph.nodes().filter_map(|(id, node)| Product::of(graph, id, node)).collect()
}

/// The nodes whose products an accumulator sums: those that multiply with constant weights, and products of two values that are
/// computed; in the order in which they run.
#[must_use]
pub fn multiplying(graph: &Graph) -> Vec<NodeId> {
    let sums = |id: NodeId, node: &Node| {
        matches!(node.op, Op::MatMul(_)) || Product::of(graph, id, node).is_some()
    };
    graph.nodes().filter(|&(id, node)| sums(id, node)).map(|(id, _)| id).collect()
}

impl Graph {
    /// Sums with this accumulator the products of all nodes that multiply, in graphs within nodes too.
    pub fn set_accumulators(&mut self, accumulator: &Accumulator) {
        for id in multiplying(self) {
            self.set_accumulator(id, accumulator.clone());
        }
        for id in self.order().to_vec() {
            for graph in self.node_mut(id).op.graphs_mut() {
                graph.set_accumulators(accumulator);
            }
        }
    }
}

impl Product {
    /// The view of a node, if it multiplies with constant weights.
    #[must_use]
    pub fn of(graph: &Graph, id: NodeId, node: &Node) -> Option<Self> {
        let (layout, groups) = match &node.op {
            Op::Conv(conv) => (ProductLayout::Conv, conv.groups),
            Op::ConvTranspose(op) => (ProductLayout::ConvTranspose, op.groups),
            Op::Gemm(gemm) if gemm.alpha == 1.0 && gemm.beta == 1.0 && !gemm.transpose_a => {
                (if gemm.transpose_b { ProductLayout::Rows } else { ProductLayout::Columns }, 1)
            }
            Op::MatMul(_) => (ProductLayout::Columns, 1),
            _ => return None,
        };
        let (weight, weight_quantizer) = constant(graph, node.input(1)?)?;
        if matches!(node.op, Op::MatMul(_)) && graph.data(weight)?.shape().len() != 2 {
            return None;
        }
        let bias = match node.input(2) {
            None => None,
            Some(bias) => Some(constant(graph, bias)?),
        };
        Some(Self {
            node: id,
            layout,
            groups,
            input: node.input(0)?,
            weight,
            weight_quantizer,
            bias: bias.map(|(value, _)| value),
            bias_quantizer: bias.and_then(|(_, quantizer)| quantizer),
            output: node.output(0)?,
        })
    }

    /// The axis of the weights along which the output channels lie; those of one group, of a ConvTranspose.
    #[must_use]
    pub fn output_axis(&self) -> usize {
        self.layout.output_axis()
    }

    /// The axis of the weights along which the input channels lie; those of one group, of a Conv.
    #[must_use]
    pub fn input_axis(&self) -> usize {
        1 - self.output_axis()
    }

    /// Output channels of weights of this shape.
    #[must_use]
    pub fn outputs(&self, shape: &[usize]) -> usize {
        self.layout.outputs(self.groups, shape)
    }

    /// Input channels of weights of this shape.
    #[must_use]
    pub fn inputs(&self, shape: &[usize]) -> usize {
        match self.layout {
            ProductLayout::Conv => shape[1] * self.groups,
            _ => shape[self.input_axis()],
        }
    }

    /// Whether channels lie along axis 1 of input and output, and positions behind it.
    #[must_use]
    pub fn is_convolution(&self) -> bool {
        self.layout.is_convolution()
    }

    /// Whether each output channel sees one input channel.
    #[must_use]
    pub fn is_depthwise(&self, shape: &[usize]) -> bool {
        self.layout == ProductLayout::Conv && shape[1] == 1 && self.groups > 1
    }

    /// The weights as `[out, in / groups * kernel]`, the matrix that a problem takes: see [`ProductLayout::matrix`].
    #[must_use]
    pub fn matrix(&self, weights: &ArrayD<f32>) -> Array2<f32> {
        self.layout.matrix(self.groups, weights)
    }

    /// Weights of this shape from their matrix.
    #[must_use]
    pub fn weights(&self, matrix: &Array2<f32>, shape: &[usize]) -> ArrayD<f32> {
        self.layout.weights(self.groups, matrix, shape)
    }
}

/// The initializer that a value is, or that it is the quantized form of, with the node that quantizes it.
fn constant(graph: &Graph, value: ValueId) -> Option<(ValueId, Option<NodeId>)> {
    if graph.data(value).is_some() {
        return Some((value, None));
    }
    let (id, _) = graph.producer(value)?;
    let node = graph.node(id);
    let input = node.input(0)?;
    let is_quantizer = matches!(node.op, Op::Quantize(_)) && graph.data(input).is_some();
    is_quantizer.then_some((input, Some(id)))
}

/// Multiplies the slices along an axis with factors.
pub(crate) fn scale_axis(array: &mut ArrayD<f32>, axis: usize, factors: impl Fn(usize) -> f32) {
    for (index, mut slice) in array.axis_iter_mut(Axis(axis)).enumerate() {
        let factor = factors(index);
        slice.mapv_inplace(|x| x * factor);
    }
}
