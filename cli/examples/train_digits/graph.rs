//! The convolutional network as a graph, for an ONNX file.

use fewbit_models::graph::{Graph, GraphError, ValueId};
use fewbit_models::ops::{Add, Conv, Dim, Fact, Flatten, Gemm, GlobalAveragePool, Padding, Relu};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{ArrayD, IxDyn, ShapeError};

use crate::convolutional::{self, Network, SUMMANDS};

/// The operator set of the file.
pub(crate) const OPSET: i64 = 17;

/// The network on images `[batch, 1, 8, 8]` of counts.
pub(crate) fn graph(network: &Network) -> Result<Graph, Box<dyn std::error::Error>> {
    let mut graph = Graph::new("cnn");
    let shape = vec![Dim::Named("batch".into()), 1.into(), 8.into(), 8.into()];
    let mut values = vec![graph.add_input("image", Fact::new(ElementType::F32, shape))];
    for (index, conv) in network.convs.iter().enumerate() {
        let mut y = convolution(&mut graph, conv, values[index])?;
        if let Some(&(_, from)) = SUMMANDS.iter().find(|(to, _)| *to == index + 1) {
            y = graph.add(&format!("{}.sum", conv.name), Add {}, &[y, values[from]]);
        }
        values.push(graph.add(&format!("{}.relu", conv.name), Relu {}, &[y]));
    }
    let last = values[network.convs.len()];
    let mean = graph.add("mean", GlobalAveragePool {}, &[last]);
    let flat = graph.add("flat", Flatten::default(), &[mean]);
    let channels = network.weights.len() / network.bias.len();
    let w = tensor(&[network.bias.len(), channels], &network.weights)?;
    let w = graph.add_constant("fc.weight", w);
    let b = graph.add_constant("fc.bias", Tensor::vector(network.bias.clone()));
    let y = graph.add("fc", Gemm { transpose_b: true, ..Gemm::default() }, &[flat, w, b]);
    graph.add_output(y);
    finished(&mut graph)?;
    Ok(graph.compacted())
}

fn finished(graph: &mut Graph) -> Result<(), GraphError> {
    graph.sort()?;
    graph.infer()
}

fn convolution(
    graph: &mut Graph,
    conv: &convolutional::Conv,
    x: ValueId,
) -> Result<ValueId, ShapeError> {
    let shape = [conv.outputs, conv.inputs / conv.groups, conv.kernel, conv.kernel];
    let w = tensor(&shape, &conv.weights)?;
    let w = graph.add_constant(&format!("{}.weight", conv.name), w);
    let b = Tensor::vector(conv.bias.clone());
    let b = graph.add_constant(&format!("{}.bias", conv.name), b);
    let padding = Padding { pads: vec![conv.kernel / 2; 4], ..Padding::default() };
    let strides = vec![conv.stride; 2];
    let op = Conv { groups: conv.groups, padding, strides, ..Conv::default() };
    Ok(graph.add(conv.name, op, &[x, w, b]))
}

fn tensor(shape: &[usize], values: &[f32]) -> Result<Tensor, ShapeError> {
    Ok(ArrayD::from_shape_vec(IxDyn(shape), values.to_vec())?.into())
}
