//! Quantizers as `QuantizeLinear`, `Clip` and `DequantizeLinear`.

use fewbit::formats::{Format, IntFormat, IntRange, Overflow, Rounding};
use fewbit::quantize::{ScaleSource, ZeroPoint, ZeroPointSource};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{ArrayD, IxDyn};

use crate::graph::{Graph, Node, NodeId};
use crate::ops::{Clip, DequantizeLinear, Op, Quantize, QuantizeLinear};
use crate::tensor::Tensor;

use super::ExportError;

/// The network with every quantizer as ONNX's own operators: constants as `DequantizeLinear` of integers (int2 to int16, biases
/// int32, FP8, FP4), activations as `QuantizeLinear`, `Clip` where the codes are fewer than the type has, and
/// `DequantizeLinear`.
///
/// | codes | operator set |
/// |---|---|
/// | int8, uint8, int32, and fewer bits within int8 and uint8; per tensor or channel | 13 |
/// | float8 (E4M3FN, E5M2 and their FNUZ forms) | 19 |
/// | int16, uint16; constants of int4, uint4; constants with scales in groups (`block_size`) | 21 |
/// | constants of float4 (E2M1) | 23 |
/// | constants of int2, uint2 | 25 |
///
/// ONNX rounds `x / scale` and then adds the zero point, Brevitas and this crate add it first: with an odd zero point they
/// differ at ties.
///
/// # Errors
/// A quantizer that the operator set cannot express, with the one that can, if there is one: codes of a type that it does not
/// have, scales in groups; and what no operator set expresses: activations with several scales, scales computed from each
/// tensor, zero points that are no integers, other rounding than to nearest even, formats without a type.
pub fn to_qcdq(graph: &Graph, opset: i64) -> Result<Graph, ExportError> {
    let mut graph = graph.clone();
    for id in graph.order().to_vec() {
        for inner in graph.node_mut(id).op.graphs_mut() {
            *inner = to_qcdq(inner, opset)?;
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
        check(op).map_err(failed)?;
        let (Some(input), Some(output)) = (node.input(0), node.output(0)) else { continue };
        graph.remove(id);
        let new = match graph.data(input).cloned() {
            Some(data) => constant(&mut graph, &node.name, op, &data, opset),
            None => {
                let x = input;
                activation(&mut graph, &node.name, op, x, opset)
            }
        };
        let (last, inputs) = new.map_err(failed)?;
        graph.add_node(Node {
            name: node.name.clone(),
            op: last,
            inputs,
            outputs: vec![Some(output)],
        });
    }
    graph.sort()?;
    graph.infer()?;
    Ok(graph.compacted())
}

type Last = (Op, Vec<Option<crate::graph::ValueId>>);

/// What every quantizer must be.
fn check(op: &Quantize) -> Result<(), String> {
    let policy = op.quantizer.policy();
    if policy.rounding != Rounding::TiesEven {
        return Err(format!("QuantizeLinear rounds to nearest even, not {}", policy.rounding));
    }
    let may_be_special = matches!(op.quantizer.scheme().format, Format::Float(_));
    if policy.overflow != Overflow::Saturate
        && !(may_be_special && policy.overflow == Overflow::Special)
    {
        return Err(format!("QuantizeLinear saturates: {} is not expressed", policy.overflow));
    }
    Ok(())
}

/// A constant as codes.
fn constant(
    graph: &mut Graph,
    name: &str,
    op: &Quantize,
    data: &Tensor,
    opset: i64,
) -> Result<Last, String> {
    let x = data.get::<f32>().map_err(|error| error.to_string())?;
    let tensor = op.codes(x).map_err(|error| error.to_string())?;
    let (axis, block) = match tensor.granularity() {
        Granularity::Tensor => (None, 0),
        Granularity::Channel { axis } => (Some(axis), 0),
        Granularity::Group { .. } if opset < 21 => {
            return Err(needs("scales in groups", 21, opset));
        }
        Granularity::Group { axis, size } => (Some(axis), size),
        other => return Err(format!("{other} is not expressed")),
    };
    let axis = axis.map(|axis| if axis < 0 { axis + data.shape().len() as isize } else { axis });
    let codes = codes(&tensor, opset)?;
    let like = |values: &ArrayD<f32>| -> Tensor {
        if block > 0 {
            return values.clone().into();
        }
        let flat: Vec<f32> = values.iter().copied().collect();
        match axis {
            None => Tensor::scalar(flat.first().copied().unwrap_or(1.0)),
            Some(_) => Tensor::vector(flat),
        }
    };
    let codes_id = graph.add_constant(&format!("{name}.codes"), codes.clone());
    let scale = graph.add_constant(&format!("{name}.scale"), like(tensor.scale()));
    let mut inputs = vec![Some(codes_id), Some(scale)];
    if let Some(zero) = tensor.zero_point() {
        let zero = zeros(&codes, &like(zero))?;
        inputs.push(Some(graph.add_constant(&format!("{name}.zero_point"), zero)));
    }
    let axis = axis.unwrap_or(1) as i64;
    Ok((DequantizeLinear { axis, block, ..DequantizeLinear::default() }.into(), inputs))
}

/// A value that is computed, rounded to codes and back.
fn activation(
    graph: &mut Graph,
    name: &str,
    op: &Quantize,
    x: crate::graph::ValueId,
    opset: i64,
) -> Result<Last, String> {
    let scheme = op.quantizer.scheme();
    let scale = match &op.quantizer.scale_rule().source {
        ScaleSource::Given(scale) if scale.len() == 1 => scale.first().copied().unwrap_or(1.0),
        ScaleSource::Constant(scale) => *scale,
        ScaleSource::Given(_) => {
            return Err("an activation with several scales is not expressed".into());
        }
        _ => return Err("a scale that is computed from each tensor is not expressed".into()),
    };
    let zero = match &scheme.zero_point {
        ZeroPoint::Zero => 0.0,
        ZeroPoint::Shifted { source: ZeroPointSource::Given(zero), .. } => {
            zero.first().copied().unwrap_or(0.0)
        }
        _ => return Err("a zero point that is computed from each tensor is not expressed".into()),
    };
    let wide = storage(scheme.format, opset)?;
    if wide == Storage::I32 {
        let format = scheme.format;
        return Err(format!("QuantizeLinear makes codes of 16 bits at most, not {format}"));
    }
    let type_of = |value: f32| wide.tensor(value);
    let scale_id = graph.add_constant(&format!("{name}.scale"), Tensor::scalar(scale));
    let zero_id = graph.add_constant(&format!("{name}.zero_point"), type_of(zero)?);
    let saturate = op.quantizer.policy().overflow == Overflow::Saturate;
    let quantize = QuantizeLinear { saturate, ..QuantizeLinear::default() };
    let codes = graph.add(&format!("{name}.codes"), quantize, &[x, scale_id, zero_id]);
    let codes = match scheme.format {
        Format::Int(int) if !wide.is_exactly(int) => {
            let low = graph.add_constant(&format!("{name}.low"), type_of(int.min() as f32)?);
            let high = graph.add_constant(&format!("{name}.high"), type_of(int.max() as f32)?);
            graph.add(&format!("{name}.clip"), Clip::default(), &[codes, low, high])
        }
        _ => codes,
    };
    let inputs = vec![Some(codes), Some(scale_id), Some(zero_id)];
    Ok((DequantizeLinear::default().into(), inputs))
}

fn needs(what: &str, needed: i64, opset: i64) -> String {
    format!("{what} need operator set {needed}, and it is {opset}: set `onnx_opset_version`")
}

/// The type that codes are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    I8,
    U8,
    I16,
    U16,
    I32,
    Code(Format),
}

