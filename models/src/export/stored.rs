//! Quantized constants as their codes: what files hold of a graph.
//!
//! A quantizer on a constant gets the values of its codes for an input, `DequantizeLinear` of constants, and the scales of static
//! quantizers become inputs too, so that the file has each number once:
//!
//! ```text
//! W ── Quantize(scales) ──     becomes     W.codes, W.scale ── DequantizeLinear ── W ── Quantize(W.scale) ──
//! ```
//!
//! [`crate::import::load_stored_weights`] is the way back. This is done where it changes nothing: where the quantizer gives the same codes,
//! scales and values for the values of its codes. Where it does not (scales computed anew that come out differently, directed
//! rounding, codes that ONNX has no type for) the constant stays, and its codes are handed out to be written beside it.

use fewbit::formats::Format;
use fewbit::quantize::{Quantizer, ScaleSource, ZeroPoint, ZeroPointSource};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{ArcArray, ArrayD, IxDyn};
use serde::Serialize;

use crate::graph::{Graph, Node, NodeId, ValueId};
use crate::ops::{DequantizeLinear, Inputs, Op, Operator, Quantize, data_type};
use crate::tensor::{ElementType, Tensor};

use super::ExportError;

/// A quantized constant: what its codes are.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StoredWeight {
    /// The constant.
    #[serde(skip)]
    pub(super) name: String,
    /// The format of a code.
    format: String,
    /// Bits of a code in the file.
    bits: usize,
    /// Who shares a scale.
    granularity: Granularity,
    /// The quantizer: format, granularity, scale rule and policy. Scales that are in the file are left out.
    quantizer: Quantizer,
    /// Codes, scales and zero points that the graph does not use.
    #[serde(skip)]
    pub(super) beside: Vec<(String, Tensor)>,
}

/// The graph with its quantized constants as codes, and what these are.
pub(super) fn with_codes(graph: &Graph) -> Result<(Graph, Vec<StoredWeight>), ExportError> {
    let mut graph = graph.clone();
    let mut all = Vec::new();
    for id in graph.order().to_vec() {
        let Op::Quantize(op) = &graph.node(id).op else { continue };
        let Some(input) = graph.node(id).input(0) else { continue };
        let Some(Tensor::F32(data)) = graph.data(input).cloned() else { continue };
        let op = op.clone();
        let failed =
            |problem| ExportError::Quantizer { node: graph.node(id).name.clone(), problem };
        let tensor = op.codes(&data).map_err(|error| failed(error.to_string()))?;
        let parts = Parts::of(&tensor).filter(|parts| parts.give_back(&op, &data, &tensor));
        all.push(match parts {
            Some(parts) => put(&mut graph, id, input, &op, &tensor, parts),
            None => beside(graph.name_of(input), &op, &tensor),
        });
    }
    graph.sort()?;
    graph.infer()?;
    Ok((graph, all))
}

/// Constants of a `DequantizeLinear`.
struct Parts {
    dequantize: DequantizeLinear,
    codes: Tensor,
    scale: Tensor,
    zero_point: Option<Tensor>,
}

impl Parts {
    /// Those of a tensor; `None` where ONNX has no type for its codes or no form for its granularity.
    fn of(tensor: &AnyQuantTensor) -> Option<Self> {
        let shape = tensor.shape();
        let place = |axis: isize| usize::try_from(axis).ok().filter(|&axis| axis < shape.len());
        // One scale per row is one per block as long as the row: so scales keep their axes.
        let whole = |axis: usize| match shape {
            [_] => Some((0, 0)),
            &[rows, columns] => Some((1 - axis as i64, if axis == 0 { columns } else { rows })),
            _ => None,
        };
        let (axis, block) = match tensor.granularity() {
            Granularity::Tensor => (1, 0),
            Granularity::Channel { axis } => whole(place(axis)?)?,
            Granularity::Row => whole(0).filter(|_| shape.len() == 2)?,
            Granularity::Group { axis, size } => (place(axis)? as i64, size),
        };
        let codes = codes(tensor)?;
        let zero_point = match tensor.zero_point() {
            None => None,
            Some(zeros) => Some(like(&codes, zeros)?),
        };
        let scale = tensor.scale().clone().into();
        let dequantize = DequantizeLinear { axis, block, ..DequantizeLinear::default() };
        Some(Self { dequantize, codes, scale, zero_point })
    }

