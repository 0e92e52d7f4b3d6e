//! Codes of 8 bits to values by a table that is held in registers, where the instruction set can look it up there.

use bytemuck::{cast_slice, cast_slice_mut};

use super::code::{BLOCK, Code};
use crate::simd::{ByteLanes, IsaKernel, Lanes, Simd, Vectorized};

/// Decodes `codes` to as many values, whose upper halves are in `table`.
pub(super) struct LookUp<'a, C> {
    pub(super) table: &'a [i32; 128],
    pub(super) codes: &'a [C],
    pub(super) values: &'a mut [f32],
}

impl<C: Code> IsaKernel for LookUp<'_, C> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let Self { table, codes, values } = self;
        let looked_up = if const { <S::Int32 as ByteLanes>::LOOKS_UP } && C::BITS == u8::BITS {
            let (codes, lanes): (&[u8], _) = (cast_slice(codes), simd.int32());
            lanes.vectorize(InRegisters { lanes, table, codes, values: &mut *values })
        } else {
            0
        };
        let halves: &[u16] = cast_slice(table);
        for (value, code) in values[looked_up..].iter_mut().zip(&codes[looked_up..]) {
            let half = halves[(code.to_u32() & 0xff) as usize];
            *value = f32::from_bits(u32::from(half) << 16);
        }
    }
}

/// As many of them as fill vectors.
struct InRegisters<'a, L> {
    lanes: L,
    table: &'a [i32; 128],
    codes: &'a [u8],
    values: &'a mut [f32],
}

impl<L: ByteLanes> Vectorized for InRegisters<'_, L> {
    /// How many.
    type Output = usize;

    #[inline(always)]
    fn call(self) -> usize {
        let Self { lanes, table, codes, values } = self;
        const { assert!(BLOCK.is_multiple_of(4 * L::N)) };
        let (blocks, value_blocks) =
            (codes.as_chunks::<BLOCK>().0, values.as_chunks_mut::<BLOCK>().0);
        for (codes, values) in blocks.iter().zip(value_blocks) {
            let words: [i32; BLOCK / 4] = bytemuck::cast(*codes);
            let values: &mut [i32] = cast_slice_mut(values);
            for (words, values) in words.chunks_exact(L::N).zip(values.chunks_exact_mut(4 * L::N)) {
                let found = lanes.look_up(table, lanes.load(words));
                for (found, values) in found.into_iter().zip(values.chunks_exact_mut(L::N)) {
                    lanes.store(found, values);
                }
            }
        }
        blocks.len() * BLOCK
    }
}
