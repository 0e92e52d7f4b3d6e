//! The exact trajectory product by product, where no instruction sums four products of bytes.
//!
//! A product is that of two 16-bit integers in one half of a word; the other half of the column's word is zero. A step is a
//! multiplication and an addition: [prefixes](super::prefixes) would take two of each.

use super::prefixes::{Prefixes, State};
use crate::kernels::guarded::block::BroadcastCodes;
use crate::kernels::operand::int8::K_TILE;
use crate::kernels::operand::panels::load_vectors;
use crate::simd::{ByteLanes, both};

/// Every prefix of a unit, each from the one before it.
#[derive(Clone, Copy)]
pub(crate) struct EachProduct<S>(pub(crate) S);

/// The low half of a word, and the high one.
const LOW: i32 = 0xffff;
const HIGH: i32 = !LOW;

impl<L: ByteLanes, S: BroadcastCodes<L>> Prefixes<L> for EachProduct<S> {
    const VECTORS: usize = K_TILE;

    #[inline(always)]
    fn prepare(self, lanes: L, columns: L::V, to: &mut [i32]) {
        // Bytes 0 and 2, and bytes 1 and 3.
        let [even, odd] = lanes.low_and_high(columns);
        let halves = [(even, LOW), (odd, LOW), (even, HIGH), (odd, HIGH)];
        for ((column, half), to) in halves.into_iter().zip(to.chunks_exact_mut(L::N)) {
            lanes.store(lanes.and(column, lanes.splat(half)), to);
        }
    }

    #[inline(always)]
    fn unit<const R: usize>(
        self,
        lanes: L,
        a: &[i32],
        columns: &[i32],
        states: &mut [State<L::V>; R],
    ) {
        let columns = load_vectors::<L, K_TILE>(lanes, columns);
        let byte = lanes.splat(both(0xff));
        for (state, a) in states.iter_mut().zip(a) {
            let [even, odd] = lanes.halves(lanes.splat(*a));
            let mut codes = [lanes.and(even, byte), lanes.and(odd, byte)];
            if S::OFFSET != 0 {
                let offset = lanes.splat(both(S::OFFSET as i16));
                codes = codes.map(|codes| lanes.add16(codes, offset));
            }
            for place in 0..K_TILE {
                state.sum = lanes.dot(state.sum, codes[place % 2], columns[place]);
                state.record(lanes, state.sum);
            }
        }
    }

    #[inline(always)]
    fn close<const R: usize>(self, _: L, _: &mut [State<L::V>; R]) {
        // The last prefix is recorded.
    }
}
