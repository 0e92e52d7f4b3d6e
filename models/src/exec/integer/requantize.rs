//! From floats and sums to codes.

use std::sync::Arc;

use fewbit::Requantizer;
use fewbit::formats::Format;
use fewbit::quantize::{ScaleSource, ZeroPoint, ZeroPointSource};
use fewbit::requantize::{PerChannel, Requantization, RequantizePolicy};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{ArcArray, ArrayD, Axis, IxDyn};

use crate::ops::Quantize;
use crate::ops::dynamic_rows::{DynamicRows, OfRows};
use crate::ops::static_integer::StaticInteger;

use super::datum::{Codes, Datum, Scales, Sums};
use super::functions;
use super::ints::Ints;
use super::row_codes::RowCodes;

/// What a quantizer makes of a datum.
pub(super) fn quantized(
    op: &Quantize,
    datum: &Datum,
    policy: Option<RequantizePolicy>,
) -> Result<Datum, String> {
    if let Datum::Codes(codes) = datum
        && is_its_grid(op, codes)
    {
        return Ok(datum.clone());
    }
    let is_int = matches!(op.quantizer.scheme().format, Format::Int(_));
    match (datum, policy) {
        (Datum::Sums(sums), Some(policy)) if is_int => {
            requantized(op, sums, policy).map(Datum::Codes)
        }
        (Datum::Table(table), _) if is_int => {
            // One lookup for function and quantizer, where both are known for every code.
            let values = ArcArray::from(table.values.to_vec()).into_dyn();
            let is_static =
                op.is_static() && op.quantizer.scheme().granularity == Granularity::Tensor;
            let of_values = if is_static { encoded(op, &values).ok() } else { None };
            match of_values {
                Some(Datum::Codes(of_values)) => {
                    Ok(Datum::Codes(functions::quantized(table, &of_values)))
                }
                _ => encoded(op, &table.values().into_shared()),
            }
        }
        (datum, _) => {
            let tensor = datum.tensor();
            let x = tensor.get::<f32>().map_err(|error| error.to_string())?;
            encoded(op, x)
        }
    }
}

/// Whether codes are already those that a quantizer gives to what they stand for: the state of a loop is, from the second step on.
fn is_its_grid(op: &Quantize, codes: &Codes) -> bool {
    let scheme = op.quantizer.scheme();
    let zero_point = match &scheme.zero_point {
        ZeroPoint::Zero => Some(0.0),
        ZeroPoint::Shifted { source: ZeroPointSource::Given(zero), .. } if zero.len() == 1 => {
            zero.first().copied()
        }
        _ => None,
    };
    let ScaleSource::Given(scale) = &op.quantizer.scale_rule().source else { return false };
    scheme.granularity == Granularity::Tensor
        && scheme.format == Format::Int(codes.format)
        && scale.len() == 1
        && scale.first().copied() == codes.scales.single()
        && zero_point == Some(codes.zero_point as f32)
}

/// The codes of floats.
fn encoded(op: &Quantize, x: &ArcArray<f32, IxDyn>) -> Result<Datum, String> {
    if let Some(codes) = static_codes(op, x) {
        return Ok(Datum::Codes(codes));
    }
    if let Some(codes) = dynamic_codes(op, x) {
        return Ok(codes);
    }
    let tensor = op.codes(x).map_err(|error| error.to_string())?;
    if let Some(codes) = codes(&tensor)? {
        return Ok(Datum::Codes(codes));
    }
    Ok(match RowCodes::of_tensor(&tensor)? {
        Some(rows) => Datum::Rows(rows),
        None => Datum::Coded(Arc::new(tensor)),
    })
}

