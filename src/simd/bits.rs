//! Lanes of 64 bits, each of them a product: what counts bits in a vector.

use super::{Isa, IsaError};

/// A vector of 64-bit words that are sets of bits.
pub(crate) trait BitLanes: Copy + Send + Sync {
    /// The vector.
    type V: Copy + Send + Sync;

    /// Words in a vector.
    const N: usize;

    /// Runs `call` compiled with the instructions that these lanes stand for.
    fn vectorize<C: super::Call>(self, call: C) -> C::Output;

    /// `x` in every word.
    fn splat(self, x: u64) -> Self::V;

    /// The first `N` words of `from`, which has at least as many.
    fn load(self, from: &[u64]) -> Self::V;

    /// Writes the words to the first `N` of `to`, which has at least as many.
    fn store(self, v: Self::V, to: &mut [u64]);

    /// The bits that differ.
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;

    /// The bits that both have.
    fn and(self, a: Self::V, b: Self::V) -> Self::V;

    /// `(a ^ b) & mask`
    fn differ(self, a: Self::V, b: Self::V, mask: Self::V) -> Self::V;

    /// `a + b` modulo 2^64.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b` modulo 2^64.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;

    /// How many bits each word has.
    fn count(self, v: Self::V) -> Self::V;
}

/// Work that is instantiated once per way of counting bits.
pub(crate) trait BitTask {
    /// What it gives.
    type Output;

    /// Does it with these lanes.
    fn run<L: BitLanes>(self, lanes: L) -> Self::Output;
}

/// Whether bits are counted faster than bytes are multiplied: by AVX-512 only where the CPU has instructions for it.
pub(crate) fn counts_bits(isa: Isa) -> bool {
    match isa {
        Isa::Portable | Isa::Avx2 => true,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Amx => x86::Avx512Counts::detect().is_some(),
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx512 | Isa::Amx => false,
    }
}

/// Runs `task` with the instructions of `isa`.
///
/// # Errors
/// Where this CPU lacks `isa`, or what [`counts_bits`] asks for.
pub(crate) fn run_bits<T: BitTask>(isa: Isa, task: T) -> Result<T::Output, IsaError> {
    match isa {
        Isa::Portable => Ok(task.run(portable::PortableBits)),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => {
            let simd = super::avx2::Avx2::detect().ok_or(IsaError::Unavailable(isa))?;
            Ok(task.run(x86::Avx2Bits(simd)))
        }
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Amx => {
            let counts = x86::Avx512Counts::detect().ok_or(IsaError::Unavailable(isa))?;
            Ok(task.run(counts))
        }
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx2 | Isa::Avx512 | Isa::Amx => Err(IsaError::Unavailable(isa)),
    }
}

mod portable {
    use super::BitLanes;
    use crate::simd::Call;

    /// Four words, one after the other.
    #[derive(Clone, Copy)]
    pub(super) struct PortableBits;

    #[inline(always)]
    fn each(a: [u64; 4], b: [u64; 4], f: impl Fn(u64, u64) -> u64) -> [u64; 4] {
        [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
    }

    impl BitLanes for PortableBits {
        type V = [u64; 4];

        const N: usize = 4;

        #[inline(never)]
        fn vectorize<C: Call>(self, call: C) -> C::Output {
            call.call()
        }

        #[inline(always)]
        fn splat(self, x: u64) -> [u64; 4] {
            [x; 4]
        }

        #[inline(always)]
        fn load(self, from: &[u64]) -> [u64; 4] {
            [from[0], from[1], from[2], from[3]]
        }

        #[inline(always)]
        fn store(self, v: [u64; 4], to: &mut [u64]) {
            to[..4].copy_from_slice(&v);
        }

        #[inline(always)]
        fn xor(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
            each(a, b, |a, b| a ^ b)
        }

        #[inline(always)]
        fn and(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
            each(a, b, |a, b| a & b)
        }

        #[inline(always)]
        fn differ(self, a: [u64; 4], b: [u64; 4], mask: [u64; 4]) -> [u64; 4] {
            self.and(self.xor(a, b), mask)
        }

        #[inline(always)]
        fn add(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
            each(a, b, u64::wrapping_add)
        }

        #[inline(always)]
        fn sub(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
            each(a, b, u64::wrapping_sub)
        }

        #[inline(always)]
        fn count(self, v: [u64; 4]) -> [u64; 4] {
            v.map(|word| word.count_ones().into())
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::BitLanes;
    use crate::simd::Call;
    use crate::simd::avx2::Avx2;
    use crate::simd::avx512::Avx512;

    /// Four words; bits are counted by a table of nibbles.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2Bits(pub(super) Avx2);

    /// Eight words, with an instruction that counts bits.
    #[derive(Clone, Copy)]
    pub(super) struct Avx512Counts(());

    impl Avx512Counts {
        /// The token, where the CPU has the instructions.
        pub(super) fn detect() -> Option<Self> {
            let all = Avx512::detect().is_some() && is_x86_feature_detected!("avx512vpopcntdq");
            all.then_some(Self(()))
        }
    }

    /// `(a ^ b) & c` as the truth table of a ternary logic instruction.
    const XOR_AND: i32 = (0b1111_0000 ^ 0b1100_1100) & 0b1010_1010;

    /// Methods whose body is one expression of the instructions that the lanes stand for.
    macro_rules! instructions {
        ($(fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) -> $out:ty { $body:expr })*) => {
            $(
                #[inline(always)]
                fn $name($self $(, $arg: $type)*) -> $out {
                    // SAFETY: the token in `self` proves the instructions.
                    unsafe { $body }
                }
            )*
        };
    }

    impl BitLanes for Avx512Counts {
        type V = __m512i;

        const N: usize = 8;

        #[inline(always)]
        fn vectorize<C: Call>(self, call: C) -> C::Output {
            #[target_feature(
                enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq"
            )]
            #[inline(never)]
            fn inner<C: Call>(call: C) -> C::Output {
                call.call()
            }
            // SAFETY: `self` exists, so the CPU has all six extensions.
            unsafe { inner(call) }
        }

        #[inline(always)]
        fn load(self, from: &[u64]) -> __m512i {
            let from = &from[..Self::N];
            // SAFETY: `from` has 8 words, and `self` proves AVX-512 F.
            unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
        }

        #[inline(always)]
        fn store(self, v: __m512i, to: &mut [u64]) {
            let to = &mut to[..Self::N];
            // SAFETY: `to` has 8 words, and `self` proves AVX-512 F.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
        }

        instructions! {
            fn splat(self, x: u64) -> __m512i { _mm512_set1_epi64(x.cast_signed()) }
            fn xor(self, a: __m512i, b: __m512i) -> __m512i { _mm512_xor_si512(a, b) }
            fn and(self, a: __m512i, b: __m512i) -> __m512i { _mm512_and_si512(a, b) }
            fn differ(self, a: __m512i, b: __m512i, mask: __m512i) -> __m512i {
                _mm512_ternarylogic_epi64::<XOR_AND>(a, b, mask)
            }
            fn add(self, a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi64(a, b) }
            fn sub(self, a: __m512i, b: __m512i) -> __m512i { _mm512_sub_epi64(a, b) }
        }

        instructions! {
            fn count(self, v: __m512i) -> __m512i { _mm512_popcnt_epi64(v) }
        }
    }

