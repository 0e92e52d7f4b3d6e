//! Which rule an operator has.

use crate::ops::{Op, OpError};

use super::call::{Call, Found};
use super::{
    arithmetic, attention, convolution, functions, moves, norms, pools, products, quantizer,
    reductions, rotary, softmax,
};

/// The gradients by the inputs of an operator that has no graph of its own.
pub(super) fn backward(call: &Call<'_>, op: &Op) -> Found {
    if call.gradients.iter().skip(1).any(Option::is_some) && !matches!(op, Op::Split(_)) {
        return Err(OpError::Unsupported("a gradient of further outputs".into()));
    }
    match op {
        Op::MatMul(_) => products::matmul(call),
        Op::Gemm(op) => products::gemm(call, op),
        Op::Conv(op) => convolution::conv(call, op),
        Op::ConvTranspose(op) => convolution::conv_transpose(call, op),
        Op::Add(_) => arithmetic::add(call),
        Op::Sub(_) => arithmetic::sub(call),
        Op::Mul(_) => arithmetic::mul(call),
        Op::Div(_) => arithmetic::div(call),
        Op::Pow(_) => arithmetic::pow(call),
        Op::Sum(_) => arithmetic::sum(call),
        Op::Where(op) => arithmetic::choice(call, op),
        Op::BatchNormalization(op) => norms::batch(call, op),
        Op::LayerNormalization(op) => norms::layer(call, op),
        Op::RMSNormalization(op) => norms::rms(call, op),
        Op::Softmax(op) => softmax::softmax(call, op),
        Op::LogSoftmax(op) => softmax::log_softmax(call, op),
        Op::Attention(op) => attention::attention(call, op),
        Op::RotaryEmbedding(op) => rotary::rotary(call, op),
        Op::MaxPool(op) => pools::greatest(call, op),
        Op::AveragePool(op) => pools::mean(call, op),
        Op::GlobalAveragePool(_) => pools::global_mean(call),
        Op::GlobalMaxPool(_) => pools::global_greatest(call),
        Op::ReduceMean(op) => reductions::mean(call, op),
        Op::ReduceSum(op) => reductions::sum(call, op),
        Op::Quantize(op) => quantizer::straight_through(call, op),
        Op::Reshape(_)
        | Op::Flatten(_)
        | Op::Squeeze(_)
        | Op::Unsqueeze(_)
        | Op::Identity(_)
        | Op::Dropout(_) => moves::same_order(call),
        Op::Transpose(_)
        | Op::Concat(_)
        | Op::Split(_)
        | Op::Slice(_)
        | Op::Gather(_)
        | Op::GatherElements(_)
        | Op::GatherND(_)
        | Op::Expand(_)
        | Op::Tile(_)
        | Op::Pad(_) => moves::moved(call, op),
        op => functions::function(call, op),
    }
}
