//! Filling the words of an image: what lies around it never changes, so that it is written once, before the first image.

use super::copy::{fours, overlapping, split};
use super::planes::Moves;
use crate::simd::Vectorized;

/// Memory for bytes on their way into words.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
    /// A channel with its padding, where words are made of [neighbours](super::neighbours).
    pub(super) padded: Vec<u8>,
}

/// Four channels to a word.
pub(super) struct FillChannels<'a> {
    /// The bytes of all channels of the group.
    pub(super) channels: &'a [u8],
    /// Rows and columns of a channel.
    pub(super) size: [usize; 2],
    pub(super) moves: &'a Moves,
    /// Words of four channels.
    pub(super) len: usize,
    /// What makes a byte of the input an unsigned one.
    pub(super) flip: u8,
    pub(super) words: &'a mut [i32],
    pub(super) scratch: &'a mut Scratch,
}

impl Vectorized for FillChannels<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { channels, size, moves, len, flip, words, scratch } = self;
        let size = size[0] * size[1];
        if size == 0 || len == 0 {
            return;
        }
        let flip = i32::from_le_bytes([flip; 4]);
        let channels = if moves.is_split {
            scratch.bytes.resize(channels.len(), 0);
            for (from, to) in channels.chunks_exact(size).zip(scratch.bytes.chunks_exact_mut(size))
            {
                split(from, to);
            }
            &scratch.bytes[..]
        } else {
            channels
        };
        for (four, words) in channels.chunks(4 * size).zip(words.chunks_exact_mut(len)) {
            // Weights past the last channel are zero, whatever they meet.
            let last = four.len() / size - 1;
            let (a, b) = (&four[..size], &four[last.min(1) * size..][..size]);
            let (c, d) = (&four[last.min(2) * size..][..size], &four[last.min(3) * size..][..size]);
            for m in &moves.rows {
                let to = &mut words[m.to..m.to + m.count];
                if moves.step == 1 {
                    let end = m.from + m.count;
                    fours(
                        &a[m.from..end],
                        &b[m.from..end],
                        &c[m.from..end],
                        &d[m.from..end],
                        flip,
                        to,
                    );
                } else {
                    for (index, to) in to.iter_mut().enumerate() {
                        let at = m.from + index * moves.step;
                        *to = i32::from_le_bytes([a[at], b[at], c[at], d[at]]) ^ flip;
                    }
                }
            }
        }
    }
}

/// One code to a word.
pub(super) struct FillCodes<'a, X> {
    /// The codes of all channels of the group.
    pub(super) channels: &'a [X],
    /// Rows and columns of a channel.
    pub(super) size: [usize; 2],
    pub(super) moves: &'a Moves,
    /// Words of a channel.
    pub(super) len: usize,
    pub(super) words: &'a mut [i32],
}

impl<X: Copy + Into<i32>> Vectorized for FillCodes<'_, X> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { channels, size, moves, len, words } = self;
        let size = size[0] * size[1];
        if size == 0 || len == 0 {
            return;
        }
        for (channel, words) in channels.chunks_exact(size).zip(words.chunks_exact_mut(len)) {
            for m in &moves.rows {
                let to = &mut words[m.to..m.to + m.count];
                if moves.step == 1 {
                    overlapping(
                        &channel[m.from..][..m.count],
                        to,
                        #[inline(always)]
                        |x| x.into(),
                    );
                } else {
                    for (index, to) in to.iter_mut().enumerate() {
                        *to = channel[m.from + index * moves.step].into();
                    }
                }
            }
        }
    }
}
