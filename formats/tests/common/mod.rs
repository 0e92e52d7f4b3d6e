//! What the tests share: the formats under test, and their parameters as the oracle takes them.
#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod arithmetic;
pub(crate) mod divergences;
pub(crate) mod golden;
pub(crate) mod scales;

use fewbit_formats::{
    Domain, Encoded, Excerpt, FloatFormat, Format, IntRange, NanCodes, Overflow, Policy, Rounding,
    Signedness,
};
use fewbit_testkit::rounding::{self as oracle, FloatSpec, IntSpec, Mode};

/// The oracle's parameters of a float.
pub(crate) fn float_spec(float: FloatFormat) -> FloatSpec {
    FloatSpec {
        exponent_bits: float.exponent_bits(),
        fraction_bits: float.fraction_bits(),
        bias: float.bias(),
        signed: float.signedness() == Signedness::Signed,
        nan: match float.nan_codes() {
            NanCodes::None => oracle::NanCodes::None,
            NanCodes::TopExponent => oracle::NanCodes::TopExponent,
            NanCodes::TopMagnitude => oracle::NanCodes::TopMagnitude,
            NanCodes::NegativeZero => oracle::NanCodes::NegativeZero,
        },
        infinity: float.domain() == Domain::Extended,
        zero: float.has_zero(),
    }
}

/// The oracle's parameters of an integer or fixed-point format, or of the ternary one.
pub(crate) fn int_spec(format: Format) -> IntSpec {
    let (int, fraction_bits) = match format {
        Format::Int(int) => (int, 0),
        Format::Fixed(fixed) => (fixed.integer(), fixed.fraction_bits()),
        Format::Ternary => {
            return IntSpec { bits: 2, signed: true, narrow: true, fraction_bits: 0 };
        }
        other => panic!("{other} has no integer range"),
    };
    let narrow = int.range() == IntRange::Narrow;
    IntSpec { bits: int.bits(), signed: int.is_signed(), narrow, fraction_bits }
}

/// The floats of the table.
pub(crate) fn table_floats() -> Vec<FloatFormat> {
    floats(Format::table().iter().map(|row| row.format))
}

/// Floats of every shape that the grammar can say, up to 16 bits.
pub(crate) fn custom_floats() -> Vec<FloatFormat> {
    const NAMES: &[&str] = &[
        "e1m1",
        "e1m2",
        "e1m2fn",
        "e1m6fin",
        "e2m2",
        "e2m1",
        "e2m1fnuz",
        "e2m1fin",
        "e3m0fn",
        "e3m0fnuz",
        "e3m0fin",
        "e4m0fnu",
        "e5m0finu",
        "e6m1",
        "e4m3fin",
        "e5m2fn",
        "e5m2fin",
        "e4m3u",
        "e4m3fnu",
        "e4m3finu",
        "e4m3b-3",
        "e4m3b20fn",
        "e5m3b31fn",
        "e6m1b-20fnuz",
        "e7m0fn",
        "e7m0fnuz",
        "e8m0b0fnu",
        "e3m7fn",
        "e6m9",
        "e6m9fnuz",
        "e8m7fin",
        "e5m10fn",
        "e10m2",
        "e10m1b1000fn",
        "e11m1b1023",
    ];
    floats(NAMES.iter().map(|name| name.parse().unwrap_or_else(|error| panic!("{error}"))))
}

/// Every P3109 format of the given widths.
pub(crate) fn p3109_floats(widths: impl Iterator<Item = u32>) -> Vec<FloatFormat> {
    let mut formats = Vec::new();
    for bits in widths {
        for precision in 1..=bits {
            for signedness in [Signedness::Signed, Signedness::Unsigned] {
                for domain in [Domain::Extended, Domain::Finite] {
                    let name = Excerpt::new("P3109");
                    let format = FloatFormat::p3109(bits, precision, signedness, domain, name);
                    match format {
                        Ok(format) => formats.push(format),
                        Err(error) => assert!(
                            precision == bits && signedness == Signedness::Signed,
                            "{error}"
                        ),
                    }
                }
            }
        }
    }
    formats
}

fn floats(formats: impl Iterator<Item = Format>) -> Vec<FloatFormat> {
    formats
        .filter_map(|format| match format {
            Format::Float(float) => Some(float),
            _ => None,
        })
        .collect()
}

/// Every mode in both forms.
pub(crate) fn modes() -> Vec<(Rounding, Mode)> {
    Mode::NAMES.iter().map(|&(mode, name)| (name.parse().unwrap(), mode)).collect()
}

/// Every overflow policy in both forms.
pub(crate) fn overflows() -> Vec<(Overflow, oracle::Overflow)> {
    oracle::Overflow::NAMES.iter().map(|&(policy, name)| (name.parse().unwrap(), policy)).collect()
}

/// A code with flags, to be compared with the oracle's.
pub(crate) fn answer(encoded: Encoded) -> oracle::Answer {
    oracle::Answer { code: encoded.code, flags: encoded.status.bits() }
}

/// Ties to even, saturating.
pub(crate) const PLAIN: Policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);

/// Random bits for one conversion: extremes often, anything else by a multiplicative hash of the index.
pub(crate) fn random_bits(index: u32) -> u32 {
    match index % 4 {
        0 => 0,
        1 => u32::MAX,
        _ => index.wrapping_mul(0x9e37_79b9).rotate_left(13) ^ index,
    }
}
