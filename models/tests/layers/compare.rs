//! What equal means, and how far sums may lie apart.

use fewbit::formats::Format;
use fewbit_models::layers::QuantValue;
use ndarray::{ArrayD, Zip};

use crate::golden::Case;

/// Sums before they were rounded, and how far another order of them may lie: `(K + 4) 2^-24` of the sum of magnitudes.
pub(crate) struct Sums {
    pub(crate) values: ArrayD<f32>,
    pub(crate) bound: ArrayD<f64>,
}

impl Sums {
    pub(crate) fn new(values: ArrayD<f32>, magnitudes: &ArrayD<f32>, terms: usize) -> Self {
        let unit = (terms as f64 + 4.0) * 2f64.powi(-24);
        Self { values, bound: magnitudes.mapv(|m| f64::from(m) * unit) }
    }
}

/// What is stated of the width of codes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bits {
    Equal,
    /// Brevitas counts other products: transposed convolutions.
    Other,
}

/// Where a result differs from Brevitas's: nowhere is an empty list. Elements whose sum lies on a tie are named apart.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    pub(crate) wrong: Vec<String>,
    pub(crate) ties: Vec<String>,
}

/// Compares a value with the one of a case, sums with the bound that they have.
pub(crate) fn compare(
    case: &Case,
    name: &str,
    found: &QuantValue,
    sums: Option<&Sums>,
    bits: Bits,
) -> Differences {
    let mut differences = Differences::default();
    // Where nothing rounds the sums, they are as far apart as sums may be, and so are their values.
    let rounded = ["output", "sdpa_output"].iter().any(|field| case.recipe(field).is_some());
    let open = sums.filter(|_| !rounded);
    let codes = case.get(&format!("{name}.codes"));
    let scale = case.f32(&format!("{name}.scale"));
    if let Some(scale) = &scale {
        let Some(tensor) = &found.codes else {
            differences.wrong.push(format!("{name}: no codes"));
            return differences;
        };
        if !tensor.scale().iter().eq(scale) {
            differences.wrong.push(format!("{name}: scales {} instead of {scale}", tensor.scale()));
        }
        if let Some(expected) = case.get(&format!("{name}.bits"))
            && bits == Bits::Equal
            && f64::from(tensor.bit_width()) != expected[[0]].min(32.0)
            && !matches!(tensor.format(), Format::Binary | Format::Ternary)
        {
            differences
                .wrong
                .push(format!("{name}: {} bits instead of {expected}", tensor.bit_width()));
        }
    }
    let expected = match &codes {
        Some(codes) => {
            let tensor = found.codes.as_ref().unwrap();
            let zero = tensor.zero_point().map(|zero| tensor.expand(zero));
            let zero = zero.unwrap_or_else(|| ArrayD::zeros(found.values.raw_dim()));
            let expected = case.f32(&format!("{name}.zero")).unwrap();
            let zeros = tensor.zero_point().cloned();
            let zeros: Vec<f32> =
                zeros.map_or(vec![0.0; expected.len()], |z| z.iter().copied().collect());
            if !zeros.iter().eq(expected.iter()) {
                differences
                    .wrong
                    .push(format!("{name}: zero points {zeros:?} instead of {expected}"));
            }
            let whole = tensor.decoded();
            if whole.shape() != codes.shape() {
                differences.wrong.push(format!(
                    "{name}: shape {:?} instead of {:?}",
                    whole.shape(),
                    codes.shape()
                ));
                return differences;
            }
            let steps = tensor.expand(tensor.scale());
            for (at, &code) in codes.indexed_iter() {
                let off = f64::from(whole[&at]) - code;
                if off == 0.0 {
                    continue;
                }
                let what =
                    format!("{}: {name}{at:?}: code {} instead of {code}", case.name, whole[&at]);
                let on_tie = sums.is_some_and(|sums| {
                    let (sum, step) = (f64::from(sums.values[&at]), f64::from(steps[&at]));
                    let place = sum / step + f64::from(zero[&at]);
                    let from_tie = ((place - place.floor()) - 0.5).abs() * step;
                    off.abs() == 1.0 && from_tie <= sums.bound[&at] + sum.abs() * 2f64.powi(-23)
                });
                if on_tie { &mut differences.ties } else { &mut differences.wrong }.push(what);
            }
            match case.f32(name) {
                Some(values) => values,
                // Values are those of their codes.
                None => {
                    let own = (&whole - &zero) * &steps;
                    for (at, &value) in found.values.indexed_iter() {
                        let allowed = open.map_or(0.0, |sums| sums.bound[&at]);
                        if (f64::from(value) - f64::from(own[&at])).abs() > allowed {
                            let what =
                                format!("{name}{at:?}: {value} is not the value of its code");
                            differences.wrong.push(what);
                        }
                    }
                    return differences;
                }
            }
        }
        None => case.f32(name).unwrap(),
    };
    if found.values.shape() != expected.shape() {
        let (found, expected) = (found.values.shape(), expected.shape());
        differences.wrong.push(format!("{name}: shape {found:?} instead of {expected:?}"));
        return differences;
    }
    let bound = match open {
        Some(sums) => sums.bound.clone(),
        None => ArrayD::zeros(expected.raw_dim()),
    };
    let mut at = 0;
    Zip::from(&found.values).and(&expected).and(&bound).for_each(|&found, &expected, &bound| {
        let near = (f64::from(found) - f64::from(expected)).abs() <= bound;
        if !(found == expected || near || (found.is_nan() && expected.is_nan())) {
            let what = format!("{name}[{at}]: {found} instead of {expected}, allowed {bound:e}");
            differences.wrong.push(what);
        }
        at += 1;
    });
    differences
}

/// Asserts that cases agree, apart from so many codes on ties.
#[derive(Default)]
pub(crate) struct Tally {
    cases: usize,
    ties: Vec<String>,
    wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, case: &Case, all: Vec<Differences>) {
        self.cases += 1;
        for differences in all {
            self.ties.extend(differences.ties);
            let wrong = differences.wrong;
            self.wrong.extend(wrong.iter().take(3).map(|wrong| format!("{}: {wrong}", case.name)));
        }
    }

    pub(crate) fn finish(self, ties: usize) {
        println!("{} cases, {} codes on ties {:#?}", self.cases, self.ties.len(), self.ties);
        assert!(self.wrong.is_empty(), "{} wrong: {:#?}", self.wrong.len(), self.wrong);
        assert_eq!(self.ties.len(), ties);
    }
}