/// The codes of floats by a quantizer with parameters of every row, in one pass.
fn dynamic_codes(op: &Quantize, x: &ArcArray<f32, IxDyn>) -> Option<Datum> {
    let plan = DynamicRows::of(&op.quantizer)?;
    let Format::Int(format) = op.quantizer.scheme().format else { return None };
    let array = |shape: &[usize], values| ArrayD::from_shape_vec(shape, values).ok();
    let (ints, scales, zero_points) = if format.min() >= 0 && format.max() <= 255 {
        let OfRows { elements, scales, zero_points } = plan.codes(x, |code| code as u8)?;
        let ints = ArcArray::from_shape_vec(x.raw_dim(), elements).ok()?;
        (Ints::U8(ints), scales, zero_points)
    } else if format.min() >= -128 && format.max() <= 127 {
        let OfRows { elements, scales, zero_points } = plan.codes(x, |code| code as i8)?;
        let ints = ArcArray::from_shape_vec(x.raw_dim(), elements).ok()?;
        (Ints::I8(ints), scales, zero_points)
    } else {
        let OfRows { elements, scales, zero_points } = plan.codes(x, |code| code as i32)?;
        let ints = ArcArray::from_shape_vec(x.raw_dim(), elements).ok()?;
        (Ints::I32(ints), scales, zero_points)
    };
    let whole_zero = match &zero_points {
        None => Some(0.0),
        Some(zeros) => zeros.first().copied().filter(|zero| zero.fract() == 0.0),
    };
    if let ([scale], Some(zero)) = (&scales[..], whole_zero) {
        let scales = Scales::one(*scale);
        return Some(Datum::Codes(Codes { ints, format, scales, zero_point: zero as i64 }));
    }
    let mut shape = x.shape().to_vec();
    match scales.len() {
        1 => shape.fill(1),
        _ => *shape.last_mut()? = 1,
    }
    let zero_points = match zero_points {
        None => None,
        Some(zeros) => Some(array(&shape, zeros)?),
    };
    let scales = array(&shape, scales)?;
    Some(Datum::Rows(RowCodes { ints, format, scales, zero_points }))
}

/// The codes of floats by a quantizer with one scale that is known, in one pass.
fn static_codes(op: &Quantize, x: &ArcArray<f32, IxDyn>) -> Option<Codes> {
    let plan = StaticInteger::of(&op.quantizer)?;
    let Format::Int(format) = op.quantizer.scheme().format else { return None };
    let ScaleSource::Given(scale) = &op.quantizer.scale_rule().source else { return None };
    let zero_point = match &op.quantizer.scheme().zero_point {
        ZeroPoint::Shifted { source: ZeroPointSource::Given(zero), .. } => *zero.first()?,
        _ => 0.0,
    };
    if zero_point.fract() != 0.0 {
        return None;
    }
    let elements = x.as_slice()?;
    let shape = x.raw_dim();
    let ints = if format.min() >= 0 && format.max() <= 255 {
        let codes = plan.bytes(elements)?;
        Ints::U8(ArcArray::from_shape_vec(shape, codes).ok()?)
    } else if format.min() >= -128 && format.max() <= 127 {
        let codes = plan.bytes(elements)?.into_iter().map(|byte| byte as i8).collect();
        Ints::I8(ArcArray::from_shape_vec(shape, codes).ok()?)
    } else {
        let codes = plan.codes(elements, |code| code as i32)?;
        Ints::I32(ArcArray::from_shape_vec(shape, codes).ok()?)
    };
    let scales = Scales::one(*scale.first()?);
    Some(Codes { ints, format, scales, zero_point: zero_point as i64 })
}

/// A quantized tensor as integers with scales; `None` where there are several zero points or scales in groups.
pub(crate) fn codes(tensor: &AnyQuantTensor) -> Result<Option<Codes>, String> {
    let Format::Int(format) = tensor.format() else { return Ok(None) };
    let scale: Vec<f32> = tensor.scale().iter().copied().collect();
    let axis = match tensor.granularity() {
        Granularity::Tensor => 0,
        Granularity::Channel { axis } if axis >= 0 => axis as usize,
        _ if scale.len() == 1 => 0,
        _ => return Ok(None),
    };
    let zero_point = match tensor.zero_point() {
        None => 0,
        Some(zeros) => {
            let first = zeros.iter().next().copied().unwrap_or(0.0);
            if zeros.iter().any(|&zero| zero != first) || first.fract() != 0.0 {
                return Ok(None);
            }
            first as i64
        }
    };
    let ints = tensor.ints().map_err(|error| error.to_string())?;
    let ints = Ints::new(&ints, (format.min(), format.max()));
    Ok(Some(Codes { ints, format, scales: Scales { values: scale, axis }, zero_point }))
}

