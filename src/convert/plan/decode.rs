//! How the codes of a format are decoded.

use std::sync::Arc;

use fewbit_formats::{Format, IntFormat, IntRange, NanCodes};

use crate::convert::lane::{FloatValue, INFINITY, IntValue, NAN, SIGN, SameValue};

/// The widest codes whose values are tabulated where no lane covers the format.
const TABLE_BITS: u32 = 12;

/// How codes are decoded.
#[derive(Clone, Debug)]
pub(crate) enum DecodePlan {
    /// A float in lanes.
    Float(FloatValue),
    /// The same where it has the exponents of `f32`.
    Same(SameValue),
    /// Half precision, which instructions may decode.
    Half(FloatValue),
    /// An integer in lanes.
    Int(IntValue),
    /// The value of every code, a power of two of them.
    Table(Arc<[f32]>),
    /// The upper halves of the values of 256 codes of 8 bits, two in a word, where the lower ones are zero; bits of a code
    /// above the format's width are ignored.
    Halves(Arc<[i32; 128]>),
    /// The specification itself.
    Specification(Format),
}

impl DecodePlan {
    /// The best one for a format.
    pub(crate) fn new(format: Format) -> Self {
        let lane = match format {
            Format::Float(_) => match same_lane(format) {
                Some(lane) => Some(Self::Same(lane)),
                None if format == Format::F16 => float_lane(format).map(Self::Half),
                None => float_lane(format).map(Self::Float),
            },
            Format::Int(int) => int_lane(int, 0).map(Self::Int),
            Format::Fixed(fixed) => int_lane(fixed.integer(), fixed.fraction_bits()).map(Self::Int),
            _ => None,
        };
        let rest = || match format.bits() {
            ..=TABLE_BITS => {
                let table = table(format);
                halves(&table).map_or(Self::Table(table), Self::Halves)
            }
            _ => Self::Specification(format),
        };
        lane.unwrap_or_else(rest)
    }
}

/// The value of every code.
fn table(format: Format) -> Arc<[f32]> {
    (0..format.code_count() as u32).map(|code| format.decode(code) as f32).collect()
}

/// The same as upper halves, where that is all of it.
fn halves(table: &[f32]) -> Option<Arc<[i32; 128]>> {
    let fits = table.len() <= 256 && table.iter().all(|value| value.to_bits() & 0xffff == 0);
    let mut words = [0; 128];
    let halves: &mut [u16] = bytemuck::cast_slice_mut(&mut words);
    for (half, value) in halves.iter_mut().zip(table.iter().cycle()) {
        *half = (value.to_bits() >> 16) as u16;
    }
    fits.then(|| Arc::new(words))
}

/// The lane of a float, where every finite value is a normal `f32` or every one has the exponent that it has as `f32`.
fn float_lane(format: Format) -> Option<FloatValue> {
    let Format::Float(float) = format else { return None };
    let cut = 23u32.checked_sub(float.fraction_bits())?;
    let least_field = float.min_exponent() + 127;
    let same = least_field == 1;
    let narrow = least_field > float.fraction_bits() as i32 && least_field < 255;
    if !(same || narrow) || !float.has_zero() || float.largest_exponent() > 127 || float.bits() > 31
    {
        return None;
    }
    Some(FloatValue {
        magnitude_mask: float.magnitude_mask(),
        sign_shift: 32 - float.bits(),
        sign_mask: if float.is_signed() { SIGN } else { 0 },
        cut,
        rebias: ((least_field - 1) as u32) << 23,
        normal: if same { 0 } else { 1 << float.fraction_bits() },
        least: (least_field as u32) << 23,
        most: float.max_magnitude(),
        after: if float.has_infinity() { INFINITY } else { NAN },
        negative_zero: if float.nan_codes() == NanCodes::NegativeZero { NAN | SIGN } else { SIGN },
    })
}

/// The lane of a float whose codes are the upper bits of its values as `f32`.
fn same_lane(format: Format) -> Option<SameValue> {
    let Format::Float(float) = format else { return None };
    let is_same = float.is_signed()
        && float.has_zero()
        && float.has_infinity()
        && float.nan_codes() == NanCodes::TopExponent
        && float.exponent_bits() == 8
        && float.bias() == 127
        && float.fraction_bits() >= 2
        && float.fraction_bits() <= 23;
    is_same.then(|| SameValue { up: 32 - float.bits() })
}

/// The lane of integers that are `f32`.
fn int_lane(int: IntFormat, fraction_bits: i32) -> Option<IntValue> {
    if int.bits() > 24 || !(-64..=64).contains(&fraction_bits) {
        return None;
    }
    // The code that a narrow range leaves out lies next to the range.
    let below = int.min() - 1;
    let missing = match (int.range(), int.is_signed()) {
        (IntRange::Full, _) => i64::from(i32::MAX),
        (IntRange::Narrow, true) => below,
        (IntRange::Narrow, false) => int.max() + 1,
    };
    Some(IntValue {
        up: 32 - int.bits(),
        signed: if int.is_signed() { u32::MAX } else { 0 },
        unit: 2f32.powi(-fraction_bits),
        missing: missing as i32,
    })
}
