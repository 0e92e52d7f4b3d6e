//! The fast transform: the operations of [`transform_reference`](super::transform_reference) in vectors, with the stages
//! taken three at a time while their numbers are in registers, and blocks that stay in cache.
//!
//! Every number goes through the same operations in the same order as in the reference; only operations on different
//! numbers change places. So the bits are the same for every instruction set.

use bytemuck::Pod;

use crate::algorithms::linalg::Scalar;
use crate::simd::{Detected, FloatLanes, IsaKernel, Simd, Vectorized};

/// Numbers that stay in the first-level cache while all stages within them are done.
const CACHE: usize = 4096;
/// Neighbours that are transformed within vectors.
const NEAR: usize = 16;
/// Stages within `NEAR`.
const NEAR_LOG2: u32 = NEAR.trailing_zeros();
/// Outputs of the base matrix that are summed together; divides every base order.
pub(super) const ROWS: usize = 4;

/// A transform of given shape. `columns` sequences may be interleaved: number i of sequence c at `i * columns + c`.
#[derive(Clone, Debug)]
pub(super) struct Plan<T> {
    pub(super) base: usize,
    pub(super) log2: u32,
    pub(super) columns: usize,
    /// The matrix that multiplies the base sequence from the left, four rows at a time, each four column by column; not read
    /// for base 1.
    pub(super) signs: Vec<[T; ROWS]>,
}

impl<T> Plan<T> {
    /// Numbers of one transform.
    pub(super) fn len(&self) -> usize {
        (self.base << self.log2) * self.columns
    }
}

/// Rows to transform: each is `before * x`, transformed block by block, `* after`.
#[derive(Debug)]
pub struct Rows<'a, T> {
    pub(super) plan: &'a Plan<T>,
    pub(super) data: &'a mut [T],
    /// Factors over a row.
    pub(super) before: Option<&'a [T]>,
    pub(super) after: Option<&'a [T]>,
    /// What they are transformed with.
    pub(super) isa: Detected,
}

/// The scalar types that are transformed in vectors, `f32` and `f64`.
pub trait Rotatable: Scalar {
    /// Transforms rows.
    #[doc(hidden)]
    fn transform(rows: Rows<'_, Self>);
}

/// A type and its vectors.
macro_rules! rotatable {
    ($number:ident) => {
        impl Rotatable for $number {
            fn transform(rows: Rows<'_, Self>) {
                struct Job<'a>(Rows<'a, $number>);
                impl IsaKernel for Job<'_> {
                    type Output = ();
                    fn run<S: Simd>(self, simd: S) {
                        simd.vectorize(Kernel { lanes: simd.$number(), rows: self.0 });
                    }
                }
                rows.isa.run_without_vnni(Job(rows));
            }
        }
    };
}

rotatable!(f32);
rotatable!(f64);

struct Kernel<'a, L, T> {
    lanes: L,
    rows: Rows<'a, T>,
}

impl<T: Scalar + Pod, L: FloatLanes<Element = T>> Vectorized for Kernel<'_, L, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Rows { plan, data, before, after, .. } = self.rows;
        // Without factors any multiple of a transform may be taken for a row.
        let several = plan.len() * (CACHE / plan.len().max(1)).max(1);
        let width = before.or(after).map_or(several, <[T]>::len);
        let mut mixed = vec![T::zero(); if plan.base > 1 { plan.base * L::N } else { 0 }];
        for row in data.chunks_mut(width.max(1)) {
            if let Some(before) = before {
                scale(row, before);
            }
            sylvester(self.lanes, row, plan.columns, plan.log2);
            if plan.base > 1 {
                for x in row.chunks_exact_mut(plan.len()) {
                    mix(self.lanes, x, plan, &mut mixed);
                }
            }
            if let Some(after) = after {
                scale(row, after);
            }
        }
    }
}

#[inline(always)]
fn scale<T: Scalar>(row: &mut [T], factors: &[T]) {
    for (x, factor) in row.iter_mut().zip(factors) {
        *x = *x * *factor;
    }
}

// Vector operations stay out of closures: only `#[inline(always)]` functions are sure to be compiled with the
// instructions of the call.

