//! Sums of products as chains of fused multiply-adds: a few rows of a result by a panel of columns at a time.

use fewbit::{Vectorized, vectorize};

use super::panels::Panel;

/// Steps of all rows before the next ones: so many rows of a panel stay in the cache.
const DEPTH: usize = 32;
/// Rows and steps that are computed together.
const TILE: usize = 4;

/// `out[i, j] = fma(a[i, k], b[k, j], out[i, j])` for each k, ascending, of a panel of columns.
pub(super) fn add_products(a: &[&[f32]], panel: Panel<'_>, out: &mut [&mut [f32]]) {
    vectorize(Chains { a, panel, out });
}

struct Chains<'a, 'o> {
    /// Rows of the left operand.
    a: &'a [&'a [f32]],
    panel: Panel<'a>,
    /// Rows of the result, of the panel's width.
    out: &'a mut [&'o mut [f32]],
}

impl Vectorized for Chains<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { a, panel, out } = self;
        let depth = a.first().map_or(0, |row| row.len());
        for start in (0..depth).step_by(DEPTH) {
            let steps = start..depth.min(start + DEPTH);
            let (fours, ones) = a.as_chunks::<TILE>();
            let (out, last) = out.as_chunks_mut::<TILE>();
            for ([a0, a1, a2, a3], [c0, c1, c2, c3]) in fours.iter().zip(out) {
                let mut k = steps.start;
                while k + TILE <= steps.end {
                    let (b0, b1) = (row(panel, k), row(panel, k + 1));
                    let (b2, b3) = (row(panel, k + 2), row(panel, k + 3));
                    let a = [four(a0, k), four(a1, k), four(a2, k), four(a3, k)];
                    four_by_four(c0, c1, c2, c3, b0, b1, b2, b3, a);
                    k += TILE;
                }
                for k in k..steps.end {
                    four_by_one(c0, c1, c2, c3, row(panel, k), [a0[k], a1[k], a2[k], a3[k]]);
                }
            }
            for (a, c) in ones.iter().zip(last) {
                let mut k = steps.start;
                while k + TILE <= steps.end {
                    let (b0, b1) = (row(panel, k), row(panel, k + 1));
                    let (b2, b3) = (row(panel, k + 2), row(panel, k + 3));
                    one_by_four(c, b0, b1, b2, b3, four(a, k));
                    k += TILE;
                }
                for k in k..steps.end {
                    one_by_one(c, row(panel, k), a[k]);
                }
            }
        }
    }
}

#[inline(always)]
fn row(panel: Panel<'_>, k: usize) -> &[f32] {
    &panel.data[k * panel.stride..][..panel.width]
}

#[inline(always)]
fn four(a: &[f32], k: usize) -> [f32; TILE] {
    [a[k], a[k + 1], a[k + 2], a[k + 3]]
}

/// Four steps of four rows: sixteen numbers of the left operand, four rows of the right one and four of the result are vectors
/// in registers. Slices of their own and not arrays of slices, which the compiler would not know to lie apart.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "slices that are known to lie apart")]
fn four_by_four(
    c0: &mut [f32],
    c1: &mut [f32],
    c2: &mut [f32],
    c3: &mut [f32],
    b0: &[f32],
    b1: &[f32],
    b2: &[f32],
    b3: &[f32],
    a: [[f32; TILE]; TILE],
) {
    let n = c0.len();
    let (c1, c2, c3) = (&mut c1[..n], &mut c2[..n], &mut c3[..n]);
    let (b0, b1, b2, b3) = (&b0[..n], &b1[..n], &b2[..n], &b3[..n]);
    for j in 0..n {
        let b = [b0[j], b1[j], b2[j], b3[j]];
        c0[j] = chain(a[0], b, c0[j]);
        c1[j] = chain(a[1], b, c1[j]);
        c2[j] = chain(a[2], b, c2[j]);
        c3[j] = chain(a[3], b, c3[j]);
    }
}

#[inline(always)]
fn four_by_one(
    c0: &mut [f32],
    c1: &mut [f32],
    c2: &mut [f32],
    c3: &mut [f32],
    b: &[f32],
    a: [f32; TILE],
) {
    let n = c0.len();
    let (c1, c2, c3, b) = (&mut c1[..n], &mut c2[..n], &mut c3[..n], &b[..n]);
    for j in 0..n {
        c0[j] = a[0].mul_add(b[j], c0[j]);
        c1[j] = a[1].mul_add(b[j], c1[j]);
        c2[j] = a[2].mul_add(b[j], c2[j]);
        c3[j] = a[3].mul_add(b[j], c3[j]);
    }
}

#[inline(always)]
fn one_by_four(c: &mut [f32], b0: &[f32], b1: &[f32], b2: &[f32], b3: &[f32], a: [f32; TILE]) {
    let n = c.len();
    let (b0, b1, b2, b3) = (&b0[..n], &b1[..n], &b2[..n], &b3[..n]);
    for j in 0..n {
        c[j] = chain(a, [b0[j], b1[j], b2[j], b3[j]], c[j]);
    }
}

#[inline(always)]
fn one_by_one(c: &mut [f32], b: &[f32], a: f32) {
    for (c, b) in c.iter_mut().zip(b) {
        *c = a.mul_add(*b, *c);
    }
}

#[inline(always)]
fn chain(a: [f32; TILE], b: [f32; TILE], sum: f32) -> f32 {
    let sum = a[0].mul_add(b[0], sum);
    let sum = a[1].mul_add(b[1], sum);
    let sum = a[2].mul_add(b[2], sum);
    a[3].mul_add(b[3], sum)
}
