//! The loops of every lane, compiled once per integer that holds codes.

use super::blocks::{Decode, Encode, RefusedBlock, compiled};
use super::lane::{DecodeLane, EncodeLane};
use super::plan::{DecodePlan, EncodePlan};
use super::word::CodeWord;
use crate::simd::{Isa, IsaError};

/// What an encoding loop works on.
#[derive(Debug)]
pub struct EncodeJob<'a, C> {
    pub(super) plan: &'a EncodePlan,
    pub(super) isa: Isa,
    pub(super) seed: u64,
    /// The index of the first element, for its random bits.
    pub(super) first: u64,
    pub(super) x: &'a [f32],
    pub(super) codes: &'a mut [C],
}

/// What a decoding loop works on.
#[derive(Debug)]
pub struct DecodeJob<'a, C> {
    pub(super) plan: &'a DecodePlan,
    pub(super) isa: Isa,
    pub(super) codes: &'a [C],
    pub(super) values: &'a mut [f32],
}

/// The integers for which there are loops.
pub trait Loops: Sized {
    /// Runs the lane of the plan.
    ///
    /// # Errors
    /// A block in which the policy refuses a value, or a plan without a lane.
    fn encode(job: EncodeJob<'_, Self>) -> Result<(), RefusedBlock>;

    /// Runs the lane of the plan.
    ///
    /// # Errors
    /// An instruction set that this CPU lacks.
    fn decode(job: DecodeJob<'_, Self>) -> Result<(), IsaError>;
}

macro_rules! loops {
    ($($type:ty),*) => {$(
        impl Loops for $type {
            fn encode(job: EncodeJob<'_, Self>) -> Result<(), RefusedBlock> {
                encode(job)
            }

            fn decode(job: DecodeJob<'_, Self>) -> Result<(), IsaError> {
                decode(job)
            }
        }
    )*};
}

loops!(u8, u16, u32);

fn encode<C: CodeWord>(job: EncodeJob<'_, C>) -> Result<(), RefusedBlock> {
    match *job.plan {
        EncodePlan::EvenNarrow(lane) => encode_by(lane, job),
        EncodePlan::EvenSame(lane) => encode_by(lane, job),
        EncodePlan::EvenInt(lane) => encode_by(lane, job),
        EncodePlan::FixedNarrow(lane) => encode_by(lane, job),
        EncodePlan::FixedSame(lane) => encode_by(lane, job),
        EncodePlan::RandomNarrow(lane) => encode_by(lane, job),
        EncodePlan::RandomSame(lane) => encode_by(lane, job),
        EncodePlan::RandomWide(lane) => encode_by(lane, job),
        EncodePlan::Fixed(lane) => encode_by(lane, job),
        EncodePlan::FixedWrap(lane) => encode_by(lane, job),
        EncodePlan::Random(lane) => encode_by(lane, job),
        EncodePlan::RandomWrap(lane) => encode_by(lane, job),
        EncodePlan::RandomExact(lane) => encode_by(lane, job),
        EncodePlan::RandomExactWrap(lane) => encode_by(lane, job),
        EncodePlan::Specification => Err(RefusedBlock(0)),
    }
}

fn encode_by<L: EncodeLane, C: CodeWord>(
    lane: L,
    job: EncodeJob<'_, C>,
) -> Result<(), RefusedBlock> {
    let EncodeJob { plan: _, isa, seed, first, x, codes } = job;
    // An instruction set is chosen only where it is available; without it the specification does.
    compiled(isa, Encode { lane, x, codes, seed, first }).unwrap_or(Err(RefusedBlock(0)))
}

fn decode<C: CodeWord>(job: DecodeJob<'_, C>) -> Result<(), IsaError> {
    match job.plan {
        DecodePlan::Float(lane) => decode_by(*lane, job),
        DecodePlan::Int(lane) => decode_by(*lane, job),
        DecodePlan::Table(table) => {
            // The table has a place for every code of the format's width.
            let mask = table.len() - 1;
            for (value, code) in job.values.iter_mut().zip(job.codes) {
                *value = table[code.to_u32() as usize & mask];
            }
            Ok(())
        }
        DecodePlan::Specification(format) => {
            for (value, code) in job.values.iter_mut().zip(job.codes) {
                *value = format.decode(code.to_u32()) as f32;
            }
            Ok(())
        }
    }
}

fn decode_by<L: DecodeLane, C: CodeWord>(lane: L, job: DecodeJob<'_, C>) -> Result<(), IsaError> {
    let DecodeJob { plan: _, isa, codes, values } = job;
    compiled(isa, Decode { lane, codes, values })
}

/// An unsigned integer wide enough for the codes of a format, with the loops that convert slices of it.
pub trait Code: CodeWord + Loops {}

impl<C: CodeWord + Loops> Code for C {}
