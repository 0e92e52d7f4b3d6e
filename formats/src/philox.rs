//! Counter-based random bits: Philox4x32-10.
//!
//! The bits that belong to an element depend on the seed and the element's index alone, so stochastic rounding gives
//! the same result in any order, on any number of threads. Source: Salmon, Moraes, Dror, Shaw, "Parallel random
//! numbers: as easy as 1, 2, 3", SC 2011.

/// Multipliers of the two halves of a round.
pub const MULTIPLIER: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
/// Rounds.
pub const ROUNDS: u32 = 10;
/// Weyl increments of the key.
pub const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// The four words of Philox4x32-10 for a counter and a key.
///
/// ```
/// use fewbit_formats::philox::philox4x32;
/// assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
#[must_use]
pub const fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut c, mut k) = (counter, key);
    let mut round = 0;
    while round < ROUNDS {
        let left = MULTIPLIER[0] as u64 * c[0] as u64;
        let right = MULTIPLIER[1] as u64 * c[2] as u64;
        c = [
            (right >> 32) as u32 ^ c[1] ^ k[0],
            right as u32,
            (left >> 32) as u32 ^ c[3] ^ k[1],
            left as u32,
        ];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        round += 1;
    }
    c
}

/// The 32 random bits of element `index` under `seed`.
///
/// The key is the seed; the counter is `index / 4`, and `index % 4` chooses one of its four words.
#[must_use]
pub const fn bits(seed: u64, index: u64) -> u32 {
    let block = index / 4;
    let words =
        philox4x32([block as u32, (block >> 32) as u32, 0, 0], [seed as u32, (seed >> 32) as u32]);
    words[(index % 4) as usize]
}
