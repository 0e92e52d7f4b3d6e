//! Which operators move values and make none, and which are functions of one number.

use super::Op;

impl Op {
    /// Whether every element of the first output is an element of the first input, so that codes stay codes.
    #[must_use]
    pub fn moves_values(&self) -> bool {
        matches!(
            self,
            Self::MaxPool(_)
                | Self::GlobalMaxPool(_)
                | Self::Flatten(_)
                | Self::Reshape(_)
                | Self::Transpose(_)
                | Self::Squeeze(_)
                | Self::Unsqueeze(_)
                | Self::Identity(_)
                | Self::Dropout(_)
                | Self::Slice(_)
                | Self::Split(_)
                | Self::Expand(_)
                | Self::Gather(_)
                | Self::DepthToSpace(_)
                | Self::SpaceToDepth(_)
        )
    }

    /// Whether every element of the output comes from the elements of all inputs at its place, after broadcasting.
    #[must_use]
    pub fn is_arithmetic(&self) -> bool {
        matches!(
            self,
            Self::Add(_)
                | Self::Sub(_)
                | Self::Mul(_)
                | Self::Div(_)
                | Self::Pow(_)
                | Self::Max(_)
                | Self::Min(_)
                | Self::Sum(_)
                | Self::Mean(_)
        )
    }

    /// Whether every element of the output is a function of the element of the first input at its place, and of constants that
    /// are the same at every place, so that a table of all codes is the function.
    #[must_use]
    pub fn is_function(&self) -> bool {
        matches!(
            self,
            Self::Abs(_)
                | Self::Atan(_)
                | Self::Ceil(_)
                | Self::Celu(_)
                | Self::Clip(_)
                | Self::Cos(_)
                | Self::Elu(_)
                | Self::Erf(_)
                | Self::Exp(_)
                | Self::Floor(_)
                | Self::Gelu(_)
                | Self::HardSigmoid(_)
                | Self::HardSwish(_)
                | Self::LeakyRelu(_)
                | Self::Log(_)
                | Self::Mish(_)
                | Self::Neg(_)
                | Self::Reciprocal(_)
                | Self::Relu(_)
                | Self::Round(_)
                | Self::Selu(_)
                | Self::Sigmoid(_)
                | Self::Sign(_)
                | Self::Sin(_)
                | Self::Softplus(_)
                | Self::Softsign(_)
                | Self::Sqrt(_)
                | Self::Swish(_)
                | Self::Tan(_)
                | Self::Tanh(_)
                | Self::ThresholdedRelu(_)
        )
    }
}
