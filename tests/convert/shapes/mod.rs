//! Every shape of float that the grammar spells with at most 8 bits of exponent and 7 of fraction.

mod decode;
mod encode;
mod groups;
mod points;

use std::collections::HashSet;

use fewbit::formats::{FloatFormat, Format, FormatError};

/// The suffixes of the grammar of custom floats.
const SUFFIXES: [&str; 8] = ["", "fn", "fnuz", "fin", "u", "fnu", "fnuzu", "finu"];

/// Every shape: bits of exponent and fraction.
fn all() -> impl Iterator<Item = (u32, u32)> {
    (0..=8).flat_map(|exponent| (0..=7).map(move |fraction| (exponent, fraction)))
}

/// Every name of a custom float, with `bias` as the text of the bias of a shape, and what it is read as.
fn spelled(
    bias: impl Fn(u32, u32) -> Option<i32>,
) -> Vec<(String, Result<FloatFormat, FormatError>)> {
    let name = |(exponent, fraction): (u32, u32)| {
        let bias = bias(exponent, fraction).map_or(String::new(), |bias| format!("b{bias}"));
        SUFFIXES.map(|suffix| format!("e{exponent}m{fraction}{bias}{suffix}"))
    };
    all().flat_map(name).map(|name| (name.clone(), float(&name))).collect()
}

/// Every name of a P3109 format of these shapes.
fn p3109() -> Vec<FloatFormat> {
    let names = (3..=16).flat_map(|bits| {
        (1..=8).flat_map(move |precision| {
            ["se", "sf", "ue", "uf"].map(|kind| format!("binary{bits}p{precision}{kind}"))
        })
    });
    let floats = names.filter_map(|name| float(&name).ok());
    floats.filter(|float| float.exponent_bits() <= 8).collect()
}

fn float(name: &str) -> Result<FloatFormat, FormatError> {
    match name.parse()? {
        Format::Float(float) => Ok(float),
        other => panic!("{name} is read as {other}"),
    }
}

/// Without those that were there before.
fn distinct(floats: impl IntoIterator<Item = FloatFormat>) -> Vec<FloatFormat> {
    let mut seen = HashSet::new();
    floats.into_iter().filter(|&float| seen.insert(float)).collect()
}

/// Every format of these shapes with the bias that the grammar gives it.
fn shapes() -> Vec<FloatFormat> {
    let custom = spelled(|_, _| None).into_iter().filter_map(|(_, float)| float.ok());
    let shapes = distinct(custom.chain(p3109()));
    assert_eq!(shapes.len(), DISTINCT + DISTINCT_P3109);
    shapes
}

/// Biases at which lanes change, and far outside of `f32`, from the bits of exponent and fraction.
const BIASES: [fn(u32, u32) -> i32; 20] = [
    // Values beyond, at the upper end of, and far inside f32.
    |_, _| -150,
    |exponent, _| (1 << exponent) - 130,
    |exponent, _| (1 << exponent) - 129,
    |exponent, _| (1 << exponent) - 128,
    |exponent, _| (1 << exponent) - 127,
    |_, _| -20,
    |_, _| 0,
    // Where the least values need a few more bits than f32 has above its subnormal ones.
    |_, fraction| 92 - fraction as i32,
    |_, fraction| 93 - fraction as i32,
    |_, fraction| 94 - fraction as i32,
    |_, fraction| 124 - fraction as i32,
    |_, fraction| 125 - fraction as i32,
    |_, fraction| 126 - fraction as i32,
    // The least exponents of f32, and below.
    |_, _| 126,
    |_, _| 127,
    |_, _| 128,
    |_, _| 129,
    |_, _| 148,
    |_, _| 151,
    |_, _| 180,
];

/// The same shapes with other biases.
fn biased() -> Vec<FloatFormat> {
    let floats = BIASES.into_iter().flat_map(|bias| {
        let names = spelled(|exponent, fraction| Some(bias(exponent, fraction)));
        names.into_iter().filter_map(|(_, float)| float.ok())
    });
    distinct(floats)
}

/// Formats that custom names spell: all but `fn` and `fin` of 5 bits or fewer without the sign are different, and among
/// those the unsigned ones without fraction.
const DISTINCT: usize = 432 - 15 - 10;
/// Formats that P3109's names add: the finite signed ones are `fnuz`.
const DISTINCT_P3109: usize = 248 - 63;

/// What the grammar refuses has one of three reasons, and nothing else is missing.
#[test]
fn no_shape_is_left_out() {
    let names = spelled(|_, _| None);
    assert_eq!(names.len(), 9 * 8 * 8);
    let count = |is: fn(&Result<FloatFormat, FormatError>) -> bool| {
        names.iter().filter(|(_, float)| is(float)).count()
    };
    assert_eq!(count(|f| matches!(f, Err(FormatError::ExponentWidth { bits: 0, .. }))), 8 * 8);
    assert_eq!(count(|f| matches!(f, Err(FormatError::UnsignedFnuz(_)))), 8 * 8);
    // Without a fraction, signed and unsigned.
    assert_eq!(count(|f| matches!(f, Err(FormatError::NoFraction(_)))), 8 * 2);
    assert_eq!(count(Result::is_ok), 7 * 8 * 8 - 8 * 2);
    for (exponent, fraction) in all().filter(|&(exponent, _)| exponent > 0) {
        let of_shape = names
            .iter()
            .filter_map(|(_, float)| float.ok())
            .filter(|float| (float.exponent_bits(), float.fraction_bits()) == (exponent, fraction));
        let expected = if fraction == 0 { 5 } else { 7 };
        assert_eq!(of_shape.count(), expected, "e{exponent}m{fraction}");
    }
    // Signed ones have 3 bits or more: not e1m0; nor are e1m0, e1m1 and e2m0 unsigned ones. Extended and finite.
    assert_eq!(p3109().len(), 2 * (64 - 1) + 2 * (64 - 3));
    assert_eq!(distinct(names.into_iter().filter_map(|(_, f)| f.ok())).len(), DISTINCT);
    assert_eq!(shapes().len(), DISTINCT + DISTINCT_P3109);
    // No bias keeps a shape out.
    for bias in BIASES {
        let names = spelled(|exponent, fraction| Some(bias(exponent, fraction)));
        assert_eq!(names.iter().filter(|(_, float)| float.is_ok()).count(), 7 * 8 * 8 - 8 * 2);
    }
}
