//! Many values to codes, on any number of threads.

use std::num::NonZeroU32;
use std::time::Instant;

use fewbit_formats::{Class, EncodeError, Format, Policy, Real, Status, philox};
use rayon::prelude::*;
use serde::Serialize;

use crate::io::npy::Values;

/// Codes, and what happened to the values.
#[derive(Debug)]
pub(crate) struct Converted {
    /// One code per value.
    pub(crate) codes: Vec<u32>,
    /// How many values raised each flag, and how many were NaN.
    pub(crate) counts: Counts,
    /// The best time of the conversions, without reading and writing.
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

/// Values per task; results do not depend on it.
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
    pub(crate) fn run(self, values: &Values, repeat: NonZeroU32) -> Result<Converted, Refused> {
        match values {
            Values::I8(v) => self.repeat(v, Real::from, repeat),
            Values::I16(v) => self.repeat(v, Real::from, repeat),
            Values::I32(v) => self.repeat(v, Real::from, repeat),
            Values::I64(v) => self.repeat(v, Real::from, repeat),
            Values::U8(v) => self.repeat(v, Real::from, repeat),
            Values::U16(v) => self.repeat(v, Real::from, repeat),
            Values::U32(v) => self.repeat(v, Real::from, repeat),
            Values::U64(v) => self.repeat(v, Real::from, repeat),
            Values::F16(v) => self.repeat(v, |x| Real::from_f32(x.to_f32()), repeat),
            Values::F32(v) => self.repeat(v, Real::from, repeat),
            Values::F64(v) => self.repeat(v, Real::from, repeat),
        }
    }

    fn repeat<T: Copy + Sync>(
        self,
        values: &[T],
        real: impl Fn(T) -> Real + Copy + Sync,
        repeat: NonZeroU32,
    ) -> Result<Converted, Refused> {
        let mut codes = vec![0; values.len()];
        let mut counts = Counts::default();
        let mut seconds = f64::INFINITY;
        for _ in 0..repeat.get() {
            let start = Instant::now();
            counts = self.once(values, real, &mut codes)?;
            seconds = seconds.min(start.elapsed().as_secs_f64());
        }
        Ok(Converted { codes, counts, seconds })
    }

    fn once<T: Copy + Sync>(
        self,
        values: &[T],
        real: impl Fn(T) -> Real + Copy + Sync,
        codes: &mut [u32],
    ) -> Result<Counts, Refused> {
        let tasks = values.par_chunks(CHUNK).zip(codes.par_chunks_mut(CHUNK)).enumerate();
        tasks
            .map(|(task, (values, codes))| self.chunk(task * CHUNK, values, real, codes))
            // Of several refusals the first in the array is reported, whatever thread found it.
            .reduce(
                || Ok(Counts::default()),
                |a, b| match (a, b) {
                    (Ok(a), Ok(b)) => Ok(a.add(b)),
                    (Err(a), Err(b)) => Err(if a.index <= b.index { a } else { b }),
                    (Err(refused), Ok(_)) | (Ok(_), Err(refused)) => Err(refused),
                },
            )
    }

    fn chunk<T: Copy>(
        self,
        first: usize,
        values: &[T],
        real: impl Fn(T) -> Real,
        codes: &mut [u32],
    ) -> Result<Counts, Refused> {
        let stochastic = self.policy.rounding.random_bits().is_some();
        let mut counts = Counts::default();
        for (offset, (&value, code)) in values.iter().zip(codes).enumerate() {
            let (x, index) = (real(value), first + offset);
            let random = if stochastic { philox::bits(self.seed, index as u64) } else { 0 };
            let encoded = self
                .format
                .encode_real(x, &self.policy, random)
                .map_err(|error| Refused { index, error })?;
            *code = encoded.code;
            counts.count(x, encoded.status);
        }
        Ok(counts)
    }
}
