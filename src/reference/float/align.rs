//! Truncated align-and-add: the tensor cores of NVIDIA.

use fewbit_formats::Rounding;

use super::addend::exponent_in;
use super::round::{round, unit_policy};
use super::{Addend, Alignment, Step, Value};
use crate::accumulate::datapath::{Addends, Aligned, ZeroExponent};
use crate::reference::Dyadic;

/// A finite addend; the exponent of zero is `None`.
pub(super) struct Term {
    pub(super) value: Dyadic,
    pub(super) exponent: Option<i32>,
}

impl Term {
    /// `None` for infinities and NaN.
    pub(super) fn new(value: &Value, exponent: i32) -> Option<Self> {
        let value = value.finite()?.clone();
        let exponent = (!value.is_zero()).then_some(exponent);
        Some(Self { value, exponent })
    }
}

/// One step of the unit.
pub(super) fn aligned(
    unit: &Aligned,
    before: &Value,
    inputs: &[Addend],
    exact: Value,
    random: &dyn Fn(u32) -> u32,
) -> Step {
    let policy = unit_policy(unit.rounding, unit.overflow);
    let Some(terms) = terms(unit, before, inputs) else {
        let (after, status) = round(&exact, unit.format, &policy, random(0));
        return Step { after, sum: exact.clone(), exact, status, alignment: None };
    };
    let alignment = align(&terms, unit.fraction_bits, unit.alignment, unit.zero, random);
    let sum = alignment.as_ref().map_or(Dyadic::ZERO, |a| total(&a.addends));
    let sum = Value::Finite(sum);
    let (after, status) = round(&sum, unit.format, &policy, random(0));
    Step { after, exact, sum, status, alignment }
}

/// The addends, the register first; `None` if one is infinite or NaN.
fn terms(unit: &Aligned, before: &Value, inputs: &[Addend]) -> Option<Vec<Term>> {
    let register = exponent_in(before.finite()?, Some(unit.format));
    let mut terms = vec![Term::new(before, register)?];
    match unit.addends {
        Addends::Products => {
            for input in inputs {
                terms.push(Term::new(&input.value, input.exponent)?);
            }
        }
        Addends::ScaledGroups(size) => {
            for group in inputs.chunks(size as usize) {
                terms.push(scaled_group(group)?);
            }
        }
    }
    Some(terms)
}

/// The exact sum of a group; it counts as zero only if all its products are.
fn scaled_group(group: &[Addend]) -> Option<Term> {
    let mut sum = Term { value: Dyadic::ZERO, exponent: None };
    for input in group {
        let term = Term::new(&input.value, input.scale_exponent)?;
        sum = Term { value: &sum.value + &term.value, exponent: sum.exponent.or(term.exponent) };
    }
    Some(sum)
}

/// Cuts all terms below the largest exponent; `None` if no term has an exponent: all are zero.
pub(super) fn align(
    terms: &[Term],
    fraction_bits: u32,
    rounding: Rounding,
    zero: ZeroExponent,
    random: &dyn Fn(u32) -> u32,
) -> Option<Alignment> {
    let zero = match zero {
        ZeroExponent::None => None,
        ZeroExponent::Fixed(exponent) => Some(exponent),
    };
    let exponent = terms.iter().filter_map(|term| term.exponent.or(zero)).max()?;
    let position = exponent - fraction_bits as i32;
    let addends = (1..)
        .zip(terms)
        .map(|(index, term)| term.value.cut(position, rounding, random(index)).0)
        .collect();
    Some(Alignment { exponent, position, addends })
}

/// The exact sum.
pub(super) fn total(addends: &[Dyadic]) -> Dyadic {
    addends.iter().fold(Dyadic::ZERO, |sum, addend| &sum + addend)
}
