//! Both operands as an innermost stage that reports reads them.

use super::plan::{ExactStage, FmaTrace, InnerTrace, Products};
use crate::kernels::float::aligned::{AlignedPanels, AlignedPlan};
use crate::kernels::float::driver::Packed;
use crate::kernels::float::fma::FmaPlan;
use crate::kernels::float::grouped::GroupedPlan;
use crate::kernels::float::inner::MR;
use crate::kernels::float::operand::PackedOperand;
use crate::kernels::float::pack::NumberPanels;
use crate::kernels::float::plan::InnerPlan;
use crate::simd::Detected;

/// Broadcast, lanes.
type Both<T> = [T; 2];

/// The panels, with what is done and told of them.
pub(super) enum Panels {
    Fma(FmaPlan, FmaTrace, Both<NumberPanels<f32>>),
    Grouped(GroupedPlan, Option<ExactStage>, Both<NumberPanels<f64>>),
    /// And the numbers whose products are summed exactly.
    Single(AlignedPlan, Products, Both<AlignedPanels<f32>>, Both<NumberPanels<f64>>),
    Double(AlignedPlan, Products, Both<AlignedPanels<f64>>, Both<NumberPanels<f64>>),
}

impl Panels {
    /// `None` where the report is of another stage than the plan.
    pub(super) fn new(
        inner: InnerPlan,
        trace: InnerTrace,
        sides: Both<&PackedOperand<'_>>,
        nr: usize,
        isa: Detected,
    ) -> Option<Self> {
        let [broadcast, lanes] = sides;
        let numbers = || {
            let pack = |x: &PackedOperand<'_>, width| {
                NumberPanels::new(x.values.view(), width, isa, |x| x)
            };
            [pack(broadcast, MR), pack(lanes, nr)]
        };
        match (Packed::new(inner, sides, nr, isa), trace) {
            (Packed::Fma(plan, both), InnerTrace::Fma(trace)) => Some(Self::Fma(plan, trace, both)),
            (Packed::Grouped(plan, both), InnerTrace::Grouped(exact)) => {
                Some(Self::Grouped(plan, exact, both))
            }
            (Packed::Single(plan, both), InnerTrace::Aligned(products)) => {
                Some(Self::Single(plan, products, both, numbers()))
            }
            (Packed::Double(plan, both), InnerTrace::Aligned(products)) => {
                Some(Self::Double(plan, products, both, numbers()))
            }
            _ => None,
        }
    }
}
