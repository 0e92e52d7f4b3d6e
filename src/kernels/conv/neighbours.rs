//! Words of four neighbours of a row: those of a channel are made of its bytes with the padding around them, all rows in one go.

use super::copy::{apart, moved, pairs};
use super::fill::Scratch;
use super::words::Line;
use crate::simd::{ByteLanes, IsaKernel, Lanes, Simd, Vectorized};

/// Bytes that may be looked at behind the last.
const BEHIND: usize = 64;

/// Four neighbours to a word.
pub(super) struct FillNeighbours<'a> {
    /// The bytes of some channels.
    pub(super) channels: &'a [u8],
    /// Rows and columns of a channel.
    pub(super) size: [usize; 2],
    /// The rows that are not padding: their place among all, and the row of the channel.
    pub(super) rows: &'a [(usize, usize)],
    pub(super) line: Line,
    /// Words of a channel and four neighbours of a kernel's row, and how many of these there are.
    pub(super) len: usize,
    pub(super) fours: usize,
    pub(super) padding: u8,
    pub(super) flip: u8,
    pub(super) words: &'a mut [i32],
    pub(super) scratch: &'a mut Scratch,
}

impl IsaKernel for FillNeighbours<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.int32();
        lanes.vectorize(Fill { lanes, job: self });
    }
}

/// [`FillNeighbours`], compiled for its lanes.
struct Fill<'a, L> {
    lanes: L,
    job: FillNeighbours<'a>,
}

impl<L: ByteLanes> Vectorized for Fill<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, job } = self;
        let FillNeighbours {
            channels, size: [height, width], rows, line, len, fours, flip, ..
        } = job;
        let bytes = &mut job.scratch.padded;
        let count = len * line.stride + 4 * fours * line.apart + BEHIND;
        if bytes.len() != count {
            bytes.clear();
            bytes.resize(count, job.padding ^ flip);
        }
        if len * fours == 0 {
            return;
        }
        let inside = width.min(line.pitch.saturating_sub(line.before));
        let planes = job.words.chunks_exact_mut(len * fours);
        for (index, words) in planes.enumerate() {
            let channel = &channels[index * height * width..][..height * width];
            moved(channel, width, rows, (line.pitch, line.before), inside, flip, bytes);
            for (four, words) in words.chunks_exact_mut(len).enumerate() {
                let bytes = &bytes[4 * four * line.apart..];
                match (line.stride, line.apart) {
                    (1, 1) => near(lanes, bytes, words),
                    (2, 1) => pairs(bytes, words),
                    _ => apart(bytes, line.stride, line.apart, words),
                }
            }
        }
    }
}

/// Words of four bytes, each a byte behind the one before.
#[inline(always)]
fn near<L: ByteLanes>(lanes: L, bytes: &[u8], words: &mut [i32]) {
    let count = words.len();
    let whole = count - count % L::N;
    for at in (0..whole).step_by(L::N) {
        if let Some(bytes) = bytes[at..].first_chunk() {
            lanes.store(lanes.neighbours(bytes), &mut words[at..]);
        }
    }
    if let (true, Some(bytes)) = (whole < count, bytes[whole..].first_chunk()) {
        let mut last = [0; 16];
        lanes.store(lanes.neighbours(bytes), &mut last);
        words[whole..].copy_from_slice(&last[..count - whole]);
    }
}
