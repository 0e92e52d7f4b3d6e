//! Codes to values.

use fewbit_formats::Format;

use super::code::{AnyCodes, Code, each_code};
use super::encode::check_codes;
use super::error::ConvertError;
use super::loops::DecodeJob;
use super::plan::DecodePlan;
use crate::simd::{Detected, Isa, IsaError};
use crate::tasks;

/// Elements of one task; results do not depend on it.
const TASK: usize = 1 << 14;

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
    isa: Detected,
    plan: DecodePlan,
}

impl Decoder {
    /// A decoder with the widest instruction set of this CPU.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, isa: Detected::best(), plan: DecodePlan::new(format) }
    }

    /// With another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub fn with_isa(self, isa: Isa) -> Result<Self, IsaError> {
        Ok(Self { isa: isa.detect()?, ..self })
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
        self.decode_any(C::any(codes), values)
    }

    /// Whatever the integer: compiled here, and not anew in every crate that decodes.
    fn decode_any(&self, codes: AnyCodes<'_>, values: &mut [f32]) -> Result<(), ConvertError> {
        each_code!(AnyCodes, codes, codes => self.decode_of(codes, values))
    }

    fn decode_of<C: Code>(&self, codes: &[C], values: &mut [f32]) -> Result<(), ConvertError> {
        check_codes::<C>(self.format, codes.len(), values.len())?;
        if codes.len() <= TASK || rayon::current_num_threads() == 1 {
            self.task(codes, values);
            return Ok(());
        }
        let parts = codes.chunks(TASK).zip(values.chunks_mut(TASK));
        tasks::for_each(parts, |(codes, values)| self.task(codes, values));
        Ok(())
    }

    /// Decodes on this thread.
    fn task<C: Code>(&self, codes: &[C], values: &mut [f32]) {
        DecodeJob { plan: &self.plan, isa: self.isa, codes, values }.run();
    }
}
