//! An instruction that a chip computes with the unit of a wider format.

use fewbit_formats::{Overflow, Policy, Rounding};

use super::align::aligned;
use super::round::round;
use super::sum::ExactSum;
use super::{Addend, Step, Value};
use crate::accumulate::datapath::SplitHalves;

/// One step: the products in two chained halves from zero, then one addition of the register.
pub(super) fn step(
    unit: &SplitHalves,
    before: &Value,
    inputs: &[Addend],
    exact: Value,
    random: &dyn Fn(u32) -> u32,
) -> Step {
    let mut products = Value::ZERO;
    for half in [false, true] {
        let taken =
            inputs.iter().enumerate().filter(|&(index, _)| SplitHalves::second(index) == half);
        let part: Vec<Addend> = taken.map(|(_, input)| input.clone()).collect();
        let sum = ExactSum::of([&products].into_iter().chain(part.iter().map(|p| &p.value)));
        products =
            aligned(&unit.unit, &products, &part, sum.value(Rounding::TiesEven), random).after;
    }
    let sum = ExactSum::of([before, &products]).value(Rounding::TiesEven);
    let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
    let (after, status) = round(&sum, unit.unit.format, &policy, 0);
    Step { after, exact, sum, status, alignment: None }
}