fn storage(format: Format, opset: i64) -> Result<Storage, String> {
    let from = |needed: i64, storage| match opset >= needed {
        true => Ok(storage),
        false => Err(needs(&format!("codes of {format}"), needed, opset)),
    };
    match format {
        Format::Int(int) => match (int.is_signed(), int.bits()) {
            (true, ..=8) => Ok(Storage::I8),
            (false, ..=8) => Ok(Storage::U8),
            (true, 9..=16) => from(21, Storage::I16),
            (false, 9..=16) => from(21, Storage::U16),
            (true, 17..=32) => Ok(Storage::I32),
            _ => Err(format!("there is no type for {format}")),
        },
        Format::E4M3FN | Format::E4M3FNUZ | Format::E5M2 | Format::E5M2FNUZ => {
            from(19, Storage::Code(format))
        }
        other => Err(format!("there is no type for {other}")),
    }
}

impl Storage {
    /// Whether the type has the codes of this format and no others.
    fn is_exactly(self, int: IntFormat) -> bool {
        let bits = match self {
            Self::I8 | Self::U8 => 8,
            Self::I16 | Self::U16 => 16,
            Self::I32 => 32,
            Self::Code(_) => return true,
        };
        int.bits() == bits && int.range() == IntRange::Full
    }

    /// One number of the type.
    fn tensor(self, value: f32) -> Result<Tensor, String> {
        let whole = value as i64;
        if whole as f32 != value {
            return Err(format!("{value} is no integer: a zero point is one"));
        }
        Ok(match self {
            Self::I8 => Tensor::scalar(whole as i8),
            Self::U8 => Tensor::scalar(whole as u8),
            Self::I16 => Tensor::scalar(whole as i16),
            Self::U16 => Tensor::scalar(whole as u16),
            Self::I32 => Tensor::scalar(whole as i32),
            Self::Code(format) if whole == 0 => {
                Tensor::Code(format, ndarray::ArcArray::from_elem(IxDyn(&[]), 0))
            }
            Self::Code(format) => return Err(format!("{format} has no zero point but 0")),
        })
    }
}

