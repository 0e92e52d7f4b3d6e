//! Codes to values.

use std::sync::Arc;

use fewbit_formats::{Format, IntFormat, IntRange, NanCodes};
use rayon::prelude::*;

use super::encode::check_codes;
use super::error::ConvertError;
use super::lane::{FloatValue, INFINITY, IntValue, NAN, SIGN};
use super::loops::DecodeJob;
use crate::simd::{Isa, IsaError};
use crate::tensor::element::Code;

/// Elements of one task; results do not depend on it.
const TASK: usize = 1 << 14;
/// The widest codes whose values are tabulated where no lane covers the format.
const TABLE_BITS: u32 = 12;

/// Decodes slices of one format.
///
/// `values[i]` is `format.decode(codes[i])`, rounded to `f32` in the few formats whose values are not all `f32`
/// ([`Format::fits_f32`]), on every instruction set and any number of threads. Bits of a code above the format's width
/// are ignored. Runs on rayon's current pool.
///
/// ```
/// use fewbit::convert::Decoder;
/// use fewbit::formats::Format;
/// let mut values = [0.0; 3];
/// Decoder::new(Format::E2M1FN).decode(&[0b0001u8, 0b1101, 0b0111], &mut values)?;
/// assert_eq!(values, [0.5, -3.0, 6.0]);
/// # Ok::<(), fewbit::convert::ConvertError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    format: Format,
    isa: Isa,
    plan: DecodePlan,
}

/// How codes are decoded.
#[derive(Clone, Debug)]
pub(crate) enum DecodePlan {
    /// A float in lanes.
    Float(FloatValue),
    /// An integer in lanes.
    Int(IntValue),
    /// The value of every code.
    Table(Arc<[f32]>),
    /// The specification itself.
    Specification(Format),
}

impl DecodePlan {
    fn new(format: Format) -> Self {
        let lane = match format {
            Format::Float(_) => float_lane(format).map(Self::Float),
            Format::Int(int) => int_lane(int, 0).map(Self::Int),
            Format::Fixed(fixed) => int_lane(fixed.integer(), fixed.fraction_bits()).map(Self::Int),
            _ => None,
        };
        let rest = || match format.bits() {
            ..=TABLE_BITS => Self::Table(table(format)),
            _ => Self::Specification(format),
        };
        lane.unwrap_or_else(rest)
    }
}

/// The value of every code.
fn table(format: Format) -> Arc<[f32]> {
    (0..format.code_count() as u32).map(|code| format.decode(code) as f32).collect()
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

impl Decoder {
    /// A decoder with the widest instruction set of this CPU.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, isa: Isa::best(), plan: DecodePlan::new(format) }
    }

    /// With another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub fn with_isa(self, isa: Isa) -> Result<Self, IsaError> {
        if isa.is_available() { Ok(Self { isa, ..self }) } else { Err(IsaError::Unavailable(isa)) }
    }

    /// The format of the codes.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Decodes `codes`.
    ///
    /// # Errors
    /// Slices of different lengths; codes too narrow for the format.
    pub fn decode<C: Code>(&self, codes: &[C], values: &mut [f32]) -> Result<(), ConvertError> {
        check_codes::<C>(self.format, codes.len(), values.len())?;
        if codes.len() <= TASK || rayon::current_num_threads() == 1 {
            return Ok(self.task(codes, values)?);
        }
        let tasks = codes.par_chunks(TASK).zip(values.par_chunks_mut(TASK));
        tasks.try_for_each(|(codes, values)| Ok(self.task(codes, values)?))
    }

    /// Decodes on this thread.
    fn task<C: Code>(&self, codes: &[C], values: &mut [f32]) -> Result<(), IsaError> {
        C::decode(DecodeJob { plan: &self.plan, isa: self.isa, codes, values })
    }
}