/// The codes of sums by a policy.
fn requantized(op: &Quantize, sums: &Sums, policy: RequantizePolicy) -> Result<Codes, String> {
    let scheme = op.quantizer.scheme();
    let Format::Int(format) = scheme.format else {
        return Err(format!("{} is no integer format", scheme.format));
    };
    let ScaleSource::Given(scale) = &op.quantizer.scale_rule().source else {
        return Err("requantization needs a scale that is known before the network runs".into());
    };
    let [output] = scale.iter().copied().collect::<Vec<_>>()[..] else {
        return Err("requantization needs one scale for all of the output".into());
    };
    let zero_point = match &scheme.zero_point {
        ZeroPoint::Zero => 0,
        ZeroPoint::Shifted { source: ZeroPointSource::Given(zero), .. } => {
            zero.iter().next().copied().unwrap_or(0.0) as i64
        }
        _ => {
            return Err(
                "requantization needs a zero point that is known before the network runs".into()
            );
        }
    };
    let ratio = |scale: &f32| f64::from(*scale) / f64::from(output);
    let scales = match sums.scales.single() {
        Some(scale) => PerChannel::Tensor(ratio(&scale)),
        None => PerChannel::Channels(sums.scales.values.iter().map(ratio).collect()),
    };
    let parameters = policy.parameters(&scales).map_err(|error| error.to_string())?;
    let job = Requantization::new(policy, parameters, format)
        .and_then(|job| job.with_zero_point(zero_point))
        .map_err(|error| error.to_string())?;
    // Channels lie along the last axis of what a requantizer takes.
    let axis = Axis(sums.scales.axis);
    let channels_last = sums.scales.single().is_none();
    let moved = if channels_last { moved_last(&sums.values, axis) } else { sums.values.clone() };
    let mut out = vec![0i32; moved.len()];
    let flat = moved.as_standard_layout();
    let flat = flat.as_slice().unwrap_or_default();
    Requantizer::new(job).run(flat, &mut out).map_err(|error| error.to_string())?;
    let out = out.into_iter().map(i64::from).collect();
    let out = ArrayD::from_shape_vec(moved.raw_dim(), out).map_err(|error| error.to_string())?;
    let out = if channels_last { moved_back(&out, axis) } else { out };
    let ints = Ints::new(&out, (format.min(), format.max()));
    Ok(Codes { ints, format, scales: Scales::one(output), zero_point })
}

/// Sums as whole numbers of other sums' scales, in 32 bits, by a policy; `None` where their channels do not lie alike.
pub(super) fn rescaled(
    sums: &Sums,
    to: &Sums,
    policy: RequantizePolicy,
) -> Result<Option<ArrayD<i64>>, String> {
    let Format::Int(format) = Format::INT32 else { return Ok(None) };
    let last =
        |sums: &Sums| sums.scales.single().is_some() || sums.scales.axis + 1 == sums.values.ndim();
    let (from, into) = (&sums.scales.values, &to.scales.values);
    let count = from.len().max(into.len());
    let fits = |scales: &[f32]| scales.len() == 1 || scales.len() == count;
    if !last(sums) || !last(to) || !fits(from) || !fits(into) || sums.values.ndim() == 0 {
        return Ok(None);
    }
    let at = |scales: &[f32], i: usize| f64::from(scales[i % scales.len()]);
    let ratios: Vec<f64> = (0..count).map(|i| at(from, i) / at(into, i)).collect();
    let scales = match ratios[..] {
        [ratio] => PerChannel::Tensor(ratio),
        _ => PerChannel::Channels(ratios),
    };
    let parameters = policy.parameters(&scales).map_err(|error| error.to_string())?;
    let job = Requantization::new(policy, parameters, format).map_err(|error| error.to_string())?;
    let values = sums.values.as_standard_layout();
    let mut out = vec![0i32; values.len()];
    let flat = values.as_slice().unwrap_or_default();
    Requantizer::new(job).run(flat, &mut out).map_err(|error| error.to_string())?;
    let out = out.into_iter().map(i64::from).collect();
    let out = ArrayD::from_shape_vec(values.raw_dim(), out).map_err(|error| error.to_string())?;
    Ok(Some(out))
}

/// The array with an axis moved to the end.
fn moved_last(array: &ArrayD<i64>, axis: Axis) -> ArrayD<i64> {
    let mut order: Vec<usize> = (0..array.ndim()).filter(|&a| a != axis.0).collect();
    order.push(axis.0);
    array.view().permuted_axes(order).as_standard_layout().into_owned()
}

/// The array with its last axis moved back to its place.
fn moved_back(array: &ArrayD<i64>, axis: Axis) -> ArrayD<i64> {
    let mut order: Vec<usize> = (0..array.ndim() - 1).collect();
    order.insert(axis.0, array.ndim() - 1);
    array.view().permuted_axes(order).as_standard_layout().into_owned()
}
