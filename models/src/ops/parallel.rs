//! Loops over elements on all threads, and in the vectors of the running CPU. Where they are cut depends on their number alone,
//! never on the threads'. What goes to another thread is a function behind a reference: it is called once for a piece, and what
//! divides the work is compiled once for each type of elements.

use fewbit::{Vectorized, vectorize};
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
    pieces(&mut out, a, &|out, a| {
        for (out, &x) in out.iter_mut().zip(a) {
            *out = f(x);
        }
    });
    out
}

/// Pieces of a slice, and of one that goes along.
fn pieces<R: Send, A: Sync>(out: &mut [R], a: &[A], f: &(dyn Fn(&mut [R], &[A]) + Sync)) {
    out.par_chunks_mut(PIECE).zip(a.par_chunks(PIECE)).for_each(|(out, a)| f(out, a));
}

/// A loop over the elements of a slice and of one that goes along.
struct Along<'a, F> {
    out: &'a mut [f32],
    x: &'a [f32],
    f: F,
}

impl<F: Fn(f32, f32) -> f32> Vectorized for Along<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { out, x, f } = self;
        for (out, &x) in out.iter_mut().zip(x) {
            *out = f(*out, x);
        }
    }
}

/// A loop over the elements of a slice.
struct Alone<'a, F> {
    out: &'a mut [f32],
    f: F,
}

impl<F: Fn(f32) -> f32> Vectorized for Alone<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { out, f } = self;
        for out in out {
            *out = f(*out);
        }
    }
}

/// `out = f(x)`, element by element, on one thread, in vectors. Functions are `#[inline(always)]`, or closures that own what
/// they need: what they borrowed might be what is written, as far as the compiler knows, and there would be no vectors.
pub(crate) fn fill(out: &mut [f32], x: &[f32], f: impl Fn(f32) -> f32 + Copy) {
    vectorize(Along { out, x, f: move |_, x| f(x) });
}

/// `out = f(out)`, likewise.
pub(crate) fn change(out: &mut [f32], f: impl Fn(f32) -> f32 + Copy) {
    vectorize(Alone { out, f });
}

/// `out = f(out, x)`, likewise.
pub(crate) fn change_with(out: &mut [f32], x: &[f32], f: impl Fn(f32, f32) -> f32 + Copy) {
    vectorize(Along { out, x, f });
}

/// A function of each number, on all threads and in vectors.
pub(crate) fn map_floats(a: &[f32], f: impl Fn(f32) -> f32 + Copy + Sync) -> Vec<f32> {
    let mut out = vec![0.0; a.len()];
    pieces(&mut out, a, &|out, a| fill(out, a, f));
    out
}

/// Replaces each number, on all threads and in vectors.
pub(crate) fn change_all(out: &mut [f32], f: impl Fn(f32) -> f32 + Copy + Sync) {
    rows(out, PIECE, PIECE, |_, out| change(out, f));
}

/// Replaces each number by a function of it and another one.
pub(crate) fn change_all_with(
    out: &mut [f32],
    x: &[f32],
    f: impl Fn(f32, f32) -> f32 + Copy + Sync,
) {
    pieces(out, x, &|out, x| change_with(out, x, f));
}

/// Changes rows, each on its own.
pub(crate) fn rows_of(out: &mut [f32], row: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    rows(out, row, row, f);
}

/// Fills rows of a result, each on its own; `work` is what a row costs, in elements.
pub(crate) fn rows<R: Send>(
    out: &mut [R],
    row: usize,
    work: usize,
    f: impl Fn(usize, &mut [R]) + Sync,
) {
    some_rows(out, row, work, &|first, rows| {
        for (at, row) in rows.chunks_mut(row).enumerate() {
            f(first + at, row);
        }
    });
}

/// Some rows at a time, from the one of that index on.
fn some_rows<R: Send>(
    out: &mut [R],
    row: usize,
    work: usize,
    f: &(dyn Fn(usize, &mut [R]) + Sync),
) {
    if row == 0 || out.is_empty() {
        return;
    }
    let count = out.len() / row;
    let together = (PIECE / work.max(1)).clamp(1, count.max(1));
    if count <= together {
        f(0, out);
        return;
    }
    let pieces = out.par_chunks_mut(row * together).enumerate();
    pieces.for_each(|(piece, rows)| f(piece * together, rows));
}
