//! Quantizers as QONNX's `Quant` and `BipolarQuant`.

use fewbit::formats::{Format, IntRange, Rounding};
use fewbit::quantize::{ScaleSource, ZeroPoint, ZeroPointSource};
use fewbit::tensor::Granularity;
use ndarray::{ArrayD, IxDyn};

use crate::graph::{Graph, Node, NodeId};
use crate::ops::{BipolarQuant, Op, Quant, QuantRounding, Quantize};
use crate::tensor::Tensor;

use super::ExportError;

/// The network with every quantizer as an operator of QONNX (`qonnx.custom_op.general`): `Quant` for integers, `BipolarQuant`
/// for -1 and 1. Weights stay floats, on the grid of their codes.
///
/// # Errors
/// A quantizer that QONNX cannot express: floats, scales computed from each tensor, scales in groups, other rounding.
pub fn to_qonnx(graph: &Graph) -> Result<Graph, ExportError> {
    let mut graph = graph.clone();
    let quantizers: Vec<NodeId> = graph
        .nodes()
        .filter(|(_, node)| matches!(node.op, Op::Quantize(_)))
        .map(|(id, _)| id)
        .collect();
    for id in quantizers {
        let node = graph.node(id).clone();
        let Op::Quantize(op) = &node.op else { continue };
        let failed = |problem: String| ExportError::Quantizer { node: node.name.clone(), problem };
        let (Some(input), Some(output)) = (node.input(0), node.output(0)) else { continue };
        let axes = match graph.data(input) {
            Some(data) => data.shape().len(),
            None => 0,
        };
        let (op, constants) = quant(op, axes).map_err(failed)?;
        graph.remove(id);
        let mut inputs = vec![Some(input)];
        for (what, tensor) in constants {
            inputs.push(Some(graph.add_constant(&format!("{}.{what}", node.name), tensor)));
        }
        graph.add_node(Node { name: node.name.clone(), op, inputs, outputs: vec![Some(output)] });
    }
    graph.sort()?;
    graph.infer()?;
    Ok(graph.compacted())
}

type Constants = Vec<(&'static str, Tensor)>;

/// A quantizer of a tensor of so many axes, with what it takes besides.
fn quant(op: &Quantize, axes: usize) -> Result<(Op, Constants), String> {
    let (scheme, policy) = (op.quantizer.scheme(), op.quantizer.policy());
    let ScaleSource::Given(scale) = &op.quantizer.scale_rule().source else {
        return Err("a scale that is computed from each tensor is not expressed".into());
    };
    let axis = match scheme.granularity {
        Granularity::Tensor => None,
        Granularity::Channel { axis } if axis >= 0 => Some(axis as usize),
        other => return Err(format!("scales {other} are not expressed")),
    };
    // Scales broadcast over the tensor.
    let like = |values: &ArrayD<f32>| -> Tensor {
        let flat: Vec<f32> = values.iter().copied().collect();
        let mut shape = vec![1; axis.map_or(0, |_| axes)];
        if let Some(place) = axis.and_then(|axis| shape.get_mut(axis)) {
            *place = flat.len();
        }
        match ArrayD::from_shape_vec(IxDyn(&shape), flat) {
            Ok(array) => array.into(),
            Err(_) => Tensor::scalar(1f32),
        }
    };
    let scale = ("scale", like(scale));
    let int = match scheme.format {
        Format::Int(int) => int,
        Format::Binary => return Ok((BipolarQuant::default().into(), vec![scale])),
        other => return Err(format!("codes of {other} are not expressed as integers")),
    };
    let rounding = match policy.rounding {
        Rounding::TiesEven => QuantRounding::HalfEven,
        Rounding::Up => QuantRounding::Ceil,
        Rounding::Down => QuantRounding::Floor,
        Rounding::TowardZero => QuantRounding::Down,
        Rounding::Away => QuantRounding::Up,
        Rounding::TiesAway => QuantRounding::HalfUp,
        Rounding::TiesZero => QuantRounding::HalfDown,
        other => return Err(format!("rounding {other} is not expressed")),
    };
    let zero = match &scheme.zero_point {
        ZeroPoint::Zero => Tensor::scalar(0f32),
        ZeroPoint::Shifted { source: ZeroPointSource::Given(zero), .. } => like(zero),
        _ => return Err("a zero point that is computed from each tensor is not expressed".into()),
    };
    let narrow = int.range() == IntRange::Narrow;
    let op = Quant { signed: int.is_signed(), narrow, rounding };
    let bits = Tensor::scalar(int.bits() as f32);
    Ok((op.into(), vec![scale, ("zero_point", zero), ("bits", bits)]))
}
