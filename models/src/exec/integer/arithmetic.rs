//! What runs on codes and sums without leaving the integers.

use fewbit::requantize::RequantizePolicy;
use ndarray::{ArrayD, Axis, Slice, concatenate};

use crate::graph::Node;
use crate::ops::{Inputs, Op, Pad, PadMode, Split};
use crate::tensor::Tensor;

use super::bias::biased;
use super::datum::{Codes, Datum, Scales, Sums};
use super::functions;
use super::ints::{Ints, each};
use super::pools;
use super::requantize::rescaled;
use super::row_moves;
use super::sequence::{differences, zipped};
use super::table::Table;

/// The outputs of a node on codes and sums; `None` where it takes floats.
///
/// A policy brings sums of two scales to one, where they are added.
pub(super) fn run(
    node: &Node,
    inputs: &[Option<&Datum>],
    policy: Option<RequantizePolicy>,
) -> Result<Option<Vec<Datum>>, String> {
    let first = inputs.first().copied().flatten();
    let second = inputs.get(1).copied().flatten();
    let one = |sums: Option<Sums>| sums.map(|sums| vec![Datum::Sums(sums)]);
    let found = match (&node.op, first) {
        (Op::Relu(_), Some(Datum::Sums(sums))) => Some(vec![relu(sums)]),
        (Op::Relu(_), Some(Datum::Codes(codes))) => {
            Some(vec![Datum::Codes(functions::relu(codes))])
        }
        (Op::Pad(pad), Some(Datum::Codes(codes))) => padded(node, pad, codes, inputs)?,
        (op, Some(Datum::Codes(codes))) if op.moves_values() => moved(node, codes, inputs)?,
        (op, Some(Datum::Table(table))) if op.moves_values() => moved_table(node, table, inputs)?,
        (op, Some(Datum::Sums(sums))) if op.moves_values() && sums.scales.single().is_some() => {
            moved_sums(node, sums, inputs)?
        }
        (_, Some(Datum::Rows(rows))) => {
            row_moves::moved(rows, node, inputs).map(|rows| vec![Datum::Rows(rows)])
        }
        (Op::GlobalAveragePool(_), Some(Datum::Codes(codes))) => one(pools::global(codes)),
        (Op::AveragePool(pool), Some(Datum::Codes(codes))) => one(pools::windows(pool, codes)?),
        (op @ (Op::ReduceMean(_) | Op::ReduceSum(_)), Some(Datum::Codes(codes))) => {
            let axes = second.map(Datum::tensor);
            one(pools::reduced(op, codes, axes.as_ref())?)
        }
        (Op::Add(_), Some(Datum::Codes(a))) => match second {
            Some(Datum::Codes(b)) => sum(a, b),
            Some(Datum::Sums(sums)) => with_bias(sums, a),
            _ => None,
        },
        (Op::Add(_), Some(Datum::Sums(sums))) => match second {
            Some(Datum::Codes(bias)) => with_bias(sums, bias),
            Some(Datum::Sums(other)) => {
                both(sums, other, policy)?.map(|sums| vec![Datum::Sums(sums)])
            }
            _ => None,
        },
        (Op::Mul(_), Some(Datum::Codes(a))) => match second {
            Some(Datum::Codes(b)) if !a.ints.is_same(&b.ints) => one(product(a, b)),
            _ => None,
        },
        (Op::Split(split), Some(Datum::Sums(sums))) => parts(split, sums, second)?,
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
    };
    match found {
        Some(outputs) => Ok(Some(outputs)),
        None => functions::run(node, inputs),
    }
}

/// The sum of two kinds of sums: exact where their scales are the same; else the second ones become whole numbers of the first
/// ones' scale, by the policy.
fn both(a: &Sums, b: &Sums, policy: Option<RequantizePolicy>) -> Result<Option<Sums>, String> {
    let alike = a.scales == b.scales
        || (a.scales.values == b.scales.values
            && a.values.ndim() + b.scales.axis == b.values.ndim() + a.scales.axis);
    let scales = |values: &ArrayD<i64>| Scales {
        axis: match a.scales.single() {
            Some(_) => 0,
            None => values.ndim() - (a.values.ndim() - a.scales.axis),
        },
        ..a.scales.clone()
    };
    let sum = |other: &ArrayD<i64>| {
        let values = zipped(&a.values, other, |x, y| x.saturating_add(y))?;
        let scales = scales(&values);
        Some(Sums { values, scales })
    };
    match policy {
        _ if alike => Ok(sum(&b.values)),
        None => Ok(None),
        Some(policy) => Ok(match rescaled(b, a, policy)? {
            Some(other) => sum(&other),
            None => None,
        }),
    }
}

/// The product of codes, element by element: whole numbers of the product of the scales.
fn product(a: &Codes, b: &Codes) -> Option<Sums> {
    let (scale, other) = (a.scales.single()?, b.scales.single()?);
    let values = zipped(&differences(a), &differences(b), |x, y| x * y)?;
    Some(Sums { values, scales: Scales::one(scale * other) })
}

