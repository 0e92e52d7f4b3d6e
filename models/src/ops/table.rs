//! The table of operators.

use crate::tensor::Tensor;

use super::{
    Abs, Add, And, ArgMax, ArgMin, Atan, Attention, Attributes, AveragePool, BatchNormalization,
    BipolarQuant, Cast, CastLike, Ceil, Celu, Clip, Concat, Constant, ConstantOfShape, Conv,
    ConvInteger, ConvTranspose, Cos, CumSum, DepthToSpace, DequantizeLinear, Div, Dropout,
    DynamicQuantizeLinear, Einsum, Elu, Equal, Erf, Exp, Expand, Fact, Flatten, FloatQuant, Floor,
    GRU, Gather, GatherElements, GatherND, Gelu, Gemm, GlobalAveragePool, GlobalMaxPool, Greater,
    GreaterOrEqual, GroupNormalization, HardSigmoid, HardSwish, Hardmax, Identity, If, Inputs,
    InstanceNormalization, IsInf, IsNaN, LSTM, LayerNormalization, LeakyRelu, Less, LessOrEqual,
    Log, LogSoftmax, LpNormalization, MatMul, MatMulInteger, Max, MaxPool, Mean,
    MeanVarianceNormalization, Min, Mish, Mod, Mul, MultiThreshold, Neg, NonZero, Not, OneHot,
    OpError, Operator, Or, PRelu, Pad, Pow, QLinearConv, QLinearMatMul, Quant, Quantize,
    QuantizeLinear, RMSNormalization, RNN, Range, Read, Reciprocal, ReduceL1, ReduceL2,
    ReduceLogSum, ReduceLogSumExp, ReduceMax, ReduceMean, ReduceMin, ReduceProd, ReduceSum,
    ReduceSumSquare, Relu, Reshape, Resize, RotaryEmbedding, Round, Scan, ScatterElements,
    ScatterND, Selu, Shape, Sigmoid, Sign, Sin, Size, Slice, Softmax, Softplus, Softsign,
    SpaceToDepth, Split, Sqrt, Squeeze, Sub, Sum, Swish, Tan, Tanh, ThresholdedRelu, Tile, TopK,
    Transpose, Trilu, Trunc, Unsqueeze, Upsample, Where, Xor,
};

impl Op {
    /// Whether it only quantizes or dequantizes.
    #[must_use]
    pub fn is_quantizer(&self) -> bool {
        const NAMES: &[&str] = &[
            "QuantizeLinear",
            "DequantizeLinear",
            "DynamicQuantizeLinear",
            "Quant",
            "BipolarQuant",
            "FloatQuant",
            "Trunc",
            "MultiThreshold",
        ];
        NAMES.contains(&self.name())
    }
}

/// A row per operator: its name in ONNX, and its type.
macro_rules! operators {
    ($($(#[$doc:meta])* $domain:literal $name:ident;)*) => {
        /// An operator.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $($(#[$doc])* $name($name),)*
        }

        $(
            impl From<$name> for Op {
                fn from(op: $name) -> Self {
                    Self::$name(op)
                }
            }
        )*

        impl Op {
            /// Domain and name of every operator.
            pub const NAMES: &[(&str, &str)] = &[$(($domain, stringify!($name)),)*];

            /// Whether there is an operator of this name.
            #[must_use]
            pub fn is_known(domain: &str, name: &str) -> bool {
                matches!((domain, name), $(($domain, stringify!($name)))|*)
            }

            /// The operator that a file describes; `None` if there is none of this name.
            ///
            /// # Errors
            /// As [`Operator::read`].
            pub fn read(
                domain: &str,
                name: &str,
                attributes: &mut Attributes,
                opset: i64,
            ) -> Option<Result<Read<Self>, OpError>> {
                match (domain, name) {
                    $(($domain, stringify!($name)) => {
                        let read = <$name as Operator>::read(attributes, opset);
                        Some(read.map(|read| Read { op: read.op.into(), inputs: read.inputs }))
                    })*
                    _ => None,
                }
            }

            /// Its domain; that of ONNX itself is empty.
            #[must_use]
            pub fn domain(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $domain,)*
                }
            }

            /// Its name.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            /// As [`Operator::attributes`].
            #[must_use]
            pub fn attributes(&self) -> Attributes {
                match self {
                    $(Self::$name(op) => op.attributes(),)*
                }
            }

            /// As [`Operator::since`].
            #[must_use]
            pub fn since(&self) -> i64 {
                match self {
                    $(Self::$name(op) => op.since(),)*
                }
            }

            /// As [`Operator::infer`].
            ///
            /// # Errors
            /// As there.
            pub fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                match self {
                    $(Self::$name(op) => op.infer(inputs),)*
                }
            }

            /// As [`Operator::run`].
            ///
            /// # Errors
            /// As there.
            pub fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                match self {
                    $(Self::$name(op) => op.run(inputs),)*
                }
            }

            /// As [`Operator::run_first`].
            ///
            /// # Errors
            /// As there.
            pub fn run_first(
                &self,
                outputs: usize,
                inputs: Inputs<'_, Tensor>,
            ) -> Result<Vec<Tensor>, OpError> {
                match self {
                    $(Self::$name(op) => op.run_first(outputs, inputs),)*
                }
            }
        }
    };
}

