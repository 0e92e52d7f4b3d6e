//! QONNX's operators as quantizers.

use fewbit::formats::{Format, NanPolicy, Overflow, Policy, Rounding};
use fewbit::quantize::Quantizer;
use fewbit::tensor::Granularity;
use ndarray::ArrayD;

use crate::graph::{Graph, Node, ValueId};
use crate::ops::{FloatQuant, Op, Quant, QuantRounding, Quantize, thresholds};

use super::parts::{NEAREST, named, quantizer};

fn rounding(mode: QuantRounding) -> Rounding {
    match mode {
        QuantRounding::HalfEven => Rounding::TiesEven,
        QuantRounding::Ceil => Rounding::Up,
        QuantRounding::Floor => Rounding::Down,
        QuantRounding::Up => Rounding::Away,
        QuantRounding::Down => Rounding::TowardZero,
        QuantRounding::HalfUp => Rounding::TiesAway,
        QuantRounding::HalfDown => Rounding::TiesZero,
    }
}

/// The one number of a constant.
fn one(graph: &Graph, value: Option<ValueId>) -> Option<f32> {
    match graph.data(value?)?.get::<f32>().ok()?.iter().copied().collect::<Vec<_>>()[..] {
        [one] => Some(one),
        _ => None,
    }
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

/// `Quant`.
pub(super) fn quant(graph: &Graph, node: &Node, op: &Quant) -> Option<(ValueId, Quantizer)> {
    let (granularity, scale) = scales(graph, node, 1)?;
    let (_, zero) = scales(graph, node, 2)?;
    let (_, bits) = scales(graph, node, 3)?;
    let bits = bits.iter().next().copied().filter(|bits| bits.fract() == 0.0)? as i64;
    let (sign, range) = (if op.signed { "" } else { "u" }, if op.narrow { "n" } else { "" });
    let format: Format = format!("{sign}int{bits}{range}").parse().ok()?;
    let zero = match (granularity, zero.len()) {
        (Granularity::Channel { .. }, 1) => {
            let one = zero.iter().next().copied()?;
            ArrayD::from_elem(scale.raw_dim(), one)
        }
        _ => zero,
    };
    let policy = Policy::new(rounding(op.rounding), Overflow::Saturate).with_nan(NanPolicy::Zero);
    let quantizer = quantizer(format, granularity, (scale, Some(zero)), policy).ok()?;
    Some((node.input(0)?, quantizer))
}

/// `BipolarQuant`.
pub(super) fn bipolar(graph: &Graph, node: &Node) -> Option<(ValueId, Quantizer)> {
    let (granularity, scale) = scales(graph, node, 1)?;
    let quantizer = quantizer(Format::Binary, granularity, (scale, None), NEAREST).ok()?;
    Some((node.input(0)?, quantizer))
}

/// `FloatQuant`, where there is a format of these bits, this bias and this largest number.
pub(super) fn float(graph: &Graph, node: &Node, op: &FloatQuant) -> Option<(ValueId, Quantizer)> {
    let (granularity, scale) = scales(graph, node, 1)?;
    let whole = |place: usize| one(graph, node.input(place)).filter(|x| x.fract() == 0.0);
    let (exponent, mantissa, bias) = (whole(2)?, whole(3)?, whole(4)?);
    let largest = f64::from(one(graph, node.input(5))?);
    // All that FloatQuant has: what lies above the largest number is cut off.
    let all = (2.0 - f64::from(-mantissa).exp2())
        * (f64::from(exponent).exp2() - 1.0 - f64::from(bias)).exp2();
    let wanted = largest.min(all);
    let suits = |format: &Format| match format {
        Format::Float(float) => {
            let specials = (float.has_infinity(), float.has_nan());
            f64::from(float.bias()) == f64::from(bias)
                && format.max_finite() == wanted
                && (op.saturation || specials == (op.infinities, op.nans))
        }
        _ => false,
    };
    let names = ["", "fn", "fnuz", "fin"].into_iter().flat_map(|suffix| {
        let name = format!("e{exponent}m{mantissa}");
        [format!("{name}{suffix}"), format!("{name}b{bias}{suffix}")]
    });
    // Where two formats have the same numbers, the one with the specials of the file.
    let all: Vec<Format> = names.filter_map(|name| name.parse().ok()).filter(suits).collect();
    let same = |format: &&Format| match format {
        Format::Float(float) => (float.has_infinity(), float.has_nan()) == (op.infinities, op.nans),
        _ => false,
    };
    let format = *all.iter().find(same).or(all.first())?;
    let overflow = if op.saturation { Overflow::Saturate } else { Overflow::Special };
    let policy = Policy::new(rounding(op.rounding), overflow).with_nan(NanPolicy::Zero);
    Some((node.input(0)?, quantizer(format, granularity, (scale, None), policy).ok()?))
}

/// `MultiThreshold` and the product with a scale, where the thresholds are those of a quantizer to nearest.
pub(super) fn steps(graph: &Graph, node: &Node) -> Option<(ValueId, Quantizer)> {
    let (codes, scale) = match (node.input(0)?, node.input(1)?) {
        (scale, codes) if graph.data(scale).is_some() => (codes, scale),
        both => both,
    };
    let source = graph.node(graph.producer(codes)?.0);
    let Op::MultiThreshold(op) = &source.op else { return None };
    let rows = graph.data(source.input(1)?)?.get::<f32>().ok()?.to_owned();
    if op.scale != 1.0 || op.bias.fract() != 0.0 || rows.shape().first() != Some(&1) {
        return None;
    }
    let low = op.bias as i64;
    let format = named(low, low + rows.len() as i64)?;
    let scale = ndarray::arr0(one(graph, Some(scale))?).into_dyn();
    let found = quantizer(format, Granularity::Tensor, (scale, None), NEAREST).ok()?;
    let own = thresholds(&Quantize::new(found.clone()))?;
    own.iter().eq(rows.iter()).then_some((source.input(0)?, found))
}