/// All stages of every run of x, the nearest neighbours first.
#[inline(always)]
fn sylvester<T: Scalar, L: FloatLanes<Element = T>>(
    lanes: L,
    x: &mut [T],
    columns: usize,
    log2: u32,
) {
    let nearest = if columns == 1 && log2 >= NEAR_LOG2 { NEAR_LOG2 } else { 0 };
    let (distance, left) = (columns << nearest, log2 - nearest);
    // Stages whose numbers fit the cache, part by part; then the rest. A part is many short runs or a piece of a long one.
    let inner = left.min((CACHE / distance).checked_ilog2().unwrap_or(0));
    let piece = distance << inner;
    for part in x.chunks_mut(piece * (CACHE / piece).max(1)) {
        if nearest > 0 {
            for chunk in part.as_chunks_mut::<NEAR>().0 {
                near(chunk);
            }
        }
        stages(lanes, part, distance, inner);
    }
    stages(lanes, x, piece, left - inner);
}

/// The four stages within a chunk.
#[inline(always)]
fn near<T: Scalar>(x: &mut [T; NEAR]) {
    near_stage::<T, 1>(x);
    near_stage::<T, 2>(x);
    near_stage::<T, 4>(x);
    near_stage::<T, 8>(x);
}

/// The partner at distance h is `i ^ h`.
#[inline(always)]
fn near_stage<T: Scalar, const H: usize>(x: &mut [T; NEAR]) {
    let old = *x;
    for i in 0..NEAR {
        x[i] = if i & H == 0 { old[i] + old[i ^ H] } else { old[i ^ H] - old[i] };
    }
}

