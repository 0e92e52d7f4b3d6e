//! Quantizers as QONNX's operators.

use fewbit::formats::{Format, IntRange, Overflow, Policy, Rounding};
use fewbit::quantize::{Parameters, ScaleSource, ZeroPoint, ZeroPointSource};
use fewbit::tensor::Granularity;
use ndarray::{ArrayD, IxDyn, arr0};

use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::{
    BipolarQuant, FloatQuant, Mul, MultiThreshold, Op, Quant, QuantRounding, Quantize, thresholds,
};
use crate::tensor::Tensor;

use super::ExportError;

/// What quantizers of activations become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum QonnxActivations {
    /// `Quant`.
    #[default]
    Quant,
    /// `MultiThreshold` and the product with the scale where codes are integers of at most 8 bits with one scale and no zero
    /// point: what FINN makes of `Quant` itself. A ReLU before unsigned codes is left out, since the thresholds do its work.
    MultiThreshold,
}

/// The network with every quantizer as an operator of QONNX (`qonnx.custom_op.general`): `Quant` for integers, `BipolarQuant`
/// for -1 and 1, `FloatQuant` for small floats; `Trunc` where the network has it. Weights stay floats, on the grid of their
/// codes.
///
/// # Errors
/// A quantizer that QONNX cannot express: scales computed from each tensor or in groups, rounding and overflow that it has no
/// name for, unsigned floats.
pub fn to_qonnx(graph: &Graph, activations: QonnxActivations) -> Result<Graph, ExportError> {
    let mut graph = graph.clone();
    for id in graph.order().to_vec() {
        for inner in graph.node_mut(id).op.graphs_mut() {
            *inner = to_qonnx(inner, activations)?;
        }
    }
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
        let data = graph.data(input).cloned();
        if activations == QonnxActivations::MultiThreshold
            && data.is_none()
            && let Some(steps) = Steps::of(&graph, op, input)
        {
            steps.put(&mut graph, id, &node.name, output);
            continue;
        }
        let (op, constants) = quant(op, data.as_ref()).map_err(failed)?;
        graph.remove(id);
        let mut inputs = vec![Some(input)];
        for (what, tensor) in constants {
            inputs.push(Some(graph.add_constant(&format!("{}.{what}", node.name), tensor)));
        }
        graph.add_node(Node { name: node.name.clone(), op, inputs, outputs: vec![Some(output)] });
    }
    graph.remove_unused();
    graph.sort()?;
    graph.infer()?;
    Ok(graph.compacted())
}

