//! Rotary embeddings: a rotation back by the same angles.

use crate::ops::{Inputs, OpError, Operator, RotaryEmbedding};
use crate::tensor::Tensor;

use super::call::{Call, Found};

pub(super) fn rotary(call: &Call<'_>, op: &RotaryEmbedding) -> Found {
    call.only(1)?;
    let gradient = Tensor::from(call.gradient()?.clone());
    let back = Tensor::from(call.input(2)?.mapv(|sine| -sine));
    let inputs = [Some(&gradient), call.inputs.optional(1), Some(&back), call.inputs.optional(3)];
    let found = op.run(Inputs::new(&inputs))?.swap_remove(0);
    let found = found.get::<f32>().map_err(|source| OpError::Input { name: "X", source })?;
    Ok(vec![Some(found.clone())])
}
