//! Loops over elements on all threads. Where they are cut depends on their number alone, never on the threads'.

use rayon::prelude::*;

/// So many elements that a thread is worth waking.
const PIECE: usize = 1 << 15;

/// A function of each element.
pub(crate) fn map<A: Copy + Sync, R: Copy + Default + Send>(
    a: &[A],
    f: impl Fn(A) -> R + Sync,
) -> Vec<R> {
    if a.len() <= PIECE {
        return a.iter().map(|&x| f(x)).collect();
    }
    let mut out = vec![R::default(); a.len()];
    out.par_chunks_mut(PIECE).zip(a.par_chunks(PIECE)).for_each(|(out, a)| {
        for (out, &x) in out.iter_mut().zip(a) {
            *out = f(x);
        }
    });
    out
}

/// Fills rows of a result, each on its own; `work` is what a row costs, in elements.
pub(crate) fn rows<R: Send>(
    out: &mut [R],
    row: usize,
    work: usize,
    f: impl Fn(usize, &mut [R]) + Sync,
) {
    if row == 0 || out.is_empty() {
        return;
    }
    let count = out.len() / row;
    let together = (PIECE / work.max(1)).clamp(1, count.max(1));
    if count <= together {
        out.chunks_mut(row).enumerate().for_each(|(at, row)| f(at, row));
        return;
    }
    out.par_chunks_mut(row * together).enumerate().for_each(|(piece, rows)| {
        for (at, row) in rows.chunks_mut(row).enumerate() {
            f(piece * together + at, row);
        }
    });
}
