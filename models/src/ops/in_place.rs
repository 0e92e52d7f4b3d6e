//! Operators that can leave their result where their first input was.

use ndarray::ArrayD;

use crate::tensor::Tensor;

use super::parallel::{change, change_all, change_all_with, rows_of};
use super::static_integer::StaticInteger;
use super::{Inputs, Op, OpError};

impl Op {
    /// Whether [`Self::change`] may do it.
    pub(crate) fn may_change(&self) -> bool {
        matches!(
            self,
            Self::Relu(_)
                | Self::Clip(_)
                | Self::Add(_)
                | Self::Mul(_)
                | Self::RotaryEmbedding(_)
                | Self::BatchNormalization(_)
                | Self::Quantize(_)
        )
    }

    /// Replaces the first input by the output, the same to the last bit as what [`Self::run`] gives; tells whether it did.
    /// `x` stands for the first of the inputs, which is not looked at.
    ///
    /// # Errors
    /// Inputs that cannot be.
    pub(crate) fn change(
        &self,
        x: &mut ArrayD<f32>,
        inputs: Inputs<'_, Tensor>,
    ) -> Result<bool, OpError> {
        let shape = x.shape().to_vec();
        let Some(elements) = x.as_slice_mut() else { return Ok(false) };
        Ok(match self {
            Self::Relu(_) => {
                change_all(elements, super::unary::relu);
                true
            }
            Self::Clip(_) => match (limit(inputs, 1), limit(inputs, 2)) {
                (Some(low), Some(high)) => {
                    change_all(elements, move |x| {
                        let x = if x < low { low } else { x };
                        if x > high { high } else { x }
                    });
                    true
                }
                _ => false,
            },
            Self::Add(_) => match alike(inputs.optional(1), &shape) {
                Some(other) => {
                    change_all_with(elements, other, |a, b| a + b);
                    true
                }
                None => false,
            },
            Self::Mul(_) => match alike(inputs.optional(1), &shape) {
                Some(other) => {
                    change_all_with(elements, other, |a, b| a * b);
                    true
                }
                None => false,
            },
            Self::RotaryEmbedding(op) => {
                op.turn(&shape, elements, inputs)?;
                true
            }
            Self::BatchNormalization(op) if shape.len() > 1 => {
                let factors = op.factors(inputs, shape[1])?;
                let plane = shape[2..].iter().product();
                rows_of(elements, plane, |at, plane| {
                    let (a, b) = factors[at % factors.len()];
                    change(plane, move |x| x * a + b);
                });
                true
            }
            Self::Quantize(op) => {
                StaticInteger::of(&op.quantizer).is_some_and(|plan| plan.change(elements))
            }
            _ => false,
        })
    }
}

/// The elements of an input of the same shape, in row-major order.
fn alike<'a>(input: Option<&'a Tensor>, shape: &[usize]) -> Option<&'a [f32]> {
    match input? {
        Tensor::F32(other) if other.shape() == shape => other.as_slice(),
        _ => None,
    }
}

/// The one number of a limit; none where there is no such input.
fn limit(inputs: Inputs<'_, Tensor>, place: usize) -> Option<f32> {
    match inputs.optional(place)? {
        Tensor::F32(limit) if limit.len() == 1 => limit.first().copied(),
        _ => None,
    }
}
