//! Short rows in vectors: pieces of a known length, of which the last one overlaps the one before. All is `#[inline(always)]`, so that
//! it is compiled for the caller's instruction set. A piece is written when all of it is there: the compiler, which cannot know that
//! what is written is not read again, would go element by element else.

/// Calls `f` with the starts of pieces of `P` elements that cover `count`, where there are as many.
macro_rules! pieces {
    ($count:expr, $piece:literal, $at:ident => $body:expr) => {{
        let mut $at = 0;
        while $count - $at >= $piece {
            $body;
            $at += $piece;
        }
        if $at < $count {
            $at = $count - $piece;
            $body;
        }
    }};
}

/// What `f` makes of every element.
#[inline(always)]
pub(super) fn overlapping<X: Copy, Y: Copy + Default>(
    from: &[X],
    to: &mut [Y],
    f: impl Fn(X) -> Y + Copy,
) {
    let count = from.len().min(to.len());
    if count >= 16 {
        pieces!(count, 16, at => piece::<X, Y, 16>(&from[at..], &mut to[at..], f));
    } else if count >= 8 {
        pieces!(count, 8, at => piece::<X, Y, 8>(&from[at..], &mut to[at..], f));
    } else if count >= 4 {
        pieces!(count, 4, at => piece::<X, Y, 4>(&from[at..], &mut to[at..], f));
    } else {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = f(from);
        }
    }
}

#[inline(always)]
fn piece<X: Copy, Y: Copy + Default, const P: usize>(from: &[X], to: &mut [Y], f: impl Fn(X) -> Y) {
    if let (Some(from), Some(to)) = (from.first_chunk::<P>(), to.first_chunk_mut::<P>()) {
        let mut all = [Y::default(); P];
        for at in 0..P {
            all[at] = f(from[at]);
        }
        *to = all;
    }
}

/// Every `S`-th element, from the first one on.
#[inline(always)]
pub(super) fn every<const S: usize>(from: &[f32], to: &mut [f32]) {
    let count = to.len();
    if count >= 16 {
        pieces!(count, 16, at => every_piece::<S, 16>(&from[S * at..], &mut to[at..]));
    } else if count >= 8 {
        pieces!(count, 8, at => every_piece::<S, 8>(&from[S * at..], &mut to[at..]));
    } else if count >= 4 {
        pieces!(count, 4, at => every_piece::<S, 4>(&from[S * at..], &mut to[at..]));
    } else {
        to.iter_mut().zip(from.iter().step_by(S)).for_each(|(to, &from)| *to = from);
    }
}

#[inline(always)]
fn every_piece<const S: usize, const P: usize>(from: &[f32], to: &mut [f32]) {
    // One check for all of them.
    let from = &from[..S * (P - 1) + 1];
    if let Some(to) = to.first_chunk_mut::<P>() {
        let mut all = [0.0; P];
        for at in 0..P {
            all[at] = from[S * at];
        }
        *to = all;
    }
}

/// Four bytes to a word, of rows of one length.
#[inline(always)]
pub(super) fn fours(a: &[u8], b: &[u8], c: &[u8], d: &[u8], flip: i32, to: &mut [i32]) {
    let count = to.len();
    if count >= 16 {
        pieces!(count, 16, at => four::<16>([a, b, c, d], at, flip, to));
    } else if count >= 8 {
        pieces!(count, 8, at => four::<8>([a, b, c, d], at, flip, to));
    } else if count >= 4 {
        pieces!(count, 4, at => four::<4>([a, b, c, d], at, flip, to));
    } else {
        for at in 0..count {
            to[at] = i32::from_le_bytes([a[at], b[at], c[at], d[at]]) ^ flip;
        }
    }
}

#[inline(always)]
fn four<const P: usize>([a, b, c, d]: [&[u8]; 4], at: usize, flip: i32, to: &mut [i32]) {
    let (Some(a), Some(b), Some(c), Some(d), Some(to)) = (
        a[at..].first_chunk::<P>(),
        b[at..].first_chunk::<P>(),
        c[at..].first_chunk::<P>(),
        d[at..].first_chunk::<P>(),
        to[at..].first_chunk_mut::<P>(),
    ) else {
        return;
    };
    let mut words = [0; P];
    for k in 0..P {
        words[k] = i32::from_le_bytes([a[k], b[k], c[k], d[k]]) ^ flip;
    }
    *to = words;
}