/// Parts of sums along the axis of their channels, or along any one where they have one scale.
fn parts(split: &Split, sums: &Sums, sizes: Option<&Datum>) -> Result<Option<Vec<Datum>>, String> {
    let rank = sums.values.ndim() as i64;
    let axis = if split.axis < 0 { split.axis + rank } else { split.axis };
    let sizes = sizes.map(|sizes| sizes.tensor().integers().map_err(|error| error.to_string()));
    let (Ok(axis), Some(sizes)) = (usize::try_from(axis), sizes.transpose()?) else {
        return Ok(None);
    };
    let total: i64 = sizes.iter().sum();
    if sums.values.shape().get(axis).copied() != usize::try_from(total).ok() {
        return Ok(None);
    }
    let (mut first, mut all) = (0usize, Vec::new());
    for size in sizes {
        let Ok(size) = usize::try_from(size) else { return Ok(None) };
        let slice = Slice::from(first..first + size);
        let values = sums.values.slice_axis(Axis(axis), slice).to_owned();
        let mut scales = sums.scales.clone();
        if scales.single().is_none() && scales.axis == axis {
            scales.values = scales.values[first..first + size].to_vec();
            if scales.values.windows(2).all(|pair| pair[0] == pair[1]) {
                scales = Scales::one(scales.values.first().copied().unwrap_or(1.0));
            }
        }
        all.push(Datum::Sums(Sums { values, scales }));
        first += size;
    }
    Ok(Some(all))
}

/// Sums and codes of one number per channel in their scale, as the bias of a product is that stands behind it.
fn with_bias(sums: &Sums, bias: &Codes) -> Option<Vec<Datum>> {
    let axis = sums.scales.axis;
    let channels = *sums.values.shape().get(axis)?;
    let shape = bias.ints.shape();
    let behind = sums.values.ndim() - 1 - axis;
    let place = shape.len().checked_sub(behind + 1)?;
    let lies =
        shape.iter().enumerate().all(|(at, &size)| size == if at == place { channels } else { 1 });
    let fits = lies && bias.zero_point == 0 && bias.scales.values == sums.scales.values;
    match biased(sums.clone(), &Datum::Codes(bias.clone())) {
        Ok(sum @ Datum::Sums(_)) if fits => Some(vec![sum]),
        _ => None,
    }
}

/// Codes with others around them: that of 0, or copies of their own.
fn padded(
    node: &Node,
    pad: &Pad,
    codes: &Codes,
    inputs: &[Option<&Datum>],
) -> Result<Option<Vec<Datum>>, String> {
    let value = inputs.get(2).copied().flatten().map(Datum::tensor);
    let is_zero = match &value {
        None => true,
        Some(value) => value.get::<f32>().is_ok_and(|value| value.iter().all(|&x| x == 0.0)),
    };
    if pad.mode == PadMode::Constant && !is_zero {
        return Ok(None);
    }
    let zero = Datum::Plain(Tensor::scalar(codes.zero_point as f32));
    let mut with_zero = inputs.to_vec();
    with_zero.resize(with_zero.len().max(3), None);
    with_zero[2] = Some(&zero);
    moved(node, codes, &with_zero)
}

/// A table's codes through a node that only moves values.
fn moved_table(
    node: &Node,
    table: &Table,
    inputs: &[Option<&Datum>],
) -> Result<Option<Vec<Datum>>, String> {
    // A pool takes the greatest value, which is not that of the greatest code.
    if matches!(node.op, Op::MaxPool(_) | Op::GlobalMaxPool(_)) {
        return Ok(None);
    }
    let outputs = run_on(node, table.ints.to_f32().into(), inputs)?;
    let back = |tensor: Tensor| {
        let array = tensor.get::<f32>().map_err(|error| error.to_string())?;
        Ok(Datum::Table(table.moved(table.ints.like(&array.to_owned()))))
    };
    outputs.into_iter().map(back).collect::<Result<Vec<_>, String>>().map(Some)
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
    if takes_integers(&node.op, &codes.ints) {
        let first = each!(&codes.ints, array => Tensor::from(array.clone()));
        let back = |tensor: Tensor| {
            let ints = match tensor {
                Tensor::I8(array) => Ints::I8(array),
                Tensor::U8(array) => Ints::U8(array),
                Tensor::I32(array) => Ints::I32(array),
                other => return Err(format!("codes became {}", other.element_type())),
            };
            Ok(Datum::Codes(Codes { ints, ..codes.clone() }))
        };
        let outputs = run_on(node, first, inputs)?;
        return outputs.into_iter().map(back).collect::<Result<Vec<_>, String>>().map(Some);
    }
    let outputs = run_on(node, codes.ints.to_f32().into(), inputs)?;
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
    let outputs = run_on(node, sums.values.mapv(|x| x as f32).into(), inputs)?;
    let back = |tensor: Tensor| {
        let array = tensor.get::<f32>().map_err(|error| error.to_string())?;
        Ok(Datum::Sums(Sums { values: array.mapv(|x| x as i64), scales: sums.scales.clone() }))
    };
    outputs.into_iter().map(back).collect::<Result<Vec<_>, String>>().map(Some)
}

/// Whether an operator moves integers of this type as they are.
fn takes_integers(op: &Op, ints: &Ints) -> bool {
    match op {
        Op::MaxPool(_) => !matches!(ints, Ints::I32(_)),
        Op::Flatten(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) => true,
        Op::Transpose(_) | Op::Identity(_) => true,
        _ => false,
    }
}

/// The outputs of the operator on whole numbers in the place of its first input.
fn run_on(node: &Node, first: Tensor, inputs: &[Option<&Datum>]) -> Result<Vec<Tensor>, String> {
    let others = inputs.iter().skip(1).map(|input| input.map(Datum::tensor));
    let others: Vec<Option<Tensor>> = others.collect();
    let mut all = vec![Some(&first)];
    all.extend(others.iter().map(Option::as_ref));
    node.op.run(Inputs::new(&all)).map_err(|error| error.to_string())
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
