//! What only moves elements: each gradient goes back to where its element came from.

use crate::ops::typed::{array, dense};
use crate::ops::{Inputs, Op, OpError};
use crate::tensor::Tensor;

use super::call::{Call, Found};

/// Another shape, elements in the same order.
pub(super) fn same_order(call: &Call<'_>) -> Found {
    call.only(1)?;
    let gradient = dense(call.gradient()?).into_owned();
    Ok(vec![Some(array(call.input(0)?.shape(), gradient)?)])
}

/// The place of an element that comes from no input.
const NOWHERE: i64 = -1;

/// The operator moves the places of its elements, so that each output says where it came from; one that came to several places
/// has the sum of their gradients.
pub(super) fn moved(call: &Call<'_>, op: &Op) -> Found {
    let parts = match op {
        Op::Concat(_) => call.inputs.len(),
        _ => 1,
    };
    call.only(parts)?;
    let (mut places, mut starts) = (Vec::with_capacity(parts), vec![0]);
    let mut next = 0i64;
    for part in 0..parts {
        let x = call.input(part)?;
        let end = next + x.len() as i64;
        places.push(Tensor::from(array(x.shape(), (next..end).collect())?));
        next = end;
        starts.push(end as usize);
    }
    let nowhere = Tensor::scalar(NOWHERE);
    let mut inputs: Vec<Option<&Tensor>> = call.inputs.iter().collect();
    inputs.iter_mut().zip(&places).for_each(|(to, places)| *to = Some(places));
    if matches!(op, Op::Pad(_)) {
        inputs.resize(inputs.len().max(3), None);
        inputs[2] = Some(&nowhere);
    }
    let mut sums = vec![0.0; next as usize];
    let moved = op.run(Inputs::new(&inputs))?;
    for (moved, gradient) in moved.iter().zip(call.gradients) {
        let Some(gradient) = gradient else { continue };
        let from = moved.get::<i64>().map_err(|source| OpError::Input { name: "X", source })?;
        for (&from, g) in dense(from).iter().zip(dense(gradient).iter()) {
            if let Some(to) = usize::try_from(from).ok().and_then(|at| sums.get_mut(at)) {
                *to += g;
            }
        }
    }
    let part = |part: usize| match call.wants(part) {
        true => {
            let own = sums[starts[part]..starts[part + 1]].to_vec();
            array(call.input(part)?.shape(), own).map(Some)
        }
        false => Ok(None),
    };
    (0..parts).map(part).collect()
}
