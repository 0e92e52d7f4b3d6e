//! Operators of which a part can be done once, where an input stays the same.

use crate::tensor::Tensor;

use super::packed::Packed;
use super::{Inputs, Op, OpError};

impl Op {
    /// Panels of an input that stays the same, where the operator copies it each time.
    pub(crate) fn pack(&self, place: usize, input: &Tensor) -> Option<Packed> {
        match (self, place) {
            (Self::Gemm(op), 1) => op.pack(input),
            _ => None,
        }
    }

    /// As [`Self::run`], of what [`Self::pack`] gave.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn run_packed(
        &self,
        inputs: Inputs<'_, Tensor>,
        packed: &Packed,
    ) -> Result<Vec<Tensor>, OpError> {
        match self {
            Self::Gemm(op) => op.compute(inputs, Some(packed)),
            other => other.run(inputs),
        }
    }
}
