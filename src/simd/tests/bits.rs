//! Lanes of bits.

use super::on_every_set;
use crate::simd::{BitLanes, IsaKernel, Simd, Vectorized};

#[derive(Clone, Copy)]
struct Check;

impl IsaKernel for Check {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        same(simd.bits());
        match simd.popcnt() {
            Some(lanes) => same(lanes),
            None => println!("no instruction that counts bits"),
        }
    }
}

fn same<L: BitLanes>(lanes: L) {
    struct One<L>(L, [Vec<u64>; 3]);
    impl<L: BitLanes> Vectorized for One<L> {
        type Output = Vec<u64>;

        #[inline(always)]
        fn call(self) -> Vec<u64> {
            let Self(lanes, words) = self;
            let mut out = vec![0; 8];
            for at in (0..8).step_by(L::N) {
                let [a, b, m] = [0, 1, 2].map(|i: usize| lanes.load(&words[i][at..]));
                let counts = lanes.count(lanes.differ(a, b, m));
                let more = lanes.count(lanes.and(lanes.xor(a, m), lanes.splat(u64::MAX / 5)));
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
                word = word.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
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
fn methods_equal_their_definitions() {
    on_every_set(Check);
}