    /// Whether the quantizer makes of the values of these codes what it makes of the constant, to the last bit.
    fn give_back(&self, op: &Quantize, data: &Data, tensor: &AnyQuantTensor) -> bool {
        let inputs = [Some(&self.codes), Some(&self.scale), self.zero_point.as_ref()];
        let Ok(values) = self.dequantize.run(Inputs::new(&inputs)) else { return false };
        let Some(Tensor::F32(values)) = values.first() else { return false };
        let same_codes = op.codes(values).is_ok_and(|codes| codes == *tensor);
        same_codes && same_bits(op, data, values)
    }
}

type Data = ArcArray<f32, IxDyn>;

/// Whether fake execution sees no difference.
fn same_bits(op: &Quantize, one: &Data, other: &Data) -> bool {
    let run = |data: &Data| op.run(Inputs::new(&[Some(&Tensor::F32(data.clone()))]));
    let (Ok(one), Ok(other)) = (run(one), run(other)) else { return false };
    match (one.first(), other.first()) {
        (Some(Tensor::F32(one)), Some(Tensor::F32(other))) => {
            one.shape() == other.shape()
                && one.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits())
        }
        _ => false,
    }
}

/// Codes in the smallest type of ONNX that has them.
fn codes(tensor: &AnyQuantTensor) -> Option<Tensor> {
    let format = tensor.format();
    let narrow = format.bits() <= 8;
    if narrow && !matches!(format, Format::Int(_)) {
        let element = ElementType::Code(format);
        if data_type::number(element).is_ok() {
            return Some(Tensor::Code(format, tensor.codes().mapv(|c| c as u8).into_shared()));
        }
    }
    let ints = tensor.ints().ok()?;
    let (least, greatest) = ints.iter().fold((0, 0), |(a, b), &x| (a.min(x), b.max(x)));
    let fits = |low: i64, high: i64| least >= low && greatest <= high;
    let signed = match format {
        Format::Int(int) => int.is_signed(),
        _ => true,
    };
    let few = |format: Format, mask: i64| {
        Some(Tensor::Code(format, ints.mapv(|x| (x & mask) as u8).into_shared()))
    };
    match (signed, format.bits()) {
        (true, ..=2) if fits(-2, 1) => few(Format::INT2, 3),
        (false, ..=2) if fits(0, 3) => few(Format::UINT2, 3),
        (true, ..=4) if fits(-8, 7) => few(Format::INT4, 15),
        (false, ..=4) if fits(0, 15) => few(Format::UINT4, 15),
        (true, ..=8) if fits(-128, 127) => Some(ints.mapv(|x| x as i8).into()),
        (false, ..=8) if fits(0, 255) => Some(ints.mapv(|x| x as u8).into()),
        (true, ..=16) if fits(-32768, 32767) => Some(ints.mapv(|x| x as i16).into()),
        (false, ..=16) if fits(0, 65535) => Some(ints.mapv(|x| x as u16).into()),
        (true, _) if fits(i32::MIN.into(), i32::MAX.into()) => Some(ints.mapv(|x| x as i32).into()),
        _ => None,
    }
}

/// Zero points in the type of codes; `None` where one is no number of that type.
fn like(codes: &Tensor, zeros: &ArrayD<f32>) -> Option<Tensor> {
    let within = |low: f32, high: f32| {
        zeros.iter().all(|zero| zero.fract() == 0.0 && (low..=high).contains(zero))
    };
    Some(match codes {
        Tensor::Code(format, _)
            if within(format.min_finite() as f32, format.max_finite() as f32) =>
        {
            let Format::Int(int) = *format else { return None };
            let code = |zero: f32| int.code(zero as i64) as u8;
            Tensor::Code(*format, zeros.mapv(code).into_shared())
        }
        Tensor::I8(_) if within(-128.0, 127.0) => zeros.mapv(|x| x as i8).into(),
        Tensor::U8(_) if within(0.0, 255.0) => zeros.mapv(|x| x as u8).into(),
        Tensor::I16(_) if within(-32768.0, 32767.0) => zeros.mapv(|x| x as i16).into(),
        Tensor::U16(_) if within(0.0, 65535.0) => zeros.mapv(|x| x as u16).into(),
        _ => return None,
    })
}

