//! The two-stage alignment of AMD's third generation.

use fewbit_formats::{Format, Rounding};

use super::addend::exponent_in;
use super::align::{Term, align, total};
use super::round::{min_exponent, round, unit_policy};
use super::sum::ExactSum;
use super::{Addend, Alignment, Step, Value};
use crate::accumulate::FloatOverflow;
use crate::accumulate::datapath::{AlignmentGroups, Cdna3, ZeroExponent};
use crate::reference::Dyadic;

/// One step of the unit.
pub(super) fn step(unit: &Cdna3, before: &Value, inputs: &[Addend], exact: Value) -> Step {
    let policy = unit_policy(Rounding::TiesEven, FloatOverflow::Own);
    let products: Vec<Addend> = inputs.iter().map(|input| unit.product(input)).collect();
    let values = [before].into_iter().chain(products.iter().map(|p| &p.value));
    if let Some(special) = ExactSum::of(values).special() {
        let (after, status) = round(&special, Format::F32, &policy, 0);
        return Step { after, exact, sum: special, status, alignment: None };
    }
    let alignment = unit.align(before, &products);
    // The sum is cut once more below its own leading bit before it is rounded.
    let sum = alignment.as_ref().map_or(Dyadic::ZERO, |a| total(&a.addends));
    let position = exponent_in(&sum, Some(Format::F32)) - unit.sum_bits as i32;
    let sum = Value::Finite(sum.cut(position, Rounding::Down, 0).0);
    let (after, status) = round(&sum, Format::F32, &policy, 0);
    Step { after, exact, sum, status, alignment }
}

impl Cdna3 {
    /// A product; infinite where one group holds all and it is beyond f32.
    fn product(&self, input: &Addend) -> Addend {
        let beyond = input.value.finite().and_then(Dyadic::floor_log2).is_some_and(|e| e >= 128);
        match self.groups {
            AlignmentGroups::One if beyond => {
                Addend { value: Value::infinity(input.value.is_negative()), ..input.clone() }
            }
            _ => input.clone(),
        }
    }

    /// Register and sum of products, both cut; `None` if something is infinite.
    fn align(&self, before: &Value, products: &[Addend]) -> Option<Alignment> {
        let sums: Vec<Term> = match self.groups {
            AlignmentGroups::One => vec![self.group(products.iter())?],
            AlignmentGroups::EvenOdd => {
                let odd = products.iter().skip(1).step_by(2);
                vec![self.group(products.iter().step_by(2))?, self.group(odd)?]
            }
        };
        let bits = self.fraction_bits as i32;
        let products = sums.iter().filter_map(|sum| sum.exponent).max();
        let cut = |value: &Dyadic, position| value.cut(position, Rounding::Down, 0).0;
        let sum = sums.iter().fold(Dyadic::ZERO, |total, sum| match products {
            Some(exponent) => &total + &cut(&sum.value, exponent - bits),
            None => total,
        });
        let register = before.finite()?;
        let own = match register.is_zero() {
            true => min_exponent(Format::F32),
            false => exponent_in(register, Some(Format::F32)),
        };
        let exponent = products.map_or(own, |products| products.max(own));
        let dropped = self.groups == AlignmentGroups::EvenOdd && own < exponent - bits - 1;
        let register = if dropped { Dyadic::ZERO } else { cut(register, exponent - bits) };
        let position = exponent - self.sum_bits as i32 - 1;
        Some(Alignment { exponent, position, addends: vec![register, cut(&sum, position)] })
    }

    /// Products truncated below their largest exponent, summed.
    fn group<'a>(&self, products: impl Iterator<Item = &'a Addend>) -> Option<Term> {
        let terms = products
            .map(|product| Term::new(&product.value, product.exponent))
            .collect::<Option<Vec<_>>>()?;
        let rounding = Rounding::TowardZero;
        let aligned = align(&terms, self.fraction_bits, rounding, ZeroExponent::None, &|_| 0);
        Some(match aligned {
            Some(a) => Term { value: total(&a.addends), exponent: Some(a.exponent) },
            None => Term { value: Dyadic::ZERO, exponent: None },
        })
    }
}
