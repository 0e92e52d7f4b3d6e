//! `QuantizeLinear`, `Clip` and `DequantizeLinear`, and QONNX's `Quant`, as quantizers.

use fewbit::formats::{Format, InfinityPolicy, NanPolicy, Overflow, Policy, Rounding};
use fewbit::quantize::{Parameters, QuantizeError, Quantizer, ScaleRule, Scheme};
use fewbit::tensor::Granularity;
use ndarray::{ArrayD, IxDyn};

use crate::graph::{Graph, GraphError, Node, ValueId};

use crate::ops::{Inputs, Op, QuantRounding, Quantize};
use crate::tensor::{ElementType, Tensor};

use super::transposed::transpose_constants;

/// Turns the operators that files write quantizers with into [`Quantize`] nodes, so that such a network is what this crate's
/// own quantization makes; how many there were.
///
/// - `DequantizeLinear` of constant codes: a constant of their values, and a quantizer that gives these codes.
/// - `QuantizeLinear`, perhaps `Clip`, and `DequantizeLinear` with the same constant scale and zero point.
/// - QONNX's `Quant` and `BipolarQuant` with constant scale, zero point and bits.
///
/// A `Transpose` of such a constant is done once and for all, so that a product takes the quantizer's codes.
///
/// What has another form stays as it is, and is computed in floats.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn recognize_quantizers(graph: &mut Graph) -> Result<usize, GraphError> {
    let mut count = 0;
    for id in graph.order().to_vec() {
        if !graph.has(id) {
            continue;
        }
        let node = graph.node(id).clone();
        let found = match &node.op {
            Op::DequantizeLinear(op) if op.block == 0 => match node.input(0) {
                Some(codes) if graph.data(codes).is_some() => constant(graph, &node, op.axis),
                _ => activation(graph, &node),
            },
            Op::Quant(op) => quant(graph, &node, op.signed, op.narrow, op.rounding),
            Op::BipolarQuant(_) => bipolar(graph, &node),
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

/// To nearest even, saturating; what the format has no code for is code zero.
const NEAREST: Policy =
    Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);

fn quantizer(
    format: Format,
    granularity: Granularity,
    (scale, zero_point): (ArrayD<f32>, Option<ArrayD<f32>>),
    policy: Policy,
) -> Result<Quantizer, QuantizeError> {
    let policy = match format {
        Format::Float(_) => policy.with_infinity(InfinityPolicy::Nan),
        _ => policy,
    };
    let zero_point = zero_point.filter(|zeros| zeros.iter().any(|&zero| zero != 0.0));
    let scheme = Scheme::new(format).with_granularity(granularity);
    let quantizer = Quantizer::new(scheme, ScaleRule::abs_max(), policy)?;
    quantizer.with_parameters(Parameters { scale, zero_point })
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
fn constant(graph: &mut Graph, node: &Node, axis: i64) -> Option<(ValueId, Quantizer)> {
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
            let axis = if axis < 0 { axis + axes as i64 } else { axis };
            let axis = usize::try_from(axis).ok().filter(|&axis| axis < axes)?;
            let mut shape = vec![1; axes];
            shape[axis] = n;
            (Granularity::Channel { axis: axis as isize }, shape)
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
    let quantizer = quantizer(format, Granularity::Tensor, parameters, NEAREST).ok()?;
    Some((quantize.input(0)?, quantizer))
}

/// The integer format of this range.
fn named(low: i64, high: i64) -> Option<Format> {
    (1..=16).find_map(|bits| {
        let names = [
            format!("int{bits}"),
            format!("int{bits}n"),
            format!("uint{bits}"),
            format!("uint{bits}n"),
        ];
        names.iter().find_map(|name| match name.parse::<Format>().ok()? {
            Format::Int(int) if (int.min(), int.max()) == (low, high) => Some(Format::Int(int)),
            _ => None,
        })
    })
}

/// The scales of a QONNX quantizer, as its granularity has them.
fn scales(graph: &Graph, node: &Node, at: usize) -> Option<(Granularity, ArrayD<f32>)> {
    let tensor = graph.data(node.input(at)?)?.get::<f32>().ok()?.to_owned();
    if tensor.len() == 1 {
        let one = tensor.iter().next().copied()?;
        return Some((Granularity::Tensor, ndarray::arr0(one).into_dyn()));
    }
    let mut axes = tensor.shape().iter().enumerate().filter(|(_, size)| **size > 1);
    let (axis, _) = axes.next()?;
    axes.next().is_none().then_some((Granularity::Channel { axis: axis as isize }, tensor))
}

fn quant(
    graph: &Graph,
    node: &Node,
    signed: bool,
    narrow: bool,
    rounding: QuantRounding,
) -> Option<(ValueId, Quantizer)> {
    let (granularity, scale) = scales(graph, node, 1)?;
    let (_, zero) = scales(graph, node, 2)?;
    let (_, bits) = scales(graph, node, 3)?;
    let bits = bits.iter().next().copied().filter(|bits| bits.fract() == 0.0)? as i64;
    let (sign, range) = (if signed { "" } else { "u" }, if narrow { "n" } else { "" });
    let format: Format = format!("{sign}int{bits}{range}").parse().ok()?;
    let rounding = match rounding {
        QuantRounding::HalfEven => Rounding::TiesEven,
        QuantRounding::Ceil => Rounding::Up,
        QuantRounding::Floor => Rounding::Down,
        QuantRounding::Up => Rounding::Away,
        QuantRounding::Down => Rounding::TowardZero,
        QuantRounding::HalfUp => Rounding::TiesAway,
        QuantRounding::HalfDown => Rounding::TiesZero,
    };
    let zero = match (granularity, zero.len()) {
        (Granularity::Channel { .. }, 1) => {
            let one = zero.iter().next().copied()?;
            ArrayD::from_elem(scale.raw_dim(), one)
        }
        _ => zero,
    };
    let policy = Policy::new(rounding, Overflow::Saturate).with_nan(NanPolicy::Zero);
    let quantizer = quantizer(format, granularity, (scale, Some(zero)), policy).ok()?;
    Some((node.input(0)?, quantizer))
}

fn bipolar(graph: &Graph, node: &Node) -> Option<(ValueId, Quantizer)> {
    let (granularity, scale) = scales(graph, node, 1)?;
    let quantizer = quantizer(Format::Binary, granularity, (scale, None), NEAREST).ok()?;
    Some((node.input(0)?, quantizer))
}
