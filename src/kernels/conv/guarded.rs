//! Registers that saturate or wrap, as exact sums of bytes wherever nothing can overflow.
//!
//! Four channels share a word, and k ascends channel by channel: so behind the steps of some fours, an exact sum is what a
//! register holds there, if it did not overflow before. Between two such looks no sum is further from the one before than the
//! [reach](super::prepared::Signed::reach) of the weights between them. With the greatest and least reach of all pieces of an
//! output channel, every register on the way fits if all sums that are looked at lie between [`Limits`]. Of a tile where one
//! does not, the channel is stepped, product by product.

use std::ops::Range;

use super::prepared::{GuardSums, Signed};
use super::tile::Operands;
use crate::kernels::byte_dots::add_all;
use crate::simd::ByteLanes;

/// Between what the sums that are looked at prove that none overflows on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) low: i32,
    pub(super) high: i32,
}

impl Limits {
    /// Those of an output channel whose pieces have these sums, for codes in a range and a register that holds `low..=high`.
    pub(super) fn new(pieces: &[Signed], codes: (i64, i64), (low, high): (i64, i64)) -> Self {
        let reaches = pieces.iter().map(|piece| piece.reach(codes));
        let (least, greatest) = reaches
            .fold((0, 0), |(least, greatest), (low, high)| (low.min(least), high.max(greatest)));
        let narrow = |limit: i128| limit.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        Self { low: narrow(i128::from(low) - least), high: narrow(i128::from(high) - greatest) }
    }
}

/// What a guarded convolution knows of its sums.
#[derive(Debug)]
pub(super) struct Guard {
    /// Steps between two looks, and pieces of all steps.
    pub(super) steps: usize,
    pub(super) pieces: usize,
    pub(super) limits: Vec<Limits>,
    /// What sums of unsigned bytes lack behind each piece, where those of the input are signed: `[O][piece]`.
    pub(super) plus: Vec<i32>,
}

impl Guard {
    /// That of weights with these sums; signed bytes are `offset` more as unsigned ones.
    pub(super) fn new(
        sums: &GuardSums,
        outputs: usize,
        codes: (i64, i64),
        register: (i64, i64),
        offset: i128,
    ) -> Self {
        let (mut limits, mut plus) = (Vec::new(), Vec::new());
        for output in 0..outputs {
            let pieces = sums.of(output);
            limits.push(Limits::new(pieces, codes, register));
            plus.extend(pieces.iter().map(|piece| (-offset * piece.total()) as i32));
        }
        Self { steps: sums.steps, pieces: sums.pieces, limits, plus }
    }

    /// Whether a quarter of the range is free in most channels: else too much would be stepped behind.
    pub(super) fn is_worth_it(&self, (low, high): (i64, i64)) -> bool {
        let is_free = |limits: &&Limits| {
            i64::from(limits.high) >= high / 4 && i64::from(limits.low) <= low / 4
        };
        2 * self.limits.iter().filter(is_free).count() >= self.limits.len()
    }
}

/// A tile in which a channel must be stepped: the channel of the row, and the positions.
pub(super) type Doubt = (usize, Range<usize>);

/// A row of tiles: exact sums of `R` channels at all positions.
pub(super) struct GuardedRow<'a, L> {
    pub(super) lanes: L,
    pub(super) operands: Operands<'a>,
    pub(super) guard: &'a Guard,
    /// The first channel, of all, and how many of the row are channels.
    pub(super) first: usize,
    pub(super) channels: usize,
    pub(super) stride: usize,
    pub(super) values: &'a mut [i32],
    pub(super) doubts: &'a mut Vec<Doubt>,
}

impl<L: ByteLanes> GuardedRow<'_, L> {
    /// Runs all tiles; `#[inline(always)]`.
    #[inline(always)]
    pub(super) fn run<const R: usize, const V: usize>(&mut self) {
        let mut at = 0;
        while at + V * L::N <= self.stride {
            self.tile::<R, V>(at);
            at += V * L::N;
        }
        while at < self.stride {
            self.tile::<R, 1>(at);
            at += L::N;
        }
    }

    #[inline(always)]
    fn tile<const R: usize, const T: usize>(&mut self, at: usize) {
        let Self { lanes, operands, guard, stride, .. } = *self;
        let Operands { words, taps, weights, width, .. } = operands;
        let words = &words[at..];
        let zero = lanes.splat(0);
        let mut registers = [[zero; T]; R];
        let (mut least, mut greatest) = ([zero; R], [zero; R]);
        let pieces = taps.chunks(guard.steps).zip(weights.chunks(guard.steps * width));
        for (index, (taps, weights)) in pieces.enumerate() {
            for row in 0..R {
                let channel = self.first + row.min(self.channels - 1);
                let plus = lanes.splat(guard.plus[channel * guard.pieces + index]);
                for sum in &mut registers[row] {
                    least[row] = lanes.min(least[row], *sum);
                    greatest[row] = lanes.max(greatest[row], *sum);
                    *sum = lanes.add(*sum, plus);
                }
            }
            let piece = Operands { words, taps, weights, ..operands };
            registers = add_all(lanes, registers, &piece, piece.run);
        }
        // What is stored is a copy, so that the registers never are memory.
        let (mut last, mut ends) = ([[zero; T]; R], [[zero; 2]; R]);
        for row in 0..R {
            (last[row], ends[row]) = (registers[row], [least[row], greatest[row]]);
        }
        for (row, last) in last.iter().enumerate() {
            for (v, &last) in last.iter().enumerate() {
                let to = row * stride + at + v * L::N;
                lanes.store(last, &mut self.values[to..]);
            }
        }
        for (row, &[least, greatest]) in ends.iter().enumerate().take(self.channels) {
            let Limits { low, high } = guard.limits[self.first + row];
            // What is beyond an end changes what the nearer of both is.
            let kept = lanes.max(least, lanes.splat(low));
            let beyond = lanes.count_changed(zero, kept, least);
            let kept = lanes.min(greatest, lanes.splat(high));
            let beyond = lanes.count_changed(beyond, kept, greatest);
            let mut counts = [0; 64];
            lanes.store(beyond, &mut counts);
            if counts[..L::N].iter().any(|&count| count != 0) {
                self.doubts.push((row, at..at + T * L::N));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv::prepared::PreparedConv;
    use ndarray::Array4;

    #[test]
    fn limits_leave_room_for_every_piece() {
        // Two pieces of 32 channels: 3 and -2, then 5 and -7, and zeros.
        let mut weights = Array4::<i8>::zeros((1, 64, 1, 1));
        for (c, weight) in [(0, 3), (1, -2), (40, 5), (63, -7)] {
            weights[[0, c, 0, 0]] = weight;
        }
        let sums = PreparedConv::new(weights.view()).guards(1);
        assert_eq!((sums.steps, sums.pieces), (8, 2));
        let limits = |codes| Limits::new(sums.of(0), codes, (-128, 127));
        assert_eq!(limits((0, 10)), Limits { low: -128 + 70, high: 127 - 50 });
        // Up to 5 * 9 + 7 * 8, down to as much less.
        assert_eq!(limits((-8, 9)), Limits { low: -128 + 63 + 40, high: 127 - 45 - 56 });
    }
}
