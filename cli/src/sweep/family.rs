//! Templates that one guarantee serves: registers that wrap and registers that saturate, where neither overflows.

use fewbit::sweep::{AccumulatorTemplate, GuaranteedPoint, Sweep};

use super::text::names;

/// Templates whose guaranteed points are the same.
pub(crate) struct Family<'a> {
    /// The names of its templates.
    pub(crate) name: String,
    /// The number of the first of them.
    pub(crate) first: usize,
    /// Constraint by constraint, `P` rising.
    pub(crate) curves: Vec<&'a [GuaranteedPoint]>,
}

impl<'a> Family<'a> {
    /// All of a sweep.
    pub(crate) fn all(sweep: &'a Sweep, templates: &[AccumulatorTemplate]) -> Vec<Self> {
        let curves = sweep.guaranteed_curves();
        let mut families: Vec<Self> = Vec::new();
        for (first, name) in names(templates).into_iter().enumerate() {
            let of_template = curves.iter().skip(first).step_by(templates.len());
            let curves: Vec<_> = of_template.copied().collect();
            if curves.is_empty() {
                continue;
            }
            match families.iter_mut().find(|family| family.is_alike(&curves)) {
                Some(family) => family.name = format!("{}, {name}", family.name),
                None => families.push(Self { name, first, curves }),
            }
        }
        families
    }

    fn is_alike(&self, curves: &[&[GuaranteedPoint]]) -> bool {
        let measured = |p: &GuaranteedPoint| (p.bits, p.accuracy, p.sqnr_float_db);
        let own = self.curves.iter().copied().flatten().map(measured);
        own.eq(curves.iter().copied().flatten().map(measured))
    }
}

/// The least `P` of a curve from which on every point `is_near`.
pub(crate) fn least_bits(
    curve: &[GuaranteedPoint],
    is_near: impl Fn(&GuaranteedPoint) -> bool,
) -> Option<u32> {
    curve.iter().rev().take_while(|point| is_near(point)).last().map(|point| point.bits)
}
