//! The random bits of consecutive elements: [`fewbit_formats::philox`], a block of 64 at a time.
//!
//! A 64-bit lane computes one call of Philox4x32-10. The words of its state are kept in the low halves of 64-bit words,
//! whatever the high halves hold: the product of two low halves is then a single instruction, its high half is the next
//! state's word after a shift, and its low half is one as it is.

use bytemuck::cast_slice_mut;
use fewbit_formats::philox;

use super::code::BLOCK;

/// Calls of Philox that one block of elements may touch: one more than its words need, for a first index inside one.
const CALLS: usize = BLOCK / 4;
const LOW: u64 = 0xffff_ffff;

/// Ten rounds on one counter.
#[inline(always)]
fn philox4x32(counter: u64, seed: u64) -> [u64; 2] {
    let [mut c0, mut c1, mut c2, mut c3] = [counter & LOW, counter >> 32, 0, 0];
    let (mut k0, mut k1) = (seed as u32, (seed >> 32) as u32);
    for _ in 0..philox::ROUNDS {
        let left = (c0 & LOW) * u64::from(philox::MULTIPLIER[0]);
        let right = (c2 & LOW) * u64::from(philox::MULTIPLIER[1]);
        c0 = right >> 32 ^ c1 ^ u64::from(k0);
        c1 = right;
        c2 = left >> 32 ^ c3 ^ u64::from(k1);
        c3 = left;
        k0 = k0.wrapping_add(philox::WEYL[0]);
        k1 = k1.wrapping_add(philox::WEYL[1]);
    }
    [c0 & LOW | c1 << 32, c2 & LOW | c3 << 32]
}

/// The random bits of elements `first..first + 64`: `bits[i]` is `philox::bits(seed, first + i)`.
#[inline(always)]
pub(super) fn bits(seed: u64, first: u64) -> [u32; BLOCK] {
    // One call of four words too many, so that a block may start inside a call.
    let mut pairs = [0u64; BLOCK / 2 + 2];
    let (calls, last) = pairs.split_at_mut(BLOCK / 2);
    let counter = first / 4;
    for (call, pair) in calls.chunks_exact_mut(2).enumerate() {
        pair.copy_from_slice(&philox4x32(counter.wrapping_add(call as u64), seed));
    }
    let skip = (first % 4) as usize;
    if skip != 0 {
        last.copy_from_slice(&philox4x32(counter.wrapping_add(CALLS as u64), seed));
    }
    if cfg!(target_endian = "big") {
        pairs.iter_mut().for_each(|pair| *pair = pair.rotate_left(32));
    }
    let words: &mut [u32] = cast_slice_mut(&mut pairs);
    let mut bits = [0; BLOCK];
    bits.copy_from_slice(&words[skip..skip + BLOCK]);
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_the_bits_of_its_elements() {
        let seeds = [0, 1, u64::MAX, 0x0123_4567_89ab_cdef];
        let firsts = [0, 1, 2, 3, 64, 255, (1 << 34) - 3, (1 << 34) + 5, u64::MAX - 200];
        for (seed, first) in seeds.into_iter().flat_map(|s| firsts.map(|f| (s, f))) {
            let expected: Vec<u32> =
                (0..BLOCK as u64).map(|i| philox::bits(seed, first + i)).collect();
            assert_eq!(bits(seed, first).to_vec(), expected, "seed {seed}, first {first}");
        }
    }
}
