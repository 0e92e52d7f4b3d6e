//! Codes with parameters of every row, through nodes that only move values.

use ndarray::{ArcArray, ArrayD, IxDyn};

use crate::graph::Node;
use crate::ops::{Inputs, Op};
use crate::tensor::Tensor;

use super::datum::Datum;
use super::row_codes::RowCodes;

/// The codes behind a node that only moves values, and that does the same to the parameters; `None` for any other.
///
/// Axes may be permuted, and come and go where they are 1. The axes in front of rows, whose parameters are theirs alone, may
/// be cut otherwise.
pub(super) fn moved(rows: &RowCodes, node: &Node, inputs: &[Option<&Datum>]) -> Option<RowCodes> {
    let moves = match node.op {
        Op::Identity(_) | Op::Transpose(_) | Op::Unsqueeze(_) => true,
        // Without axes it takes away all that are 1, of which parameters have more.
        Op::Squeeze(_) => inputs.get(1).is_some_and(Option::is_some),
        _ => false,
    };
    let run = |array: ArrayD<f32>| -> Option<ArcArray<f32, IxDyn>> {
        let others: Vec<Option<Tensor>> =
            inputs.iter().map(|input| input.map(Datum::tensor)).collect();
        let first: Tensor = array.into();
        let mut all: Vec<Option<&Tensor>> = others.iter().map(Option::as_ref).collect();
        *all.first_mut()? = Some(&first);
        let output = node.op.run(Inputs::new(&all)).ok()?.swap_remove(0);
        output.get::<f32>().ok().cloned()
    };
    let is_reshape = matches!(node.op, Op::Reshape(_) | Op::Flatten(_));
    if (!moves && !is_reshape) || rows.format.bits() > 24 {
        return None;
    }
    let ints = run(rows.ints.to_f32())?;
    let shape = ints.shape().to_vec();
    let parameter = |array: &ArrayD<f32>| -> Option<ArrayD<f32>> {
        if moves {
            return Some(run(array.clone())?.to_owned());
        }
        if array.len() == 1 {
            return array.to_shape(vec![1; shape.len()]).ok().map(|array| array.to_owned());
        }
        // Rows stay rows: one number for each.
        let (last, own) = (*shape.last()?, rows.ints.shape());
        let rows = array.len() * last == ints.len() && own.last() == Some(&last);
        let mut to = shape.clone();
        *to.last_mut()? = 1;
        let fits = rows && array.shape().last() == Some(&1);
        fits.then(|| array.to_shape(to).ok().map(|array| array.to_owned())).flatten()
    };
    let scales = parameter(&rows.scales)?;
    let zero_points = match &rows.zero_points {
        None => None,
        Some(zero) => Some(parameter(zero)?),
    };
    let ints = rows.ints.like(&ints.to_owned());
    Some(RowCodes { ints, format: rows.format, scales, zero_points })
}
