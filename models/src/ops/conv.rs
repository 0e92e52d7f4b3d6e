//! `Conv`: attributes.

use crate::tensor::Tensor;

use super::{Attribute, Attributes, Fact, Inputs, OpError, Operator, Read};

/// How padding is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoPad {
    /// By numbers.
    #[default]
    NotSet,
    /// As many outputs as inputs over the stride, the odd one at the end.
    SameUpper,
    /// The same, the odd one at the beginning.
    SameLower,
    /// None.
    Valid,
}

/// The window of a convolution or a pool: an entry per spatial axis; empty where the file leaves it to the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// How padding is given.
    pub auto: AutoPad,
    /// Before each axis, then after each axis; empty for none.
    pub pads: Vec<usize>,
}

/// `Conv`: inputs X `[N, C, ...]`, W `[O, C / groups, ...]`, and B `[O]` if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conv {
    /// Extents of the kernel; empty for those of W.
    pub kernel: Vec<usize>,
    /// Positions from one output to the next; empty for 1.
    pub strides: Vec<usize>,
    /// Positions from one weight to the next; empty for 1.
    pub dilations: Vec<usize>,
    /// Zeros around the input.
    pub padding: Padding,
    /// Parts that the channels fall into.
    pub groups: usize,
}

impl Operator for Conv {
    fn read(attributes: &mut Attributes, _opset: i64) -> Result<Read<Self>, OpError> {
        let _ = attributes;
        Ok(Self::default().into())
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("group", Attribute::Int(self.groups as i64))
    }

    fn infer(&self, _inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        Ok(vec![Fact::default()])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![inputs.required(0, "X")?.clone()])
    }
}
