//! Groups whose elements, or scales, have these shapes.

use fewbit::convert::GroupLayout;
use fewbit::formats::{
    Format, GroupFormat, GroupPolicy, GroupZeroPoint, InfinityPolicy, NanPolicy, Overflow, Policy,
    Rounding, ScaleArithmetic, ScaleFormat, ScalePolicy, ScaleRule,
};
use rayon::prelude::*;

use super::points::{Detail, singles};
use super::shapes;
use crate::groups::{check_any, values};

/// Scales without a fraction, with and without sign and zero; with a fraction; of little range; with an outer scale.
const SCALES: [&str; 13] = [
    "e8m0fnu",
    "f32",
    "e4m3fn",
    "e5m0fnu",
    "e5m0finu",
    "e3m0fin",
    "e7m0fnuz",
    "e1m0fnu",
    "e4m3u",
    "e8m0fin",
    // Below 1, so that quotients may be large.
    "e4m0b40fnu",
    "e3m0fn*f32",
    "e5m2*e8m0fnu/3",
];

const SIZES: [u32; 5] = [1, 7, 16, 32, 100];

/// The policy of a turn: all rules, arithmetics and modes come up.
fn policy(turn: usize) -> GroupPolicy {
    let stochastic = [Rounding::Stochastic { bits: 8 }, Rounding::StochasticNearest { bits: 12 }];
    let fixed = Rounding::NAMES.iter().map(|(rounding, _)| *rounding);
    let roundings: Vec<Rounding> = fixed.chain(stochastic).collect();
    // Every second one is the usual mode.
    let rounding = if turn.is_multiple_of(2) {
        Rounding::TiesEven
    } else {
        roundings[turn / 2 % roundings.len()]
    };
    let rule = ScaleRule::ALL[turn % ScaleRule::ALL.len()];
    let arithmetic = ScaleArithmetic::ALL[turn / 2 % ScaleArithmetic::ALL.len()];
    let overflow = [Overflow::Saturate, Overflow::Special, Overflow::Ieee][turn % 3];
    let infinity =
        [InfinityPolicy::AsOverflow, InfinityPolicy::Keep, InfinityPolicy::Nan][turn / 3 % 3];
    let element = Policy::new(rounding, overflow).with_nan(NanPolicy::Zero).with_infinity(infinity);
    GroupPolicy::new(ScalePolicy::new(rule).with_arithmetic(arithmetic), element)
}

fn check(element: Format, scale: ScaleFormat, turn: usize) {
    let size = SIZES[turn % SIZES.len()];
    let Ok(format) = GroupFormat::new(element, scale, size, GroupZeroPoint::None) else {
        panic!("{element} and {scale:?} are no group of {size}");
    };
    let Format::Float(float) = element else { panic!("{element} is no float") };
    // Values and ties of the element as they are, then runs of any magnitude.
    let mut x: Vec<f32> =
        singles(float, Detail::Sample(24)).into_iter().filter(|x| x.is_finite()).collect();
    x.extend(values(600, turn.is_multiple_of(3)));
    let layouts = [(1, x.len(), 1), (2, x.len() / 6, 3)];
    let (before, length, behind) = layouts[turn % 2];
    let layout = GroupLayout { before, length, behind };
    check_any(&format, &policy(turn), &x[..layout.elements()], layout);
}

#[test]
fn elements_of_every_shape() {
    shapes().into_par_iter().enumerate().for_each(|(index, float)| {
        for (i, scale) in SCALES.iter().enumerate() {
            check(Format::Float(float), scale.parse().unwrap(), 7 * index + i);
        }
    });
}

#[test]
fn scales_of_every_shape() {
    const ELEMENTS: [&str; 4] = ["e2m1fn", "e3m0fin", "e4m0fn", "e1m2"];
    shapes().into_par_iter().enumerate().for_each(|(index, float)| {
        for (i, element) in ELEMENTS.iter().enumerate() {
            let scale = ScaleFormat { format: Format::Float(float), outer: None };
            check(element.parse().unwrap(), scale, 5 * index + i);
        }
    });
}
