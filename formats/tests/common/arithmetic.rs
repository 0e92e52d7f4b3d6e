//! Formats and their codes as the oracle of arithmetic takes them.

use super::float_spec;
use fewbit_formats::{Format, NanCodes};
use fewbit_testkit::arithmetic::{Operand, Target};
use fewbit_testkit::rounding::{HiF8Oracle, HiF8Value, TaperedSpec, hif8_value};
use num_rational::BigRational;

/// A finite code's exact value, or what else it is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Finite(BigRational),
    Special(Operand),
}

/// The format as a target of results.
pub(crate) fn target(format: Format) -> Target {
    match format {
        Format::Float(float) => Target::Float(float_spec(float).oracle()),
        Format::Posit(posit) => Target::Tapered(TaperedSpec::Posit { bits: posit.bits() }),
        Format::Takum(takum) => Target::Tapered(TaperedSpec::Takum { bits: takum.bits() }),
        Format::HiF8 => Target::HiF8(HiF8Oracle::default()),
        other => panic!("{other} is no target of these tests"),
    }
}

/// What a code stands for, by the oracle's reading of it.
pub(crate) fn value(format: Format, target: &Target, code: u32) -> Value {
    let (float, spec) = match (format, target) {
        (Format::Float(float), Target::Float(oracle)) => (float, oracle.spec()),
        (_, Target::Tapered(spec)) => {
            return match spec.decode(code.into()) {
                None => Value::Special(Operand::Nan { negative: false, signaling: false }),
                Some(_) if code == 0 => Value::Special(Operand::Zero { negative: false }),
                Some(value) => Value::Finite(value),
            };
        }
        (_, Target::HiF8(_)) => {
            return match hif8_value(code) {
                HiF8Value::Nan => Value::Special(Operand::Nan { negative: true, signaling: false }),
                HiF8Value::Infinite(negative) => Value::Special(Operand::Infinite { negative }),
                HiF8Value::Finite(_) if code == 0 => {
                    Value::Special(Operand::Zero { negative: false })
                }
                HiF8Value::Finite(value) => Value::Finite(value),
            };
        }
        _ => panic!("{format} does not belong to {target:?}"),
    };
    let negative = code & float.sign_mask() != 0;
    let magnitude = code & float.magnitude_mask();
    if float.is_nan(code) {
        let ieee = float.nan_codes() == NanCodes::TopExponent;
        let signaling = ieee && code >> (spec.fraction_bits - 1) & 1 == 0;
        Value::Special(Operand::Nan { negative, signaling })
    } else if float.is_infinite(code) {
        Value::Special(Operand::Infinite { negative })
    } else if magnitude == 0 && spec.zero {
        Value::Special(Operand::Zero { negative })
    } else {
        let size = spec.magnitude(magnitude);
        Value::Finite(if negative { -size } else { size })
    }
}

/// The formats of the table of at most 8 bits whose results the oracle knows.
pub(crate) fn narrow_formats() -> Vec<Format> {
    let known = |format: &Format| {
        matches!(format, Format::Float(_) | Format::Posit(_) | Format::Takum(_) | Format::HiF8)
    };
    let narrow = |format: &Format| format.bits() <= 8 && known(format);
    Format::table().iter().map(|row| row.format).filter(narrow).collect()
}