type Constants = Vec<(&'static str, Tensor)>;

/// Scale and zero point as numbers that do not depend on the input; of a constant, those that it has.
fn parameters(op: &Quantize, data: Option<&Tensor>) -> Result<Parameters, String> {
    if let Some(data) = data {
        let data = data.get::<f32>().map_err(|error| error.to_string())?;
        return op.quantizer.parameters(&data.view()).map_err(|error| error.to_string());
    }
    let scale = match &op.quantizer.scale_rule().source {
        ScaleSource::Given(scale) => scale.clone(),
        ScaleSource::Constant(scale) => arr0(*scale).into_dyn(),
        _ => return Err("a scale that is computed from each tensor is not expressed".into()),
    };
    let zero_point = match &op.quantizer.scheme().zero_point {
        ZeroPoint::Zero => None,
        ZeroPoint::Shifted { source: ZeroPointSource::Given(zero), .. } => Some(zero.clone()),
        _ => return Err("a zero point that is computed from each tensor is not expressed".into()),
    };
    Ok(Parameters { scale, zero_point })
}

/// A quantizer, of a constant if there is one, with what it takes besides.
fn quant(op: &Quantize, data: Option<&Tensor>) -> Result<(Op, Constants), String> {
    let (scheme, policy) = (op.quantizer.scheme(), op.quantizer.policy());
    let Parameters { scale, zero_point } = parameters(op, data)?;
    let axes = data.map_or(scale.ndim(), |data| data.shape().len());
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
    let scale = ("scale", like(&scale));
    let rounding = rounding(policy)?;
    let int = match scheme.format {
        Format::Int(int) => int,
        Format::Binary => return Ok((BipolarQuant::default().into(), vec![scale])),
        other => return float(other, policy, rounding, scale),
    };
    if policy.overflow != Overflow::Saturate {
        return Err(format!("Quant saturates: {} is not expressed", policy.overflow));
    }
    let zero = zero_point.as_ref().map_or_else(|| Tensor::scalar(0f32), like);
    let narrow = int.range() == IntRange::Narrow;
    let op = Quant { signed: int.is_signed(), narrow, rounding };
    let bits = Tensor::scalar(int.bits() as f32);
    Ok((op.into(), vec![scale, ("zero_point", zero), ("bits", bits)]))
}

fn rounding(policy: &Policy) -> Result<QuantRounding, String> {
    Ok(match policy.rounding {
        Rounding::TiesEven => QuantRounding::HalfEven,
        Rounding::Up => QuantRounding::Ceil,
        Rounding::Down => QuantRounding::Floor,
        Rounding::TowardZero => QuantRounding::Down,
        Rounding::Away => QuantRounding::Up,
        Rounding::TiesAway => QuantRounding::HalfUp,
        Rounding::TiesZero => QuantRounding::HalfDown,
        other => return Err(format!("rounding {other} is not expressed")),
    })
}

/// A quantizer to small floats.
fn float(
    format: Format,
    policy: &Policy,
    rounding: QuantRounding,
    scale: (&'static str, Tensor),
) -> Result<(Op, Constants), String> {
    let Format::Float(float) = format else {
        return Err(format!("codes of {format} are not expressed"));
    };
    if !float.is_signed() || !float.has_zero() {
        return Err(format!("{format} is not expressed: FloatQuant has a sign and a zero"));
    }
    let saturation = match policy.overflow {
        Overflow::Saturate => true,
        Overflow::Special if float.has_infinity() || float.has_nan() => false,
        other => return Err(format!("overflow {other} of {format} is not expressed")),
    };
    let op = FloatQuant {
        infinities: float.has_infinity(),
        nans: float.has_nan(),
        subnormals: true,
        saturation,
        rounding,
    };
    let number = |x: f64| Tensor::scalar(x as f32);
    let constants = vec![
        scale,
        ("exponent_bits", number(float.exponent_bits().into())),
        ("mantissa_bits", number(float.fraction_bits().into())),
        ("exponent_bias", number(float.bias().into())),
        ("max_val", number(format.max_finite())),
    ];
    Ok((op.into(), constants))
}

/// A quantizer of an activation as thresholds.
struct Steps {
    input: ValueId,
    op: MultiThreshold,
    thresholds: Vec<f32>,
    scale: f32,
}

impl Steps {
    fn of(graph: &Graph, op: &Quantize, input: ValueId) -> Option<Self> {
        let Format::Int(int) = op.quantizer.scheme().format else { return None };
        let layout = match graph.value(input).fact.shape.as_ref()?.len() {
            2 => "NC",
            3 => "NCW",
            4 => "NCHW",
            _ => return None,
        };
        let Parameters { scale, zero_point } = parameters(op, None).ok()?;
        if zero_point.is_some_and(|zero| zero.iter().any(|&zero| zero != 0.0)) {
            return None;
        }
        let sign = if int.is_signed() { "" } else { "U" };
        let op_of_steps = MultiThreshold {
            output: format!("{sign}INT{}", int.bits()),
            bias: int.min() as f32,
            layout: layout.into(),
            ..MultiThreshold::default()
        };
        Some(Self {
            input: if int.min() == 0 { before_relu(graph, input) } else { input },
            op: op_of_steps,
            thresholds: thresholds(op)?,
            scale: *scale.first()?,
        })
    }

    fn put(self, graph: &mut Graph, quantizer: NodeId, name: &str, output: ValueId) {
        let steps = self.thresholds.len();
        let rows = ArrayD::from_shape_vec(IxDyn(&[1, steps]), self.thresholds).unwrap_or_default();
        let rows = graph.add_constant(&format!("{name}.thresholds"), rows);
        let scale = graph.add_constant(&format!("{name}.scale"), Tensor::scalar(self.scale));
        graph.remove(quantizer);
        let codes = graph.add(&format!("{name}.codes"), self.op, &[self.input, rows]);
        graph.add_node(Node {
            name: name.to_owned(),
            op: Mul::default().into(),
            inputs: vec![Some(codes), Some(scale)],
            outputs: vec![Some(output)],
        });
    }
}

/// What a ReLU takes, if the value comes from one.
fn before_relu(graph: &Graph, value: ValueId) -> ValueId {
    let relu = graph.producer(value).map(|(id, _)| graph.node(id));
    let relu = relu.filter(|node| matches!(node.op, Op::Relu(_)));
    relu.and_then(|node| node.input(0)).unwrap_or(value)
}