    impl BitLanes for Avx2Bits {
        type V = __m256i;

        const N: usize = 4;

        #[inline(always)]
        fn vectorize<C: Call>(self, call: C) -> C::Output {
            self.0.vectorize(call)
        }

        #[inline(always)]
        fn load(self, from: &[u64]) -> __m256i {
            let from = &from[..Self::N];
            // SAFETY: `from` has 4 words, and `self` proves AVX2.
            unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
        }

        #[inline(always)]
        fn store(self, v: __m256i, to: &mut [u64]) {
            let to = &mut to[..Self::N];
            // SAFETY: `to` has 4 words, and `self` proves AVX2.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), v) }
        }

        instructions! {
            fn splat(self, x: u64) -> __m256i { _mm256_set1_epi64x(x.cast_signed()) }
            fn xor(self, a: __m256i, b: __m256i) -> __m256i { _mm256_xor_si256(a, b) }
            fn and(self, a: __m256i, b: __m256i) -> __m256i { _mm256_and_si256(a, b) }
            fn differ(self, a: __m256i, b: __m256i, mask: __m256i) -> __m256i {
                _mm256_and_si256(_mm256_xor_si256(a, b), mask)
            }
            fn add(self, a: __m256i, b: __m256i) -> __m256i { _mm256_add_epi64(a, b) }
            fn sub(self, a: __m256i, b: __m256i) -> __m256i { _mm256_sub_epi64(a, b) }
            fn count(self, v: __m256i) -> __m256i {
                {
                    let table = _mm256_broadcastsi128_si256(
                        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4),
                    );
                    let nibble = _mm256_set1_epi8(0x0f);
                    let low = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
                    let high = _mm256_and_si256(_mm256_srli_epi16::<4>(v), nibble);
                    let bytes = _mm256_add_epi8(low, _mm256_shuffle_epi8(table, high));
                    _mm256_sad_epu8(bytes, _mm256_setzero_si256())
                }
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::simd::bits::portable::PortableBits;

        fn same<L: BitLanes>(lanes: L) {
            struct One<L>(L, [Vec<u64>; 3]);
            impl<L: BitLanes> Call for One<L> {
                type Output = Vec<u64>;

                #[inline(always)]
                fn call(self) -> Vec<u64> {
                    let Self(lanes, words) = self;
                    let mut out = vec![0; 8];
                    for at in (0..8).step_by(L::N) {
                        let [a, b, m] = [0, 1, 2].map(|i: usize| lanes.load(&words[i][at..]));
                        let counts = lanes.count(lanes.differ(a, b, m));
                        let more =
                            lanes.count(lanes.and(lanes.xor(a, m), lanes.splat(u64::MAX / 5)));
                        let sum = lanes.add(lanes.sub(counts, b), lanes.add(more, b));
                        lanes.store(sum, &mut out[at..]);
                    }
                    out
                }
            }
            let mut word = 0x0123_4567_89ab_cdef_u64;
            for _ in 0..100 {
                let words = [0; 3].map(|_| {
                    let mut next = || {
                        word = word
                            .wrapping_mul(6364136223846793005)
                            .wrapping_add(1442695040888963407);
                        word ^ word >> 29
                    };
                    let mut words: Vec<u64> = (0..8).map(|_| next()).collect();
                    (words[2], words[5]) = (0, u64::MAX);
                    words
                });
                let [a, b, m] = &words;
                let expected: Vec<u64> = (0..8)
                    .map(|i| {
                        let ones = |x: u64| u64::from(x.count_ones());
                        ones((a[i] ^ b[i]) & m[i]) + ones((a[i] ^ m[i]) & (u64::MAX / 5))
                    })
                    .collect();
                assert_eq!(lanes.vectorize(One(lanes, words)), expected);
            }
        }

        #[test]
        fn all_ways_of_counting_agree() {
            same(PortableBits);
            if let Some(simd) = Avx2::detect() {
                same(Avx2Bits(simd));
            }
            if let Some(counts) = Avx512Counts::detect() {
                same(counts);
            }
        }
    }
}
