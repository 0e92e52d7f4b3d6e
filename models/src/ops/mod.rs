//! Operators: attributes, types and shapes, computation in floats, under ONNX's names and with its semantics.
//!
//! An operator is a struct with its attributes and one [`Operator`] implementation; [`Op`] is the sum of them, and the table
//! in `table.rs` has a row for each. The form is that of the newest operator set that is supported: what older ones wrote as
//! attributes (axes, limits) is read into inputs.

mod activation;
mod attention;
mod attribute;
mod binary;
pub(crate) mod broadcast;
mod cast;
mod chains;
mod code_values;
mod concat;
mod control;
mod conv;
mod conv_transpose;
mod convolve;
pub(crate) mod data_type;
mod dim;
pub(crate) mod dynamic_rows;
mod einsum;
mod error;
mod expand;
mod fact;
mod functions;
mod gather;
mod gemm;
mod generate;
mod heads;
mod in_place;
mod inputs;
mod integer;
mod logic;
pub(crate) mod matmul;
mod moves;
mod norm;
mod operator;
mod order;
mod packed;
pub(crate) mod panels;
pub(crate) mod parallel;
pub(crate) mod pool;
mod prepared;
pub(crate) mod product;
mod qonnx;
mod quantize;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
mod rnn;
mod rotary;
mod scan;
mod scatter;
pub(crate) mod set;
pub(crate) mod shape;
mod slice;
mod softmax;
mod space;
pub(crate) mod static_integer;
pub(crate) mod sums;
mod table;
mod thresholds;
mod transpose;
pub(crate) mod typed;
mod unary;
pub(crate) mod window;

pub use activation::{
    Celu, Clip, Elu, Gelu, GeluForm, HardSigmoid, LeakyRelu, PRelu, Selu, Swish, ThresholdedRelu,
};
pub use attention::Attention;
pub use attribute::{Attribute, Attributes};
pub use binary::{Add, Div, Max, Mean, Min, Mod, Mul, Pow, Sub, Sum};
pub use cast::{Cast, CastLike, PowerRounding};
pub use code_values::Quantize;
pub use concat::{Concat, Split};
pub use control::If;
pub use conv::Conv;
pub use conv_transpose::ConvTranspose;
pub use dim::Dim;
pub use einsum::Einsum;
pub use error::OpError;
pub use expand::{Expand, Pad, PadMode, Tile};
pub use fact::{Fact, Known};
pub use gather::{Gather, GatherElements, GatherND};
pub use gemm::Gemm;
pub use generate::{Constant, ConstantOfShape, Dropout, OneHot, Range, Shape, Size, Trilu};
pub use inputs::Inputs;
pub use integer::{ConvInteger, MatMulInteger, QLinearConv, QLinearMatMul};
pub use logic::{And, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Or, Where, Xor};
pub use matmul::MatMul;
pub use norm::{
    BatchNormalization, GroupNormalization, InstanceNormalization, LayerNormalization,
    LpNormalization, MeanVarianceNormalization, RMSNormalization,
};
pub use operator::{Operator, Read};
pub use order::{CumSum, NonZero, TopK};
pub(crate) use packed::Packed;
pub use pool::{AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool};
pub use qonnx::{BipolarQuant, FloatQuant, MultiThreshold, Quant, QuantRounding, Trunc};
pub(crate) use quantize::numbers;
pub use quantize::{DequantizeLinear, DynamicQuantizeLinear, QuantizeLinear};
pub use recurrent::{Activation, Direction, Recurrence};
pub use reduce::{
    ArgMax, ArgMin, ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceMax, ReduceMean,
    ReduceMin, ReduceProd, ReduceSum, ReduceSumSquare,
};
pub use reshape::{Flatten, Identity, Reshape, Squeeze, Unsqueeze};
pub use resize::{AspectRatio, Coordinates, NearestMode, Resize, ResizeMode, Upsample};
pub use rnn::{GRU, LSTM, RNN};
pub use rotary::RotaryEmbedding;
pub use scan::{Scan, ScanDirection};
pub use scatter::{Reduction, ScatterElements, ScatterND};
pub use set::AttributeSet;
pub(crate) use shape::elements as set_elements;
pub use slice::Slice;
pub use softmax::{Hardmax, LogSoftmax, Softmax, SoftmaxExtent};
pub use space::{DepthOrder, DepthToSpace, SpaceToDepth};
pub use table::Op;
pub(crate) use thresholds::thresholds;
pub use transpose::Transpose;
pub use unary::{
    Abs, Atan, Ceil, Cos, Erf, Exp, Floor, HardSwish, IsInf, IsNaN, Log, Mish, Neg, Not,
    Reciprocal, Relu, Round, Sigmoid, Sign, Sin, Softplus, Softsign, Sqrt, Tan, Tanh,
};
pub use window::{AutoPad, Padding};