/// Codes in the type that they are stored in.
fn codes(tensor: &AnyQuantTensor, opset: i64) -> Result<Tensor, String> {
    let format = tensor.format();
    let storage = match format {
        // Weights of few bits have types of their own.
        Format::Int(int) if opset >= 21 && int.bits() == 4 && int.range() == IntRange::Full => {
            Storage::Code(format)
        }
        Format::Int(int) if opset >= 25 && int.bits() == 2 && int.range() == IntRange::Full => {
            Storage::Code(format)
        }
        Format::E2M1FN if opset >= 23 => Storage::Code(format),
        Format::E2M1FN => return Err(needs("codes of e2m1fn", 23, opset)),
        _ => storage(format, opset)?,
    };
    if let Storage::Code(format) = storage {
        let codes = tensor.codes().mapv(|code| code as u8);
        return Ok(Tensor::Code(format, codes.into_shared()));
    }
    let ints = tensor.ints().map_err(|error| error.to_string())?;
    Ok(match storage {
        Storage::I8 => ints.mapv(|x| x as i8).into(),
        Storage::U8 => ints.mapv(|x| x as u8).into(),
        Storage::I16 => ints.mapv(|x| x as i16).into(),
        Storage::U16 => ints.mapv(|x| x as u16).into(),
        _ => ints.mapv(|x| x as i32).into(),
    })
}

/// Zero points in the type of codes.
fn zeros(codes: &Tensor, zeros: &Tensor) -> Result<Tensor, String> {
    let values = zeros.get::<f32>().map_err(|error| error.to_string())?;
    if values.iter().any(|zero| zero.fract() != 0.0) {
        return Err("zero points that are no integers are not expressed".into());
    }
    Ok(match codes {
        Tensor::I8(_) => values.mapv(|x| x as i8).into_shared().into(),
        Tensor::U8(_) => values.mapv(|x| x as u8).into_shared().into(),
        Tensor::I16(_) => values.mapv(|x| x as i16).into_shared().into(),
        Tensor::U16(_) => values.mapv(|x| x as u16).into_shared().into(),
        Tensor::I32(_) => values.mapv(|x| x as i32).into_shared().into(),
        Tensor::Code(Format::Int(int), _) => {
            let mask = if int.bits() >= 8 { 0xff } else { (1u8 << int.bits()) - 1 };
            let codes = values.mapv(|x| x as i64 as u8 & mask);
            Tensor::Code(Format::Int(*int), codes.into_shared())
        }
        other => return Err(format!("codes of {} have no zero points", other.element_type())),
    })
}
