//! `QuantizeLinear`, `Clip` and `DequantizeLinear`, and QONNX's operators, as quantizers.

use fewbit::formats::{Format, Overflow};
use fewbit::quantize::Quantizer;
use fewbit::tensor::Granularity;
use ndarray::{ArrayD, IxDyn};

use crate::graph::{Graph, GraphError, Node, ValueId};
use crate::ops::{DequantizeLinear, Inputs, Op, Quantize};
use crate::tensor::{ElementType, Tensor};

use super::parts::{NEAREST, named, quantizer};
use super::qonnx::{bipolar, float, quant, steps};
use super::stored::load_stored_weights;
use super::transposed::transpose_constants;

/// Turns the operators that files write quantizers with into [`Quantize`] nodes, so that such a network is what this crate's
/// own quantization makes; how many there were.
///
/// - `DequantizeLinear` of constant codes: a constant of their values, and a quantizer that gives these codes.
/// - `QuantizeLinear`, perhaps `Clip`, and `DequantizeLinear` with the same constant scale and zero point.
/// - QONNX's `Quant`, `BipolarQuant` and `FloatQuant` with constant scale, zero point and bits.
/// - `MultiThreshold` and a product with a constant scale, where the thresholds are those of a quantizer.
///
/// A `Transpose` of such a constant is done once and for all, so that a product takes the quantizer's codes.
///
/// What this crate's own files have as codes in front of its quantizers is loaded first ([`load_stored_weights`]).
///
/// What has another form stays as it is, and is computed in floats.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn recognize_quantizers(graph: &mut Graph) -> Result<usize, GraphError> {
    let mut count = load_stored_weights(graph)?;
    for id in graph.order().to_vec() {
        for inner in graph.node_mut(id).op.graphs_mut() {
            count += recognize_quantizers(inner)?;
        }
    }
    for id in graph.order().to_vec() {
        if !graph.has(id) {
            continue;
        }
        let node = graph.node(id).clone();
        let found = match &node.op {
            Op::DequantizeLinear(op) => match node.input(0) {
                Some(codes) if graph.data(codes).is_some() => constant(graph, &node, op),
                _ if op.block == 0 => activation(graph, &node),
                _ => None,
            },
            Op::Quant(op) => quant(graph, &node, op),
            Op::BipolarQuant(_) => bipolar(graph, &node),
            Op::FloatQuant(op) => float(graph, &node, op),
            Op::Mul(_) => steps(graph, &node),
            _ => None,
        };
        if let Some((input, quantizer)) = found {
            graph.remove(id);
            graph.add_node(Node {
                name: node.name.clone(),
                op: Quantize::new(quantizer).into(),
                inputs: vec![Some(input)],
                outputs: node.outputs.clone(),
            });
            count += 1;
        }
    }
    graph.sort()?;
    transpose_constants(graph);
    graph.remove_unused();
    graph.sort()?;
    Ok(count)
}

/// The format whose codes a type has.
fn format_of(element: ElementType) -> Option<Format> {
    Some(match element {
        ElementType::I8 => Format::INT8,
        ElementType::U8 => Format::UINT8,
        ElementType::I16 => Format::INT16,
        ElementType::U16 => Format::UINT16,
        ElementType::I32 => Format::INT32,
        ElementType::Code(format) => format,
        _ => return None,
    })
}

/// Constant codes as a constant of their values.
fn constant(graph: &mut Graph, node: &Node, op: &DequantizeLinear) -> Option<(ValueId, Quantizer)> {
    let codes = graph.data(node.input(0)?)?.clone();
    let scale = graph.data(node.input(1)?)?.clone();
    let zero = match node.input(2) {
        None => None,
        Some(zero) => Some(graph.data(zero)?.clone()),
    };
    let format = format_of(codes.element_type())?;
    let (granularity, shape) = match scale.len() {
        1 => (Granularity::Tensor, vec![]),
        n => {
            let axes = codes.shape().len();
            let axis = if op.axis < 0 { op.axis + axes as i64 } else { op.axis };
            let axis = usize::try_from(axis).ok().filter(|&axis| axis < axes)?;
            if op.block > 0 {
                let granularity = Granularity::Group { axis: axis as isize, size: op.block };
                (granularity, scale.shape().to_vec())
            } else {
                let mut shape = vec![1; axes];
                shape[axis] = n;
                (Granularity::Channel { axis: axis as isize }, shape)
            }
        }
    };
    let shaped = |values: Vec<f32>| ArrayD::from_shape_vec(IxDyn(&shape), values).ok();
    let scales = shaped(scale.get::<f32>().ok()?.iter().copied().collect())?;
    let zeros = match &zero {
        None => None,
        Some(Tensor::Code(Format::Float(_), _)) => None,
        Some(zero) => Some(shaped(zero.integers().ok()?.into_iter().map(|x| x as f32).collect())?),
    };
    let quantizer = quantizer(format, granularity, (scales, zeros), NEAREST).ok()?;
    let inputs = [Some(&codes), Some(&scale), zero.as_ref()];
    let values = node.op.run(Inputs::new(&inputs)).ok()?.swap_remove(0);
    // The quantizer must give back the codes that the file has.
    let back = quantizer.quantize(&values.get::<f32>().ok()?.view()).ok()?;
    if back.dequantize() != values.get::<f32>().ok()?.to_owned() {
        return None;
    }
    let name = format!("{}.values", node.name);
    Some((graph.add_constant(&name, values), quantizer))
}

/// A value that is rounded to codes and back.
fn activation(graph: &Graph, node: &Node) -> Option<(ValueId, Quantizer)> {
    let same = |one: ValueId, other: ValueId| {
        one == other || graph.data(one).is_some() && graph.data(one) == graph.data(other)
    };
    let (mut range, mut codes) = (None, node.input(0)?);
    let (mut id, _) = graph.producer(codes)?;
    if let Op::Clip(_) = graph.node(id).op {
        let clip = graph.node(id);
        let bound = |at: usize| -> Option<i64> {
            graph.data(clip.input(at)?)?.integers().ok()?.first().copied()
        };
        range = Some((bound(1)?, bound(2)?));
        codes = clip.input(0)?;
        id = graph.producer(codes)?.0;
    }
    let quantize = graph.node(id);
    let Op::QuantizeLinear(op) = &quantize.op else { return None };
    if op.block != 0 || !same(quantize.input(1)?, node.input(1)?) {
        return None;
    }
    let scale = graph.data(node.input(1)?)?;
    let [scale] = scale.get::<f32>().ok()?.iter().copied().collect::<Vec<_>>()[..] else {
        return None;
    };
    let (element, zero) = match (quantize.input(2), node.input(2)) {
        (None, None) => (ElementType::U8, 0),
        (Some(one), Some(other)) if same(one, other) => {
            let zero = graph.data(one)?;
            let number = match zero {
                Tensor::Code(Format::Float(_), _) => 0,
                other => *other.integers().ok()?.first()?,
            };
            (zero.element_type(), number)
        }
        _ => return None,
    };
    let format = match (format_of(element)?, range) {
        (format, None) => format,
        (Format::Int(_), Some((low, high))) => named(low, high)?,
        _ => return None,
    };
    let parameters = (
        ndarray::arr0(scale).into_dyn(),
        (zero != 0).then(|| ndarray::arr0(zero as f32).into_dyn()),
    );
    let policy = if op.saturate { NEAREST } else { NEAREST.with_overflow(Overflow::Special) };
    let quantizer = quantizer(format, Granularity::Tensor, parameters, policy).ok()?;
    Some((quantize.input(0)?, quantizer))
}
