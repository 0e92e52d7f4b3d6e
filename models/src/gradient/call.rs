//! A node that is gone through backward, and which rule it has.

use crate::ops::{Inputs, Op, OpError};
use crate::tensor::Tensor;

use super::tape::Gradient;
use super::{
    arithmetic, attention, convolution, functions, moves, norms, pools, products, quantizer,
    reductions, rotary, softmax,
};

/// A node with what it got and gave, and the gradients by what it gave.
pub(super) struct Call<'a> {
    pub(super) inputs: Inputs<'a, Tensor>,
    /// The first output.
    pub(super) output: Option<&'a Tensor>,
    /// One per output.
    pub(super) gradients: &'a [Option<&'a Gradient>],
    /// Whether the gradient by an input is asked for.
    pub(super) wants: &'a [bool],
}

/// Gradients by the inputs, in their order; places behind the last one have none.
pub(super) type Found = Result<Vec<Option<Gradient>>, OpError>;

impl<'a> Call<'a> {
    /// The gradient by the first output.
    pub(super) fn gradient(&self) -> Result<&'a Gradient, OpError> {
        let found = self.gradients.first().copied().flatten();
        found.ok_or_else(|| OpError::Unsupported("a gradient of a further output alone".into()))
    }

    /// An input of floats.
    pub(super) fn input(&self, place: usize) -> Result<&'a Gradient, OpError> {
        self.inputs.array(place, "of the gradient")
    }

    /// The first output.
    pub(super) fn output(&self) -> Result<&'a Gradient, OpError> {
        let missing = OpError::Missing { index: 0, name: "the output" };
        let found = self.output.ok_or(missing)?.get::<f32>();
        found.map_err(|source| OpError::Input { name: "the output", source })
    }

    pub(super) fn wants(&self, place: usize) -> bool {
        self.wants.get(place).copied().unwrap_or(false)
    }

    /// Refuses inputs from a place on whose gradients have no rule.
    pub(super) fn only(&self, places: usize) -> Result<(), OpError> {
        match (places..self.wants.len()).find(|&place| self.wants[place]) {
            None => Ok(()),
            Some(place) => Err(OpError::Unsupported(format!("a gradient by input {place}"))),
        }
    }

    /// The gradients by the inputs of an operator.
    pub(super) fn backward(&self, op: &Op) -> Found {
        if self.gradients.iter().skip(1).any(Option::is_some) && !matches!(op, Op::Split(_)) {
            return Err(OpError::Unsupported("a gradient of further outputs".into()));
        }
        match op {
            Op::MatMul(_) => products::matmul(self),
            Op::Gemm(op) => products::gemm(self, op),
            Op::Conv(op) => convolution::conv(self, op),
            Op::Add(_) => arithmetic::add(self),
            Op::Sub(_) => arithmetic::sub(self),
            Op::Mul(_) => arithmetic::mul(self),
            Op::Div(_) => arithmetic::div(self),
            Op::Pow(_) => arithmetic::pow(self),
            Op::Sum(_) => arithmetic::sum(self),
            Op::Where(op) => arithmetic::choice(self, op),
            Op::BatchNormalization(op) => norms::batch(self, op),
            Op::LayerNormalization(op) => norms::layer(self, op),
            Op::RMSNormalization(op) => norms::rms(self, op),
            Op::Softmax(op) => softmax::softmax(self, op),
            Op::LogSoftmax(op) => softmax::log_softmax(self, op),
            Op::Attention(op) => attention::attention(self, op),
            Op::RotaryEmbedding(op) => rotary::rotary(self, op),
            Op::MaxPool(op) => pools::greatest(self, op),
            Op::AveragePool(op) => pools::mean(self, op),
            Op::GlobalAveragePool(_) => pools::global_mean(self),
            Op::GlobalMaxPool(_) => pools::global_greatest(self),
            Op::ReduceMean(op) => reductions::mean(self, op),
            Op::ReduceSum(op) => reductions::sum(self, op),
            Op::Quantize(op) => quantizer::straight_through(self, op),
            Op::Reshape(_)
            | Op::Flatten(_)
            | Op::Squeeze(_)
            | Op::Unsqueeze(_)
            | Op::Identity(_)
            | Op::Dropout(_) => moves::same_order(self),
            Op::Transpose(_)
            | Op::Concat(_)
            | Op::Split(_)
            | Op::Slice(_)
            | Op::Gather(_)
            | Op::GatherElements(_)
            | Op::GatherND(_)
            | Op::Expand(_)
            | Op::Tile(_)
            | Op::Pad(_) => moves::moved(self, op),
            op => functions::function(self, op),
        }
    }
}
