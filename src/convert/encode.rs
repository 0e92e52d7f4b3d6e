//! Values to codes.

use fewbit_formats::{Format, Policy, philox};

use super::blocks::RefusedBlock;
use super::code::{AnyCodesMut, BLOCK, Code, each_code};
use super::error::ConvertError;
use super::loops::EncodeJob;
use super::plan::EncodePlan;
use super::source::{AnyValues, Source, each_value};
use crate::simd::{Detected, Isa, IsaError};
use crate::tasks;

/// Elements of one task; results do not depend on it.
const TASK: usize = 256 * BLOCK;

/// Encodes slices in one format under one policy.
///
/// `codes[i]` is `format.encode(x[i], &policy, philox::bits(seed, first + i))`, on every instruction set and any number
/// of threads. Runs on rayon's current pool.
///
/// ```
/// use fewbit::convert::Encoder;
/// use fewbit::formats::{Format, Overflow, Policy, Rounding};
///
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// let mut codes = [0u8; 3];
/// Encoder::new(Format::E2M1FN, policy).encode(&[0.3f32, -2.6, 100.0], &mut codes)?;
/// assert_eq!(codes, [0b0001, 0b1101, 0b0111]); // 0.5, -3, 6
/// # Ok::<(), fewbit::convert::ConvertError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Encoder {
    format: Format,
    policy: Policy,
    seed: u64,
    isa: Detected,
    plan: EncodePlan,
}

impl Encoder {
    /// An encoder with seed 0 and the widest instruction set of this CPU.
    #[must_use]
    pub fn new(format: Format, policy: Policy) -> Self {
        let plan = EncodePlan::new(format, &policy);
        Self { format, policy, seed: 0, isa: Detected::best(), plan }
    }

    /// With another seed of stochastic rounding.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
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

    /// Every choice.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The instruction set that runs.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa.isa()
    }

    /// Encodes `x`, whose first element has index 0.
    ///
    /// # Errors
    /// Slices of different lengths; codes too narrow for the format; a value that the policy refuses: of several the
    /// one with the least index. The contents of `codes` are then unspecified.
    pub fn encode<X: Source, C: Code>(&self, x: &[X], codes: &mut [C]) -> Result<(), ConvertError> {
        self.encode_from(0, x, codes)
    }

    /// Encodes `x`, whose first element has index `first`: a part of a longer array gets the random bits it has there.
    ///
    /// # Errors
    /// As [`Encoder::encode`]; the index in the error counts from `first` too.
    pub fn encode_from<X: Source, C: Code>(
        &self,
        first: u64,
        x: &[X],
        codes: &mut [C],
    ) -> Result<(), ConvertError> {
        self.encode_any(first, X::any(x), C::any_mut(codes))
    }

    /// Whatever the types: the loops of all of them are compiled here, and not anew in every crate that encodes.
    fn encode_any(
        &self,
        first: u64,
        x: AnyValues<'_>,
        codes: AnyCodesMut<'_>,
    ) -> Result<(), ConvertError> {
        each_value!(x, x => each_code!(AnyCodesMut, codes, codes => self.encode_of(first, x, codes)))
    }

    fn encode_of<X: Source, C: Code>(
        &self,
        first: u64,
        x: &[X],
        codes: &mut [C],
    ) -> Result<(), ConvertError> {
        check_codes::<C>(self.format, x.len(), codes.len())?;
        if x.len() <= TASK || rayon::current_num_threads() == 1 {
            return self.task(first, x, codes);
        }
        let parts = x.chunks(TASK).zip(codes.chunks_mut(TASK)).enumerate();
        tasks::try_for_each(parts, |(part, (x, codes))| {
            self.task(first.wrapping_add((part * TASK) as u64), x, codes)
        })
    }

    /// Encodes on this thread.
    fn task<X: Source, C: Code>(
        &self,
        first: u64,
        x: &[X],
        codes: &mut [C],
    ) -> Result<(), ConvertError> {
        if let Some(x32) = X::as_f32(x) {
            return self.slice(first, x, Some(x32), codes);
        }
        let carried = X::is_carried(self.format, &self.policy);
        let mut buffer = [0.0; 16 * BLOCK];
        let parts = x.chunks(buffer.len()).zip(codes.chunks_mut(buffer.len())).enumerate();
        for (part, (x, codes)) in parts {
            let first = first.wrapping_add((part * buffer.len()) as u64);
            let x32 = &mut buffer[..x.len()];
            let x32 = (carried && X::carry(x, x32).is_ok()).then_some(&*x32);
            self.slice(first, x, x32, codes)?;
        }
        Ok(())
    }

    /// Encodes values that `x32`, where given, stands for as far as this format goes.
    fn slice<X: Source, C: Code>(
        &self,
        first: u64,
        x: &[X],
        x32: Option<&[f32]>,
        codes: &mut [C],
    ) -> Result<(), ConvertError> {
        let done = x32.map_or(Err(RefusedBlock(0)), |x| {
            let (plan, isa, seed) = (&self.plan, self.isa, self.seed);
            EncodeJob { plan, isa, seed, first, x, codes }.run()
        });
        done.or_else(|RefusedBlock(at)| {
            self.specification(first.wrapping_add(at as u64), &x[at..], &mut codes[at..])
        })
    }

    /// Encodes by the specification.
    fn specification<X: Source, C: Code>(
        &self,
        first: u64,
        x: &[X],
        codes: &mut [C],
    ) -> Result<(), ConvertError> {
        let stochastic = self.policy.rounding.random_bits().is_some();
        for (offset, (&x, code)) in x.iter().zip(codes).enumerate() {
            let index = first.wrapping_add(offset as u64);
            let random = if stochastic { philox::bits(self.seed, index) } else { 0 };
            let encoded = self
                .format
                .encode_real(x.into(), &self.policy, random)
                .map_err(|source| ConvertError::Value { index: index as usize, source })?;
            *code = C::from_u32(encoded.code);
        }
        Ok(())
    }
}

/// Whether the slices fit each other and the format.
pub(super) fn check_codes<C: Code>(
    format: Format,
    from: usize,
    to: usize,
) -> Result<(), ConvertError> {
    if from != to {
        return Err(ConvertError::Length { from, to });
    }
    if format.bits() > C::BITS {
        return Err(ConvertError::Storage { format, bits: format.bits(), available: C::BITS });
    }
    Ok(())
}