/// Rows of a channel of `width` columns to where they lie among rows of `pitch` bytes, `before` behind their starts: the first
/// `inside` bytes of each, with some bits flipped.
#[inline(always)]
pub(super) fn moved(
    channel: &[u8],
    width: usize,
    rows: &[(usize, usize)],
    (pitch, before): (usize, usize),
    inside: usize,
    flip: u8,
    to: &mut [u8],
) {
    // Fewer than sixteen bytes are numbers: as arrays they would be put together bit by bit.
    macro_rules! rows {
        ($piece:literal, $number:ty) => {
            for &(row, from) in rows {
                let from = &channel[from * width..][..inside];
                let to = &mut to[row * pitch + before..][..inside];
                pieces!(inside, $piece, at => {
                    if let (Some(from), Some(to)) =
                        (from[at..].first_chunk(), to[at..].first_chunk_mut())
                    {
                        let flip = <$number>::from_le_bytes([flip; $piece]);
                        *to = (<$number>::from_le_bytes(*from) ^ flip).to_le_bytes();
                    }
                });
            }
        };
    }
    match inside {
        0 => {}
        16.. => rows!(16, u128),
        8.. => rows!(8, u64),
        4.. => rows!(4, u32),
        _ => rows!(1, u8),
    }
}

/// Words of the bytes at `stride j + apart i`, for the words j and i in 0..4.
#[inline(always)]
pub(super) fn apart(bytes: &[u8], stride: usize, apart: usize, words: &mut [i32]) {
    for (j, word) in words.iter_mut().enumerate() {
        let byte = |i: usize| bytes[stride * j + i * apart];
        *word = i32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]);
    }
}

/// Words of four bytes, each two bytes behind the one before.
#[inline(always)]
pub(super) fn pairs(bytes: &[u8], words: &mut [i32]) {
    let count = words.len();
    if count >= 16 {
        pieces!(count, 16, at => pair::<16>(&bytes[2 * at..], &mut words[at..]));
    } else if count >= 4 {
        pieces!(count, 4, at => pair::<4>(&bytes[2 * at..], &mut words[at..]));
    } else {
        pieces!(count, 1, at => pair::<1>(&bytes[2 * at..], &mut words[at..]));
    }
}

#[inline(always)]
fn pair<const P: usize>(bytes: &[u8], to: &mut [i32]) {
    let Some(to) = to.first_chunk_mut::<P>() else { return };
    let low = bytes.as_chunks::<2>().0.first_chunk::<P>();
    let high = bytes[2..].as_chunks::<2>().0.first_chunk::<P>();
    if let (Some(low), Some(high)) = (low, high) {
        let mut words = [0; P];
        for k in 0..P {
            let (low, high) = (u16::from_le_bytes(low[k]), u16::from_le_bytes(high[k]));
            words[k] = i32::from(low) | i32::from(high) << 16;
        }
        *to = words;
    }
}

/// The even elements in the first half, the odd ones in the second.
#[inline(always)]
pub(super) fn split(from: &[u8], to: &mut [u8]) {
    const PIECE: usize = 32;
    let (even, odd) = to.split_at_mut(from.len() / 2);
    let (pairs, last) = from.as_chunks::<2>().0.as_chunks::<PIECE>();
    let ((evens, last_even), (odds, last_odd)) = (even.as_chunks_mut(), odd.as_chunks_mut());
    for ((pairs, even), odd) in pairs.iter().zip(evens).zip(odds) {
        let (mut low, mut high) = ([0; PIECE], [0; PIECE]);
        for at in 0..PIECE {
            let pair = u16::from_le_bytes(pairs[at]);
            (low[at], high[at]) = (pair as u8, (pair >> 8) as u8);
        }
        (*even, *odd) = (low, high);
    }
    for ((pair, even), odd) in last.iter().zip(last_even).zip(last_odd) {
        (*even, *odd) = (pair[0], pair[1]);
    }
}

/// Rows of `columns` elements side by side, which lie `pitch` apart in `from`: what `f` makes of them.
#[inline(always)]
pub(super) fn rows<X: Copy, Y: Copy + Default>(
    from: &[X],
    pitch: usize,
    columns: usize,
    to: &mut [Y],
    f: impl Fn(X) -> Y + Copy,
) {
    if pitch == columns {
        overlapping(&from[..to.len()], to, f);
        return;
    }
    for (row, to) in to.chunks_mut(columns.max(1)).enumerate() {
        overlapping(&from[row * pitch..][..to.len()], to, f);
    }
}
