//! Many values to codes and back, on any number of threads, with the time of the kernel alone.

use std::num::NonZeroU32;

use fewbit::convert::{Code, ConvertError, Decoder, Encoder, Source};
use fewbit_formats::{Class, EncodeError, Format, Policy, Real, Status, philox};
use rayon::prelude::*;
use serde::Serialize;

use crate::io::codes::{Codes, each_width};
use crate::io::npy::Values;
use crate::timing;

/// Codes, and what happened to the values.
#[derive(Debug)]
pub(crate) struct Converted {
    /// One code per value.
    pub(crate) codes: Codes,
    /// How many values raised each flag, and how many were NaN.
    pub(crate) counts: Counts,
    /// The best time of the conversions, without reading, counting and writing.
    pub(crate) seconds: f64,
}

/// How many values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Were not represented exactly.
    pub(crate) inexact: u64,
    /// Were too small to be represented in full precision, and inexact.
    pub(crate) underflow: u64,
    /// Lay beyond the largest value.
    pub(crate) overflow: u64,
    /// Had no counterpart.
    pub(crate) invalid: u64,
    /// Were NaN.
    pub(crate) nan: u64,
}

/// A value that could not be converted.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Its index, row-major.
    pub(crate) index: usize,
    /// Why.
    pub(crate) error: EncodeError,
}

/// Why codes or values could not be converted.
#[derive(Debug)]
pub(crate) enum ConversionError {
    /// A value that the policy refuses.
    Refused(Refused),
    /// Slices or instruction sets that do not fit, which the callers here rule out.
    Other(ConvertError),
}

impl From<ConvertError> for ConversionError {
    fn from(error: ConvertError) -> Self {
        match error {
            ConvertError::Value { index, source } => {
                Self::Refused(Refused { index, error: source })
            }
            other => Self::Other(other),
        }
    }
}

/// What to convert to, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conversion {
    /// The format of the codes.
    pub(crate) format: Format,
    /// Every choice.
    pub(crate) policy: Policy,
    /// The seed of stochastic rounding.
    pub(crate) seed: u64,
}

/// Values per task of the counting pass; results do not depend on it.
const CHUNK: usize = 1 << 14;

impl Counts {
    fn add(self, other: Self) -> Self {
        Self {
            inexact: self.inexact + other.inexact,
            underflow: self.underflow + other.underflow,
            overflow: self.overflow + other.overflow,
            invalid: self.invalid + other.invalid,
            nan: self.nan + other.nan,
        }
    }

    fn count(&mut self, x: Real, status: Status) {
        self.inexact += u64::from(status.contains(Status::INEXACT));
        self.underflow += u64::from(status.contains(Status::UNDERFLOW));
        self.overflow += u64::from(status.contains(Status::OVERFLOW));
        self.invalid += u64::from(status.contains(Status::INVALID));
        self.nan += u64::from(x.class() == Class::Nan);
    }
}

impl Conversion {
    /// Converts `values`, `repeat` times over.
    ///
    /// # Errors
    /// A value that the policy refuses.
    pub(crate) fn run(
        self,
        values: &Values,
        repeat: NonZeroU32,
    ) -> Result<Converted, ConversionError> {
        match values {
            Values::I8(v) => self.sized(v, repeat),
            Values::I16(v) => self.sized(v, repeat),
            Values::I32(v) => self.sized(v, repeat),
            Values::I64(v) => self.sized(v, repeat),
            Values::U8(v) => self.sized(v, repeat),
            Values::U16(v) => self.sized(v, repeat),
            Values::U32(v) => self.sized(v, repeat),
            Values::U64(v) => self.sized(v, repeat),
            Values::F16(v) => {
                let wide: Vec<f32> = v.par_iter().map(|x| x.to_f32()).collect();
                self.sized(&wide, repeat)
            }
            Values::F32(v) => self.sized(v, repeat),
            Values::F64(v) => self.sized(v, repeat),
        }
    }

    fn sized<X: Source>(self, x: &[X], repeat: NonZeroU32) -> Result<Converted, ConversionError> {
        let (codes, seconds) = match self.format.bits() {
            ..=8 => self.typed(x, repeat).map(|(c, s)| (Codes::U8(c), s))?,
            9..=16 => self.typed(x, repeat).map(|(c, s)| (Codes::U16(c), s))?,
            _ => self.typed(x, repeat).map(|(c, s)| (Codes::U32(c), s))?,
        };
        Ok(Converted { codes, counts: self.counts(x), seconds })
    }

    fn typed<X: Source, C: Code>(
        self,
        x: &[X],
        repeat: NonZeroU32,
    ) -> Result<(Vec<C>, f64), ConvertError> {
        let encoder = Encoder::new(self.format, self.policy).with_seed(self.seed);
        // Not zero, so that the memory is there before the clock starts.
        let mut codes = vec![C::from_u32(1); x.len()];
        let ((), seconds) = timing::least("cast", repeat, || encoder.encode(x, &mut codes))?;
        Ok((codes, seconds))
    }

    /// What the conversion does to the values, by the scalar function.
    fn counts<X: Source>(self, x: &[X]) -> Counts {
        let stochastic = self.policy.rounding.random_bits().is_some();
        let chunks = x.par_chunks(CHUNK).enumerate();
        let count = |(chunk, x): (usize, &[X])| {
            let mut counts = Counts::default();
            for (offset, &x) in x.iter().enumerate() {
                let index = (chunk * CHUNK + offset) as u64;
                let random = if stochastic { philox::bits(self.seed, index) } else { 0 };
                let x: Real = x.into();
                if let Ok(encoded) = self.format.encode_real(x, &self.policy, random) {
                    counts.count(x, encoded.status);
                }
            }
            counts
        };
        chunks.map(count).reduce(Counts::default, Counts::add)
    }
}

/// The values of codes: `f32`, or `f64` where the format's values need it; and the best time of decoding them.
///
/// # Errors
/// None in practice: the codes fit their own type.
pub(crate) fn decode(
    format: Format,
    codes: &Codes,
    repeat: NonZeroU32,
) -> Result<(Values, f64), ConvertError> {
    each_width!(codes, codes => {
        if format.fits_f32() {
            let decoder = Decoder::new(format);
            let mut values = vec![1f32; codes.len()];
            let ((), seconds) =
                timing::least("decode", repeat, || decoder.decode(codes, &mut values))?;
            Ok((Values::F32(values), seconds))
        } else {
            let mut values = vec![1f64; codes.len()];
            let ((), seconds) = timing::least("decode", repeat, || {
                let pairs = values.par_iter_mut().zip(codes);
                pairs.for_each(|(value, code)| *value = format.decode(code.to_u32()));
                Ok::<_, ConvertError>(())
            })?;
            Ok((Values::F64(values), seconds))
        }
    })
}
