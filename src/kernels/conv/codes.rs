//! Where the codes of sums go.

use std::ops::Range;

use super::code_lanes::CodeLanes;
use super::finish::{Finish, LinearCodes};
use super::words::Field;
use crate::kernels::output::StoreMode;
use crate::simd::{ByteLanes, ROUNDING, Vectorized};

/// Sums whose codes are in doubt together.
const CHUNK: usize = 64;
/// Bytes that a row of codes may be moved at once.
const PIECE: usize = 16;
/// How much further from a whole number what is computed with other roundings may lie: below `2^9`, each of at most four is less
/// than `2^-16`.
const ROUNDINGS: f32 = 1.0 / 16_384.0;

/// Where the codes of sums go.
pub(super) struct CodeSink<'a> {
    pub(super) field: &'a Field,
    pub(super) store: StoreMode,
    finish: &'a dyn Finish,
    pub(super) linear: &'a LinearCodes,
    /// The number of the first output channel that is here, among those of all images.
    first: usize,
    codes: &'a mut [u8],
    /// Codes in the rows of the field.
    padded: Vec<u8>,
    /// 1 for each chunk of a plane that may have other codes.
    doubts: Vec<u8>,
    /// Whether all codes could be made.
    pub(super) are_made: bool,
}

/// The sums of an output channel at all positions of an image, in the rows of a field.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    /// Its number among those of all images, and its channel.
    pub(super) number: usize,
    pub(super) channel: usize,
    pub(super) sums: &'a [i32],
}

impl<'a> CodeSink<'a> {
    /// For the codes of output channels from the `first` one of all images on.
    pub(super) fn new(
        field: &'a Field,
        store: StoreMode,
        (finish, linear): (&'a dyn Finish, &'a LinearCodes),
        first: usize,
        codes: &'a mut [u8],
    ) -> Self {
        let (padded, doubts) = (Vec::new(), Vec::new());
        Self { field, store, finish, linear, first, codes, padded, doubts, are_made: true }
    }

    /// Writes the codes of some planes, in ascending order.
    pub(super) fn take<'p, L: ByteLanes>(
        &mut self,
        lanes: L,
        planes: impl Iterator<Item = Plane<'p>> + Clone,
    ) {
        let sums: usize = planes.clone().map(|plane| plane.sums.len()).sum();
        let bytes = sums + self.field.pitch + PIECE;
        if self.padded.len() < bytes {
            self.padded.resize(bytes, 0);
            self.doubts.resize(bytes, 0);
        }
        lanes.vectorize(WriteCodes { lanes, sink: self, planes: planes.clone() });
        for (index, plane) in planes.enumerate() {
            let chunks = plane.sums.len().div_ceil(CHUNK);
            for chunk in 0..chunks {
                if self.doubts[index * chunks + chunk] != 0 {
                    self.settle(plane, chunk * CHUNK..(chunk + 1) * CHUNK);
                }
            }
        }
    }

    /// Puts rows of codes of a plane, as far apart as the field's, to their place.
    #[inline(always)]
    pub(super) fn put(&mut self, number: usize, codes: &[u8]) {
        let (field, positions) = (self.field, self.field.positions());
        let to = &mut self.codes[(number - self.first) * positions..];
        match field.pitch == field.outputs[1] {
            true => unpad(codes, positions, [1, positions], to),
            false => unpad(codes, field.pitch, field.outputs, to),
        }
    }

    /// Asks for the codes of the sums of a range that may be others.
    #[cold]
    pub(super) fn settle(&mut self, plane: Plane<'_>, range: Range<usize>) {
        let Self { field, store, finish, linear, first, .. } = *self;
        let (plus, factor) = linear.channels[plane.channel];
        let [rows, columns] = field.outputs;
        let codes = &mut self.codes[(plane.number - first) * rows * columns..];
        let end = range.end.min(field.span());
        let mut places = (range.start..end).filter(|at| at % field.pitch < columns);
        let are_made = places.all(|at| {
            let sum = match store {
                StoreMode::LowBits(bits) if bits < 32 => {
                    plane.sums[at] << (32 - bits) >> (32 - bits)
                }
                StoreMode::LowBits(_) | StoreMode::Whole => plane.sums[at],
            };
            let near = sum.wrapping_add(plus).max(linear.least) as f32 * factor + linear.zero_point;
            let near = near.clamp(linear.low, linear.high);
            let far = (near - ((near + ROUNDING) - ROUNDING)).abs();
            let to = at / field.pitch * columns + at % field.pitch;
            far <= linear.sure - ROUNDINGS
                || finish.finish(plane.channel, &[sum], &mut codes[to..=to])
        });
        self.are_made &= are_made;
    }
}

/// [`CodeSink::take`], compiled for its lanes. No function is called between the vectors, so that what they share stays in registers.
struct WriteCodes<'s, 'a, L, P> {
    lanes: L,
    sink: &'s mut CodeSink<'a>,
    planes: P,
}

impl<'p, L, P> Vectorized for WriteCodes<'_, '_, L, P>
where
    L: ByteLanes,
    P: Iterator<Item = Plane<'p>> + Clone,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, sink, planes } = self;
        let (field, linear) = (sink.field, sink.linear);
        let (positions, is_dense) = (field.positions(), field.pitch == field.outputs[1]);
        let make = CodeLanes::new(lanes, linear, sink.store);
        for (index, plane) in planes.clone().enumerate() {
            let channel = make.channel(linear.channels[plane.channel]);
            let stride = plane.sums.len();
            let start = (plane.number - sink.first) * positions;
            // What is written beyond a plane is its successor's, which comes later.
            let to = match sink.codes.get_mut(start..start + stride) {
                Some(to) if is_dense => to,
                _ => &mut sink.padded[index * stride..][..stride],
            };
            let doubts = &mut sink.doubts[index * stride.div_ceil(CHUNK)..];
            let chunks = plane.sums.chunks(CHUNK).zip(to.chunks_mut(CHUNK));
            for ((sums, to), doubt) in chunks.zip(doubts) {
                let mut furthest = lanes.splat(0);
                for (sums, to) in sums.chunks_exact(L::N).zip(to.chunks_exact_mut(L::N)) {
                    let [codes, far] = make.code(lanes.load(sums), channel);
                    furthest = lanes.max(furthest, far);
                    to.copy_from_slice(&lanes.low_bytes(codes)[..L::N]);
                }
                *doubt = u8::from(make.are_doubtful(furthest));
            }
        }
        for (index, plane) in planes.enumerate() {
            let stride = plane.sums.len();
            let start = (plane.number - sink.first) * positions;
            if !is_dense || start + stride > sink.codes.len() {
                let padded = std::mem::take(&mut sink.padded);
                sink.put(plane.number, &padded[index * stride..]);
                sink.padded = padded;
            }
        }
    }
}

/// Rows of bytes side by side, which lie `pitch` apart in `from`. What is behind them may be written, too.
#[inline(always)]
fn unpad(from: &[u8], pitch: usize, [rows, columns]: [usize; 2], to: &mut [u8]) {
    if from.len() < rows * pitch + PIECE || to.len() < rows * columns + PIECE {
        for row in 0..rows {
            let from = &from[row * pitch..][..columns];
            to[row * columns..][..columns].copy_from_slice(from);
        }
        return;
    }
    for row in 0..rows {
        let (from, to) = (&from[row * pitch..], &mut to[row * columns..]);
        for at in (0..columns).step_by(PIECE) {
            to[at..at + PIECE].copy_from_slice(&from[at..at + PIECE]);
        }
    }
}
