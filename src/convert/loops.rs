//! The loops of every lane, compiled once per integer that holds codes.

use bytemuck::{cast_slice, cast_slice_mut};

use super::blocks::{Decode, Encode, RefusedBlock};
use super::code::Code;
use super::halves::{DecodeHalves, EncodeHalves};
use super::lane::{DecodeLane, EncodeLane};
use super::look_up::LookUp;
use super::plan::{DecodePlan, EncodePlan};
use crate::simd::Detected;

/// What an encoding loop works on.
#[derive(Debug)]
pub(super) struct EncodeJob<'a, C> {
    pub(super) plan: &'a EncodePlan,
    pub(super) isa: Detected,
    pub(super) seed: u64,
    /// The index of the first element, for its random bits.
    pub(super) first: u64,
    pub(super) x: &'a [f32],
    pub(super) codes: &'a mut [C],
}

/// What a decoding loop works on.
#[derive(Debug)]
pub(super) struct DecodeJob<'a, C> {
    pub(super) plan: &'a DecodePlan,
    pub(super) isa: Detected,
    pub(super) codes: &'a [C],
    pub(super) values: &'a mut [f32],
}

impl<'a, C: Code> EncodeJob<'a, C> {
    /// The same with the codes in an integer of the same width.
    fn of<D: Code>(self) -> EncodeJob<'a, D> {
        let Self { plan, isa, seed, first, x, codes } = self;
        EncodeJob { plan, isa, seed, first, x, codes: cast_slice_mut(codes) }
    }

    /// Runs the lane of the plan.
    ///
    /// # Errors
    /// A block in which the policy refuses a value, or a plan without a lane.
    pub(super) fn run(self) -> Result<(), RefusedBlock> {
        match C::BITS {
            u8::BITS => encode_u8(self.of()),
            u16::BITS => encode_u16(self.of()),
            _ => encode_u32(self.of()),
        }
    }
}

impl<'a, C: Code> DecodeJob<'a, C> {
    /// The same with the codes in an integer of the same width.
    fn of<D: Code>(self) -> DecodeJob<'a, D> {
        let Self { plan, isa, codes, values } = self;
        DecodeJob { plan, isa, codes: cast_slice(codes), values }
    }

    /// Runs the lane of the plan.
    pub(super) fn run(self) {
        match C::BITS {
            u8::BITS => decode_u8(self.of()),
            u16::BITS => decode_u16(self.of()),
            _ => decode_u32(self.of()),
        }
    }
}

macro_rules! loops {
    ($($type:ty: $encode:ident, $decode:ident;)*) => {$(
        fn $encode(job: EncodeJob<'_, $type>) -> Result<(), RefusedBlock> {
            encode(job)
        }

        fn $decode(job: DecodeJob<'_, $type>) {
            decode(job)
        }
    )*};
}

// Functions that are not generic: a crate that calls them does not compile the loops again.
loops! {
    u8: encode_u8, decode_u8;
    u16: encode_u16, decode_u16;
    u32: encode_u32, decode_u32;
}

fn encode<C: Code>(job: EncodeJob<'_, C>) -> Result<(), RefusedBlock> {
    match *job.plan {
        EncodePlan::EvenNarrow(lane) => {
            let end = lane.end_of_half().filter(|_| C::BITS == u16::BITS);
            let Some(end) = end else { return encode_by(lane, job) };
            let (x, codes) = (job.x, cast_slice_mut(&mut *job.codes));
            let done = job.isa.run_without_vnni(EncodeHalves { end, x, codes });
            let EncodeJob { x, codes, first, .. } = job;
            let (x, codes, first) = (&x[done..], &mut codes[done..], first + done as u64);
            encode_by(lane, EncodeJob { x, codes, first, ..job })
        }
        EncodePlan::EvenOneZero(lane) => encode_by(lane, job),
        EncodePlan::ZeroNarrow(lane) => encode_by(lane, job),
        EncodePlan::ZeroOneZero(lane) => encode_by(lane, job),
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

fn encode_by<L: EncodeLane, C: Code>(lane: L, job: EncodeJob<'_, C>) -> Result<(), RefusedBlock> {
    let EncodeJob { plan: _, isa, seed, first, x, codes } = job;
    isa.vectorize(Encode { lane, x, codes, seed, first })
}

fn decode<C: Code>(job: DecodeJob<'_, C>) {
    match job.plan {
        DecodePlan::Float(lane) => decode_by(*lane, job),
        DecodePlan::Same(lane) => decode_by(*lane, job),
        DecodePlan::Half(lane) => {
            let mut done = 0;
            if C::BITS == u16::BITS {
                let (codes, values) = (cast_slice(job.codes), &mut *job.values);
                done = job.isa.run_without_vnni(DecodeHalves { codes, values });
            }
            let (codes, values) = (&job.codes[done..], &mut job.values[done..]);
            decode_by(*lane, DecodeJob { codes, values, ..job });
        }
        DecodePlan::Int(lane) => decode_by(*lane, job),
        DecodePlan::Table(table) => {
            // The table has a place for every code of the format's width.
            let mask = table.len() - 1;
            for (value, code) in job.values.iter_mut().zip(job.codes) {
                *value = table[code.to_u32() as usize & mask];
            }
        }
        DecodePlan::Halves(table) => {
            let DecodeJob { isa, codes, values, .. } = job;
            isa.run(LookUp { table, codes, values });
        }
        DecodePlan::Specification(format) => {
            for (value, code) in job.values.iter_mut().zip(job.codes) {
                *value = format.decode(code.to_u32()) as f32;
            }
        }
    }
}

fn decode_by<L: DecodeLane, C: Code>(lane: L, job: DecodeJob<'_, C>) {
    let DecodeJob { plan: _, isa, codes, values } = job;
    isa.vectorize(Decode { lane, codes, values });
}
