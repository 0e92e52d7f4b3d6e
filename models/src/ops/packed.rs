//! Right operands of products that stay the same: copied as panels once.

use ndarray::{ArcArray, IxDyn};

use super::panels::Panels;

/// A right operand, and its panels. Whoever holds it keeps the operand's memory, so that what lies there later is the same
/// operand, and not another one with its address.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    operand: ArcArray<f32, IxDyn>,
    panels: Panels,
}

impl Packed {
    pub(super) fn new(operand: ArcArray<f32, IxDyn>, panels: Panels) -> Self {
        Self { operand, panels }
    }

    /// The panels, if the operand is the one that they were made of.
    pub(super) fn panels_of(&self, operand: &ArcArray<f32, IxDyn>) -> Option<&Panels> {
        let lies =
            |x: &ArcArray<f32, IxDyn>| (x.as_ptr(), x.shape().to_vec(), x.strides().to_vec());
        (lies(operand) == lies(&self.operand)).then_some(&self.panels)
    }
}