/// `count` stages from `distance` on.
#[inline(always)]
fn stages<T: Scalar, L: FloatLanes<Element = T>>(
    lanes: L,
    x: &mut [T],
    distance: usize,
    count: u32,
) {
    if !distance.is_multiple_of(L::N) {
        // Distances are powers of two times the number of columns: all are below a vector, or none is.
        return (0..count).for_each(|bit| plain_stage(x, distance << bit));
    }
    let (mut distance, mut left) = (distance, count);
    while left > 0 {
        // Five or more in threes; four as two and two.
        let step = match left {
            1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        match step {
            1 => two(lanes, x, distance),
            2 => four(lanes, x, distance),
            _ => eight(lanes, x, distance),
        }
        distance <<= step;
        left -= step;
    }
}

#[inline(always)]
fn plain_stage<T: Scalar>(x: &mut [T], distance: usize) {
    for block in x.chunks_exact_mut(2 * distance) {
        let (low, high) = block.split_at_mut(distance);
        for (a, b) in low.iter_mut().zip(high) {
            (*a, *b) = (*a + *b, *a - *b);
        }
    }
}

#[inline(always)]
fn pair<L: FloatLanes>(lanes: L, [a, b]: [L::V; 2]) -> [L::V; 2] {
    [lanes.add(a, b), lanes.sub(a, b)]
}

/// Two stages, the nearer neighbours first.
#[inline(always)]
fn quad<L: FloatLanes>(lanes: L, [a, b, c, d]: [L::V; 4]) -> [L::V; 4] {
    let ([a, b], [c, d]) = (pair(lanes, [a, b]), pair(lanes, [c, d]));
    let ([a, c], [b, d]) = (pair(lanes, [a, c]), pair(lanes, [b, d]));
    [a, b, c, d]
}

/// One stage.
#[inline(always)]
fn two<T: Scalar, L: FloatLanes<Element = T>>(lanes: L, x: &mut [T], distance: usize) {
    for block in x.chunks_exact_mut(2 * distance) {
        let (low, high) = block.split_at_mut(distance);
        for (a, b) in low.chunks_exact_mut(L::N).zip(high.chunks_exact_mut(L::N)) {
            let [va, vb] = pair(lanes, [lanes.load(a), lanes.load(b)]);
            lanes.store(va, a);
            lanes.store(vb, b);
        }
    }
}

/// Two stages.
#[inline(always)]
fn four<T: Scalar, L: FloatLanes<Element = T>>(lanes: L, x: &mut [T], distance: usize) {
    for block in x.chunks_exact_mut(4 * distance) {
        let (low, high) = block.split_at_mut(2 * distance);
        let ((a, b), (c, d)) = (low.split_at_mut(distance), high.split_at_mut(distance));
        let low = a.chunks_exact_mut(L::N).zip(b.chunks_exact_mut(L::N));
        let high = c.chunks_exact_mut(L::N).zip(d.chunks_exact_mut(L::N));
        for ((a, b), (c, d)) in low.zip(high) {
            let old = [lanes.load(a), lanes.load(b), lanes.load(c), lanes.load(d)];
            let [va, vb, vc, vd] = quad(lanes, old);
            lanes.store(va, a);
            lanes.store(vb, b);
            lanes.store(vc, c);
            lanes.store(vd, d);
        }
    }
}

/// Three stages.
#[inline(always)]
fn eight<T: Scalar, L: FloatLanes<Element = T>>(lanes: L, x: &mut [T], distance: usize) {
    for block in x.chunks_exact_mut(8 * distance) {
        let (low, high) = block.split_at_mut(4 * distance);
        let pairs = |half| -> [_; 2] {
            let (near, far): (&mut [T], &mut [T]) = <[T]>::split_at_mut(half, 2 * distance);
            [near, far].map(|part| {
                let (a, b) = part.split_at_mut(distance);
                a.chunks_exact_mut(L::N).zip(b.chunks_exact_mut(L::N))
            })
        };
        let ([ab, cd], [ef, gh]) = (pairs(low), pairs(high));
        for (((a, b), (c, d)), ((e, f), (g, h))) in ab.zip(cd).zip(ef.zip(gh)) {
            let low = [lanes.load(a), lanes.load(b), lanes.load(c), lanes.load(d)];
            let high = [lanes.load(e), lanes.load(f), lanes.load(g), lanes.load(h)];
            let ([va, vb, vc, vd], [ve, vf, vg, vh]) = (quad(lanes, low), quad(lanes, high));
            let ([va, ve], [vb, vf]) = (pair(lanes, [va, ve]), pair(lanes, [vb, vf]));
            let ([vc, vg], [vd, vh]) = (pair(lanes, [vc, vg]), pair(lanes, [vd, vh]));
            lanes.store(va, a);
            lanes.store(vb, b);
            lanes.store(vc, c);
            lanes.store(vd, d);
            lanes.store(ve, e);
            lanes.store(vf, f);
            lanes.store(vg, g);
            lanes.store(vh, h);
        }
    }
}

/// Numbers with the signs of four rows; a product with ±1 is exact.
#[inline(always)]
fn signed<T: Scalar, L: FloatLanes<Element = T>>(
    lanes: L,
    x: &[T],
    signs: &[T; ROWS],
) -> [L::V; ROWS] {
    let (x, &[a, b, c, d]) = (lanes.load(x), signs);
    [
        lanes.mul(x, lanes.splat(a)),
        lanes.mul(x, lanes.splat(b)),
        lanes.mul(x, lanes.splat(c)),
        lanes.mul(x, lanes.splat(d)),
    ]
}

/// The base matrix across the runs.
#[inline(always)]
fn mix<T: Scalar, L: FloatLanes<Element = T>>(
    lanes: L,
    x: &mut [T],
    plan: &Plan<T>,
    mixed: &mut [T],
) {
    let (v, run) = (plan.base, plan.columns << plan.log2);
    let whole = run / L::N * L::N;
    for at in (0..whole).step_by(L::N) {
        let rows = plan.signs.chunks_exact(v).zip(mixed.chunks_exact_mut(ROWS * L::N));
        for (signs, to) in rows {
            let [mut a, mut b, mut c, mut d] = signed(lanes, &x[at..], &signs[0]);
            for (j, signs) in signs.iter().enumerate().skip(1) {
                let [sa, sb, sc, sd] = signed(lanes, &x[j * run + at..], signs);
                a = lanes.add(a, sa);
                b = lanes.add(b, sb);
                c = lanes.add(c, sc);
                d = lanes.add(d, sd);
            }
            lanes.store(a, to);
            lanes.store(b, &mut to[L::N..]);
            lanes.store(c, &mut to[2 * L::N..]);
            lanes.store(d, &mut to[3 * L::N..]);
        }
        for (i, from) in mixed.chunks_exact(L::N).enumerate() {
            x[i * run + at..][..L::N].copy_from_slice(from);
        }
    }
    for at in whole..run {
        for (signs, to) in plan.signs.chunks_exact(v).zip(mixed.as_chunks_mut::<ROWS>().0) {
            *to = signs[0].map(|sign| x[at] * sign);
            for (j, signs) in signs.iter().enumerate().skip(1) {
                let number = x[j * run + at];
                for (to, sign) in to.iter_mut().zip(signs) {
                    *to = *to + number * *sign;
                }
            }
        }
        for (i, from) in mixed.iter().take(v).enumerate() {
            x[i * run + at] = *from;
        }
    }
}
