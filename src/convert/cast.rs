//! Values to the values of a format, without keeping their codes.

use fewbit_formats::{Format, Policy};

use super::code::Code;
use super::decode::Decoder;
use super::encode::Encoder;
use super::error::ConvertError;
use super::source::Source;
use crate::simd::{Isa, IsaError};
use crate::tasks;

/// Elements of one task; results do not depend on it.
const TASK: usize = 1 << 14;

/// Codes that lie in the first-level cache between the two halves of a cast.
const TILE: usize = 1 << 11;

/// A type that the values of a format are written as: `f32` or `f64`.
pub trait Target: sealed::Decoded + Copy + Default + Send + Sync + 'static {}

impl Target for f32 {}
impl Target for f64 {}

mod sealed {
    use super::{Code, ConvertError, Decoder, TILE};

    pub trait Decoded: Sized {
        /// The values of at most [`TILE`] codes.
        fn decode<C: Code>(
            by: &Decoder,
            codes: &[C],
            values: &mut [Self],
        ) -> Result<(), ConvertError>;
    }

    impl Decoded for f32 {
        fn decode<C: Code>(
            by: &Decoder,
            codes: &[C],
            values: &mut [Self],
        ) -> Result<(), ConvertError> {
            by.decode(codes, values)
        }
    }

    impl Decoded for f64 {
        fn decode<C: Code>(
            by: &Decoder,
            codes: &[C],
            values: &mut [Self],
        ) -> Result<(), ConvertError> {
            let format = by.format();
            if format.fits_f32() {
                let mut narrow = [0.0; TILE];
                let narrow = &mut narrow[..codes.len()];
                by.decode(codes, narrow)?;
                values.iter_mut().zip(narrow).for_each(|(to, from)| *to = (*from).into());
            } else {
                let pairs = values.iter_mut().zip(codes);
                pairs.for_each(|(value, code)| *value = format.decode(code.to_u32()));
            }
            Ok(())
        }
    }
}

/// Rounds slices to the values of one format under one policy: "fake quantization" without a scale.
///
/// `values[i]` is `format.decode(format.encode(x[i], &policy, philox::bits(seed, first + i)).code)`, rounded to `f32` where
/// that is the type of the values and the format's are not all `f32`; on every instruction set and any number of threads.
/// Runs on rayon's current pool. Where the codes are not asked for, this reads and writes memory once and not twice.
///
/// ```
/// use fewbit::convert::Caster;
/// use fewbit::formats::{Format, Overflow, Policy, Rounding};
///
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// let mut values = [0f32; 3];
/// Caster::new(Format::E2M1FN, policy).cast(&[0.3f32, -2.6, 100.0], &mut values)?;
/// assert_eq!(values, [0.5, -3.0, 6.0]);
/// # Ok::<(), fewbit::convert::ConvertError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Caster {
    encoder: Encoder,
    decoder: Decoder,
}

impl Caster {
    /// With seed 0 and the widest instruction set of this CPU.
    #[must_use]
    pub fn new(format: Format, policy: Policy) -> Self {
        Self { encoder: Encoder::new(format, policy), decoder: Decoder::new(format) }
    }

    /// With another seed of stochastic rounding.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { encoder: self.encoder.with_seed(seed), ..self }
    }

    /// With another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub fn with_isa(self, isa: Isa) -> Result<Self, IsaError> {
        Ok(Self { encoder: self.encoder.with_isa(isa)?, decoder: self.decoder.with_isa(isa)? })
    }

    /// Rounds `x`, whose first element has index 0.
    ///
    /// # Errors
    /// Slices of different lengths; a value that the policy refuses: of several the one with the least index. The contents
    /// of `values` are then unspecified.
    pub fn cast<X: Source, V: Target>(
        &self,
        x: &[X],
        values: &mut [V],
    ) -> Result<(), ConvertError> {
        self.cast_from(0, x, values)
    }

    /// Rounds `x`, whose first element has index `first`: a part of a longer array gets the random bits it has there.
    ///
    /// # Errors
    /// As [`Self::cast`]; the index in the error counts from `first` too.
    pub fn cast_from<X: Source, V: Target>(
        &self,
        first: u64,
        x: &[X],
        values: &mut [V],
    ) -> Result<(), ConvertError> {
        match self.encoder.format().bits() {
            ..=8 => self.through::<X, V, u8>(first, x, values),
            9..=16 => self.through::<X, V, u16>(first, x, values),
            _ => self.through::<X, V, u32>(first, x, values),
        }
    }

    fn through<X: Source, V: Target, C: Code>(
        &self,
        first: u64,
        x: &[X],
        values: &mut [V],
    ) -> Result<(), ConvertError> {
        if x.len() != values.len() {
            return Err(ConvertError::Length { from: x.len(), to: values.len() });
        }
        if x.len() <= TASK || rayon::current_num_threads() == 1 {
            return self.task::<X, V, C>(first, x, values);
        }
        let parts = x.chunks(TASK).zip(values.chunks_mut(TASK)).enumerate();
        tasks::try_for_each(parts, |(part, (x, values))| {
            self.task::<X, V, C>(first.wrapping_add((part * TASK) as u64), x, values)
        })
    }

    /// Rounds on this thread.
    fn task<X: Source, V: Target, C: Code>(
        &self,
        first: u64,
        x: &[X],
        values: &mut [V],
    ) -> Result<(), ConvertError> {
        let mut codes = [C::default(); TILE];
        for (tile, (x, values)) in x.chunks(TILE).zip(values.chunks_mut(TILE)).enumerate() {
            let codes = &mut codes[..x.len()];
            self.encoder.encode_from(first.wrapping_add((tile * TILE) as u64), x, codes)?;
            V::decode(&self.decoder, codes, values)?;
        }
        Ok(())
    }
}