operators! {
    /// [`Conv`](struct@Conv).
    "" Conv;
    /// The values of codes.
    "ai.fewbit" Quantize;
    /// [`Gemm`](struct@Gemm).
    "" Gemm;
    /// [`MatMul`](struct@MatMul).
    "" MatMul;
    /// [`MaxPool`](struct@MaxPool).
    "" MaxPool;
    /// [`AveragePool`](struct@AveragePool).
    "" AveragePool;
    /// [`GlobalAveragePool`](struct@GlobalAveragePool).
    "" GlobalAveragePool;
    /// [`GlobalMaxPool`](struct@GlobalMaxPool).
    "" GlobalMaxPool;
    /// [`BatchNormalization`](struct@BatchNormalization).
    "" BatchNormalization;
    /// [`LayerNormalization`](struct@LayerNormalization).
    "" LayerNormalization;
    /// [`RMSNormalization`](struct@RMSNormalization).
    "" RMSNormalization;
    /// [`InstanceNormalization`](struct@InstanceNormalization).
    "" InstanceNormalization;
    /// [`GroupNormalization`](struct@GroupNormalization).
    "" GroupNormalization;
    /// [`MeanVarianceNormalization`](struct@MeanVarianceNormalization).
    "" MeanVarianceNormalization;
    /// [`LpNormalization`](struct@LpNormalization).
    "" LpNormalization;
    /// [`Relu`](struct@Relu).
    "" Relu;
    /// [`LeakyRelu`](struct@LeakyRelu).
    "" LeakyRelu;
    /// [`PRelu`](struct@PRelu).
    "" PRelu;
    /// [`Elu`](struct@Elu).
    "" Elu;
    /// [`Selu`](struct@Selu).
    "" Selu;
    /// [`Celu`](struct@Celu).
    "" Celu;
    /// [`ThresholdedRelu`](struct@ThresholdedRelu).
    "" ThresholdedRelu;
    /// [`HardSigmoid`](struct@HardSigmoid).
    "" HardSigmoid;
    /// [`HardSwish`](struct@HardSwish).
    "" HardSwish;
    /// [`Swish`](struct@Swish).
    "" Swish;
    /// [`Clip`](struct@Clip).
    "" Clip;
    /// [`Sigmoid`](struct@Sigmoid).
    "" Sigmoid;
    /// [`Tanh`](struct@Tanh).
    "" Tanh;
    /// [`Erf`](struct@Erf).
    "" Erf;
    /// [`Gelu`](struct@Gelu).
    "" Gelu;
    /// [`Mish`](struct@Mish).
    "" Mish;
    /// [`Softplus`](struct@Softplus).
    "" Softplus;
    /// [`Softsign`](struct@Softsign).
    "" Softsign;
    /// [`Softmax`](struct@Softmax).
    "" Softmax;
    /// [`LogSoftmax`](struct@LogSoftmax).
    "" LogSoftmax;
    /// [`Hardmax`](struct@Hardmax).
    "" Hardmax;
    /// [`Add`](struct@Add).
    "" Add;
    /// [`Sub`](struct@Sub).
    "" Sub;
    /// [`Mul`](struct@Mul).
    "" Mul;
    /// [`Div`](struct@Div).
    "" Div;
    /// [`Pow`](struct@Pow).
    "" Pow;
    /// [`Mod`](struct@Mod).
    "" Mod;
    /// [`Min`](struct@Min).
    "" Min;
    /// [`Max`](struct@Max).
    "" Max;
    /// [`Sum`](struct@Sum).
    "" Sum;
    /// [`Mean`](struct@Mean).
    "" Mean;
    /// [`Neg`](struct@Neg).
    "" Neg;
    /// [`Abs`](struct@Abs).
    "" Abs;
    /// [`Sqrt`](struct@Sqrt).
    "" Sqrt;
    /// [`Reciprocal`](struct@Reciprocal).
    "" Reciprocal;
    /// [`Exp`](struct@Exp).
    "" Exp;
    /// [`Log`](struct@Log).
    "" Log;
    /// [`Floor`](struct@Floor).
    "" Floor;
    /// [`Ceil`](struct@Ceil).
    "" Ceil;
    /// [`Round`](struct@Round).
    "" Round;
    /// [`Sign`](struct@Sign).
    "" Sign;
    /// [`Not`](struct@Not).
    "" Not;
    /// [`Sin`](struct@Sin).
    "" Sin;
    /// [`Cos`](struct@Cos).
    "" Cos;
    /// [`Tan`](struct@Tan).
    "" Tan;
    /// [`Atan`](struct@Atan).
    "" Atan;
    /// [`IsNaN`](struct@IsNaN).
    "" IsNaN;
    /// [`IsInf`](struct@IsInf).
    "" IsInf;
    /// [`Equal`](struct@Equal).
    "" Equal;
    /// [`Greater`](struct@Greater).
    "" Greater;
    /// [`Less`](struct@Less).
    "" Less;
    /// [`GreaterOrEqual`](struct@GreaterOrEqual).
    "" GreaterOrEqual;
    /// [`LessOrEqual`](struct@LessOrEqual).
    "" LessOrEqual;
    /// [`And`](struct@And).
    "" And;
    /// [`Or`](struct@Or).
    "" Or;
    /// [`Xor`](struct@Xor).
    "" Xor;
    /// [`Where`](struct@Where).
    "" Where;
    /// [`Cast`](struct@Cast).
    "" Cast;
    /// [`CastLike`](struct@CastLike).
    "" CastLike;
    /// [`Concat`](struct@Concat).
    "" Concat;
    /// [`Split`](struct@Split).
    "" Split;
    /// [`Slice`](struct@Slice).
    "" Slice;
    /// [`Gather`](struct@Gather).
    "" Gather;
    /// [`GatherElements`](struct@GatherElements).
    "" GatherElements;
    /// [`GatherND`](struct@GatherND).
    "" GatherND;
    /// [`ScatterND`](struct@ScatterND).
    "" ScatterND;
    /// [`ScatterElements`](struct@ScatterElements).
    "" ScatterElements;
    /// [`Reshape`](struct@Reshape).
    "" Reshape;
    /// [`Flatten`](struct@Flatten).
    "" Flatten;
    /// [`Transpose`](struct@Transpose).
    "" Transpose;
    /// [`Squeeze`](struct@Squeeze).
    "" Squeeze;
    /// [`Unsqueeze`](struct@Unsqueeze).
    "" Unsqueeze;
    /// [`Expand`](struct@Expand).
    "" Expand;
    /// [`Tile`](struct@Tile).
    "" Tile;
    /// [`Pad`](struct@Pad).
    "" Pad;
    /// [`ReduceMean`](struct@ReduceMean).
    "" ReduceMean;
    /// [`ReduceSum`](struct@ReduceSum).
    "" ReduceSum;
    /// [`ReduceMax`](struct@ReduceMax).
    "" ReduceMax;
    /// [`ReduceMin`](struct@ReduceMin).
    "" ReduceMin;
    /// [`ReduceProd`](struct@ReduceProd).
    "" ReduceProd;
    /// [`ReduceL1`](struct@ReduceL1).
    "" ReduceL1;
    /// [`ReduceL2`](struct@ReduceL2).
    "" ReduceL2;
    /// [`ReduceSumSquare`](struct@ReduceSumSquare).
    "" ReduceSumSquare;
    /// [`ReduceLogSum`](struct@ReduceLogSum).
    "" ReduceLogSum;
    /// [`ReduceLogSumExp`](struct@ReduceLogSumExp).
    "" ReduceLogSumExp;
    /// [`ArgMax`](struct@ArgMax).
    "" ArgMax;
    /// [`ArgMin`](struct@ArgMin).
    "" ArgMin;
    /// [`Range`](struct@Range).
    "" Range;
    /// [`Shape`](struct@Shape).
    "" Shape;
    /// [`Size`](struct@Size).
    "" Size;
    /// [`Constant`](struct@Constant).
    "" Constant;
    /// [`ConstantOfShape`](struct@ConstantOfShape).
    "" ConstantOfShape;
    /// [`OneHot`](struct@OneHot).
    "" OneHot;
    /// [`Trilu`](struct@Trilu).
    "" Trilu;
    /// [`Identity`](struct@Identity).
    "" Identity;
    /// [`Dropout`](struct@Dropout).
    "" Dropout;
    /// [`If`](struct@If).
    "" If;
    /// [`Scan`](struct@Scan).
    "" Scan;
    /// [`ConvTranspose`](struct@ConvTranspose).
    "" ConvTranspose;
    /// [`Resize`](struct@Resize).
    "" Resize;
    /// [`Upsample`](struct@Upsample).
    "" Upsample;
    /// [`TopK`](struct@TopK).
    "" TopK;
    /// [`CumSum`](struct@CumSum).
    "" CumSum;
    /// [`NonZero`](struct@NonZero).
    "" NonZero;
    /// [`DepthToSpace`](struct@DepthToSpace).
    "" DepthToSpace;
    /// [`SpaceToDepth`](struct@SpaceToDepth).
    "" SpaceToDepth;
    /// [`Einsum`](struct@Einsum).
    "" Einsum;
    /// [`RNN`](struct@RNN).
    "" RNN;
    /// [`GRU`](struct@GRU).
    "" GRU;
    /// [`LSTM`](struct@LSTM).
    "" LSTM;
    /// [`QuantizeLinear`](struct@QuantizeLinear).
    "" QuantizeLinear;
    /// [`DequantizeLinear`](struct@DequantizeLinear).
    "" DequantizeLinear;
    /// [`DynamicQuantizeLinear`](struct@DynamicQuantizeLinear).
    "" DynamicQuantizeLinear;
    /// [`MatMulInteger`](struct@MatMulInteger).
    "" MatMulInteger;
    /// [`ConvInteger`](struct@ConvInteger).
    "" ConvInteger;
    /// [`QLinearConv`](struct@QLinearConv).
    "" QLinearConv;
    /// [`QLinearMatMul`](struct@QLinearMatMul).
    "" QLinearMatMul;
    /// [`Quant`](struct@Quant).
    "qonnx.custom_op.general" Quant;
    /// [`BipolarQuant`](struct@BipolarQuant).
    "qonnx.custom_op.general" BipolarQuant;
    /// [`Trunc`](struct@Trunc).
    "qonnx.custom_op.general" Trunc;
    /// [`FloatQuant`](struct@FloatQuant).
    "qonnx.custom_op.general" FloatQuant;
    /// [`MultiThreshold`](struct@MultiThreshold).
    "qonnx.custom_op.general" MultiThreshold;
    /// [`Attention`](struct@Attention).
    "" Attention;
    /// [`RotaryEmbedding`](struct@RotaryEmbedding).
    "" RotaryEmbedding;
}
