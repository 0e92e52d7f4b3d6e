//! A number that tells contents apart.
//!
//! ```text
//! h = 1
//! mix(word):    h = h xor word, then twice: h = h * 0x9e3779b97f4a7c15 modulo 2^64, h = h xor (h >> 32)
//! add(bytes):   mix each 8 bytes, little-endian, the last ones filled up with zeros; then mix their number
//! ```
//! Each step can be undone, so contents that differ in one word of 64 bits have different digests; others of the same
//! lengths have equal ones with a probability of about 2^-64. It shows mistakes, it keeps out nobody.

/// The digest of what was added so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(u64);

impl Default for Digest {
    /// Of nothing; not 0, which a mixed-in 0 would not change.
    fn default() -> Self {
        Self(1)
    }
}

impl Digest {
    fn mix(&mut self, word: u64) {
        self.0 ^= word;
        // Once would leave the highest bit of a word, the sign of a number, in two bits that other signs can undo.
        for _ in 0..2 {
            let product = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.0 = product ^ (product >> 32);
        }
    }

    /// Adds bytes, and where they end.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(word));
        }
        self.mix(bytes.len() as u64);
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&[u8]]) -> String {
        let mut digest = Digest::default();
        parts.iter().for_each(|part| digest.add(part));
        digest.to_string()
    }

    #[test]
    fn it_is_what_the_rule_gives() {
        // (1 xor 2) times k, folded, twice; then the same with the length, 8.
        const K: u64 = 0x9e37_79b9_7f4a_7c15;
        let half = |h: u64| h.wrapping_mul(K) ^ (h.wrapping_mul(K) >> 32);
        let expected = half(half(half(half(1 ^ 2)) ^ 8));
        assert_eq!(of(&[&2u64.to_le_bytes()]), format!("{expected:016x}"));
        assert_eq!(of(&[]), "0000000000000001");
    }

    #[test]
    fn every_bit_and_every_end_counts() {
        let bytes: Vec<u8> = (0..21).collect();
        let mut seen = vec![of(&[&bytes])];
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << bit;
                seen.push(of(&[&changed]));
            }
            seen.push(of(&[&bytes[..place]]));
            seen.push(of(&[&bytes[..place], &bytes[place..]]));
        }
        // The signs of any of the five whole numbers of 32 bits.
        for signs in 0..32u32 {
            let mut changed = bytes.clone();
            (0..5).filter(|i| signs >> i & 1 != 0).for_each(|i| changed[4 * i + 3] ^= 0x80);
            if signs.count_ones() > 1 {
                seen.push(of(&[&changed]));
            }
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