/// Puts codes into the place of a constant.
fn put(
    graph: &mut Graph,
    id: NodeId,
    input: ValueId,
    op: &Quantize,
    tensor: &AnyQuantTensor,
    parts: Parts,
) -> StoredWeight {
    let name = graph.name_of(input).to_owned();
    let bits = data_type::number(parts.codes.element_type()).map_or(8, data_type::width);
    let codes = graph.add_constant(&format!("{name}.codes"), parts.codes);
    let scale = graph.add_constant(&format!("{name}.scale"), parts.scale);
    let mut inputs = vec![Some(codes), Some(scale)];
    let zero_point =
        parts.zero_point.map(|zeros| graph.add_constant(&format!("{name}.zero_point"), zeros));
    inputs.extend(zero_point.map(Some));
    // What others use of the constant stays a constant.
    let values = match graph.consumers(input).len() == 1 && !graph.is_output(input) {
        true => {
            graph.value_mut(input).data = None;
            input
        }
        false => {
            let fact = graph.value(input).fact.clone();
            graph.add_value(&format!("{name}.values"), fact)
        }
    };
    graph.add_node(Node {
        name: format!("{name}.dequantize"),
        op: parts.dequantize.into(),
        inputs,
        outputs: vec![Some(values)],
    });
    let (quantizer, taken) = without_parameters(&op.quantizer, tensor);
    let mut inputs = vec![Some(values)];
    inputs.extend(taken.scale.then_some(Some(scale)));
    if taken.zero_point {
        inputs.resize(2, None);
        inputs.push(zero_point);
    }
    let node = graph.node_mut(id);
    node.inputs = inputs;
    node.op = Quantize { quantizer: quantizer.clone(), ..op.clone() }.into();
    let (format, granularity) = (tensor.format().to_string(), tensor.granularity());
    StoredWeight { name, format, bits, granularity, quantizer, beside: Vec::new() }
}

/// Which numbers of a quantizer are inputs of its node.
#[derive(Default)]
struct Taken {
    scale: bool,
    zero_point: bool,
}

/// The quantizer without the scales and zero points that the tensor has: arrays without elements stand for them.
fn without_parameters(quantizer: &Quantizer, tensor: &AnyQuantTensor) -> (Quantizer, Taken) {
    let mut taken = Taken::default();
    let (mut scheme, mut rule) = (quantizer.scheme().clone(), quantizer.scale_rule().clone());
    let none = || ArrayD::zeros(IxDyn(&[0]));
    if matches!(&rule.source, ScaleSource::Given(scale) if scale.len() > 1 && scale == tensor.scale())
    {
        rule.source = ScaleSource::Given(none());
        taken.scale = true;
    }
    if let ZeroPoint::Shifted { source, .. } = &mut scheme.zero_point
        && matches!(source, ZeroPointSource::Given(zero) if zero.len() > 1 && Some(&*zero) == tensor.zero_point())
    {
        *source = ZeroPointSource::Given(none());
        taken.zero_point = true;
    }
    let changed = quantizer.clone().with_scheme(scheme).and_then(|new| new.with_scale_rule(rule));
    match changed {
        Ok(changed) => (changed, taken),
        // A quantizer may want its numbers: it keeps them.
        Err(_) => (quantizer.clone(), Taken::default()),
    }
}

/// Codes for readers of the file, beside a constant that stays.
fn beside(name: &str, op: &Quantize, tensor: &AnyQuantTensor) -> StoredWeight {
    let plain = tensor.codes();
    let codes = codes(tensor).unwrap_or_else(|| match tensor.bit_width() {
        ..=8 => plain.mapv(|code| code as u8).into(),
        9..=16 => plain.mapv(|code| code as u16).into(),
        _ => plain.into(),
    });
    let bits = data_type::number(codes.element_type()).map_or(8, data_type::width);
    let mut beside = vec![
        (format!("{name}.codes"), codes),
        (format!("{name}.scale"), tensor.scale().clone().into()),
    ];
    beside.extend(
        tensor.zero_point().map(|zero| (format!("{name}.zero_point"), zero.clone().into())),
    );
    let (format, granularity) = (tensor.format().to_string(), tensor.granularity());
    let quantizer = op.quantizer.clone();
    StoredWeight { name: name.to_owned(), format, bits, granularity, quantizer, beside }
}
