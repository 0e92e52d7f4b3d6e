//! Loops over blocks, compiled for every instruction set.

use super::code::{BLOCK, Code};
use super::lane::{DecodeLane, EncodeLane, REFUSED};
use super::random;
use crate::simd::Vectorized;

/// Encodes `x` to as many `codes`.
pub(super) struct Encode<'a, L, C> {
    pub(super) lane: L,
    pub(super) x: &'a [f32],
    pub(super) codes: &'a mut [C],
    pub(super) seed: u64,
    /// The index of the first element, for its random bits.
    pub(super) first: u64,
}

/// The first element of a block in which the policy refuses a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RefusedBlock(pub(super) usize);

impl<L: EncodeLane, C: Code> Vectorized for Encode<'_, L, C> {
    type Output = Result<(), RefusedBlock>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { lane, x, codes, seed, first } = self;
        let (blocks, tail) = x.as_chunks::<BLOCK>();
        let (code_blocks, code_tail) = codes.as_chunks_mut::<BLOCK>();
        let mut start = 0;
        for (x, codes) in blocks.iter().zip(code_blocks) {
            if encode_block(lane, x, codes, seed, first.wrapping_add(start as u64)) {
                return Err(RefusedBlock(start));
            }
            start += BLOCK;
        }
        if let Some(&filler) = tail.first() {
            let (mut padded, mut padded_codes) = ([filler; BLOCK], [C::default(); BLOCK]);
            padded[..tail.len()].copy_from_slice(tail);
            let first = first.wrapping_add(start as u64);
            if encode_block(lane, &padded, &mut padded_codes, seed, first) {
                return Err(RefusedBlock(start));
            }
            code_tail.copy_from_slice(&padded_codes[..tail.len()]);
        }
        Ok(())
    }
}

/// Encodes one block; whether the policy refuses a value of it.
#[inline(always)]
fn encode_block<L: EncodeLane, C: Code>(
    lane: L,
    x: &[f32; BLOCK],
    codes: &mut [C; BLOCK],
    seed: u64,
    first: u64,
) -> bool {
    let random = if L::RANDOM { random::bits(seed, first) } else { [0; BLOCK] };
    let mut refused = 0;
    for ((code, x), random) in codes.iter_mut().zip(x).zip(random) {
        let found = lane.code(x.to_bits(), random);
        refused |= found;
        *code = C::from_u32(found);
    }
    refused & REFUSED != 0
}

/// Decodes `codes` to as many values.
pub(super) struct Decode<'a, L, C> {
    pub(super) lane: L,
    pub(super) codes: &'a [C],
    pub(super) values: &'a mut [f32],
}

impl<L: DecodeLane, C: Code> Vectorized for Decode<'_, L, C> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lane, codes, values } = self;
        let (blocks, tail) = codes.as_chunks::<BLOCK>();
        let (value_blocks, value_tail) = values.as_chunks_mut::<BLOCK>();
        for (codes, values) in blocks.iter().zip(value_blocks) {
            decode_block(lane, codes, values);
        }
        if !tail.is_empty() {
            let (mut padded, mut padded_values) = ([C::default(); BLOCK], [0.0; BLOCK]);
            padded[..tail.len()].copy_from_slice(tail);
            decode_block(lane, &padded, &mut padded_values);
            value_tail.copy_from_slice(&padded_values[..tail.len()]);
        }
    }
}

#[inline(always)]
fn decode_block<L: DecodeLane, C: Code>(lane: L, codes: &[C; BLOCK], values: &mut [f32; BLOCK]) {
    for (value, code) in values.iter_mut().zip(codes) {
        *value = f32::from_bits(lane.value(code.to_u32()));
    }
}
