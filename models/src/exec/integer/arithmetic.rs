//! What runs on codes and sums without leaving the integers.

use ndarray::{Axis, concatenate};

use crate::graph::Node;
use crate::ops::{Inputs, Op};
use crate::tensor::Tensor;

use super::datum::{Codes, Datum, Scales, Sums};
use super::ints::Ints;

/// The outputs of a node on codes and sums; `None` where it takes floats.
pub(super) fn run(node: &Node, inputs: &[Option<&Datum>]) -> Result<Option<Vec<Datum>>, String> {
    let first = inputs.first().copied().flatten();
    Ok(match (&node.op, first) {
        (Op::Relu(_), Some(Datum::Sums(sums))) => Some(vec![relu(sums)]),
        (op, Some(Datum::Codes(codes))) if op.moves_values() => moved(node, codes, inputs)?,
        (op, Some(Datum::Sums(sums))) if op.moves_values() && sums.scales.single().is_some() => {
            moved_sums(node, sums, inputs)?
        }
        (Op::GlobalAveragePool(_), Some(Datum::Codes(codes))) => mean(codes),
        (Op::Add(_), Some(Datum::Codes(a))) => match inputs.get(1).copied().flatten() {
            Some(Datum::Codes(b)) => sum(a, b),
            _ => None,
        },
        (Op::Concat(concat), Some(Datum::Codes(_))) => {
            let all: Option<Vec<&Codes>> = inputs
                .iter()
                .map(|input| match input {
                    Some(Datum::Codes(codes)) => Some(codes),
                    _ => None,
                })
                .collect();
            all.and_then(|all| joined(&all, concat.axis))
        }
        _ => None,
    })
}

fn relu(sums: &Sums) -> Datum {
    Datum::Sums(Sums { values: sums.values.mapv(|x| x.max(0)), scales: sums.scales.clone() })
}

/// Codes through a node that only moves values: they are whole numbers, so that the float operator moves them exactly.
fn moved(
    node: &Node,
    codes: &Codes,
    inputs: &[Option<&Datum>],
) -> Result<Option<Vec<Datum>>, String> {
    if codes.scales.single().is_none() || codes.format.bits() > 24 {
        return Ok(None);
    }
    let outputs = float(node, codes.ints.to_f32().into(), inputs)?;
    let back = |tensor: Tensor| {
        let array = tensor.get::<f32>().map_err(|error| error.to_string())?;
        let ints = codes.ints.like(&array.to_owned());
        Ok(Datum::Codes(Codes { ints, ..codes.clone() }))
    };
    outputs.into_iter().map(back).collect::<Result<Vec<_>, String>>().map(Some)
}

/// Sums through a node that only moves values, where f32 holds them.
fn moved_sums(
    node: &Node,
    sums: &Sums,
    inputs: &[Option<&Datum>],
) -> Result<Option<Vec<Datum>>, String> {
    if sums.values.iter().any(|value| value.unsigned_abs() > 1 << 24) {
        return Ok(None);
    }
    let outputs = float(node, sums.values.mapv(|x| x as f32).into(), inputs)?;
    let back = |tensor: Tensor| {
        let array = tensor.get::<f32>().map_err(|error| error.to_string())?;
        Ok(Datum::Sums(Sums { values: array.mapv(|x| x as i64), scales: sums.scales.clone() }))
    };
    outputs.into_iter().map(back).collect::<Result<Vec<_>, String>>().map(Some)
}

/// The outputs of the float operator on whole numbers in the place of its first input.
fn float(node: &Node, first: Tensor, inputs: &[Option<&Datum>]) -> Result<Vec<Tensor>, String> {
    let others: Vec<Option<Tensor>> = inputs.iter().map(|input| input.map(Datum::tensor)).collect();
    let mut all: Vec<Option<&Tensor>> = others.iter().map(Option::as_ref).collect();
    if let Some(place) = all.first_mut() {
        *place = Some(&first);
    }
    node.op.run(Inputs::new(&all)).map_err(|error| error.to_string())
}

/// The mean over all positions as a sum with a smaller scale: `(sum q - n z) (s / n)`.
fn mean(codes: &Codes) -> Option<Vec<Datum>> {
    let scale = codes.scales.single()?;
    let ints = codes.ints.to_i64();
    let shape = ints.shape().to_vec();
    let positions: usize = shape.get(2..)?.iter().product();
    let mut out = shape.clone();
    out[2..].fill(1);
    let flat = ints.into_shape_with_order((shape[0], shape[1], positions)).ok()?;
    let zero = codes.zero_point * positions as i64;
    let sums = flat.sum_axis(Axis(2)).mapv(|sum| sum - zero);
    let values = sums.into_dyn().into_shape_with_order(out).ok()?;
    let scales = Scales::one(scale / positions as f32);
    Some(vec![Datum::Sums(Sums { values, scales })])
}

/// The sum of codes of one scale and shape.
fn sum(a: &Codes, b: &Codes) -> Option<Vec<Datum>> {
    let (scale, other) = (a.scales.single()?, b.scales.single()?);
    if scale != other || a.ints.shape() != b.ints.shape() {
        return None;
    }
    let zero = a.zero_point + b.zero_point;
    let values = (a.ints.to_i64() + b.ints.to_i64()).mapv(|x| x - zero);
    Some(vec![Datum::Sums(Sums { values, scales: Scales::one(scale) })])
}

/// Codes of one format, scale and zero point side by side.
fn joined(all: &[&Codes], axis: i64) -> Option<Vec<Datum>> {
    let first = all.first()?;
    let fits = all.iter().all(|codes| {
        codes.format == first.format
            && codes.zero_point == first.zero_point
            && codes.scales.single().is_some()
            && codes.scales == first.scales
    });
    if !fits {
        return None;
    }
    let axes = first.ints.shape().len() as i64;
    let axis = Axis(usize::try_from(if axis < 0 { axis + axes } else { axis }).ok()?);
    let arrays: Vec<_> = all.iter().map(|codes| codes.ints.to_i64()).collect();
    let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
    let joined = concatenate(axis, &views).ok()?;
    let ints = Ints::new(&joined, (first.format.min(), first.format.max()));
    Some(vec![Datum::Codes(Codes { ints, ..(*first).clone() })])
}
