//! The fast transform: the operations of [`transform_reference`](super::transform_reference) in vectors, with the stages
//! taken three at a time while their numbers are in registers, and blocks that stay in cache.
//!
//! Every number goes through the same operations in the same order as in the reference; only operations on different
//! numbers change places. So the bits are the same for every instruction set.

use bytemuck::Pod;

use crate::algorithms::linalg::Real;
use crate::simd::real::RealLanes;
use crate::simd::{Call, Isa, Lanes, Simd, Task, run};

/// Numbers that stay in the first-level cache while all stages within them are done.
const CACHE: usize = 4096;
/// Neighbours that are transformed within vectors.
const NEAR: usize = 16;
/// Stages within `NEAR`.
const NEAR_LOG2: u32 = NEAR.trailing_zeros();
/// Outputs of the base matrix that are summed together; divides every base order.
const ROWS: usize = 4;

/// A transform of given shape. `columns` sequences may be interleaved: number i of sequence c at `i * columns + c`.
#[derive(Clone, Debug)]
pub(super) struct Plan<T> {
    pub(super) base: usize,
    pub(super) log2: u32,
    pub(super) columns: usize,
    /// The matrix that multiplies the base sequence from the left, row by row; not read for base 1.
    pub(super) signs: Vec<T>,
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
}

/// The scalar types that are transformed in vectors, `f32` and `f64`.
pub trait Rotatable: Real {
    /// Transforms rows with the instructions of a set that this CPU has.
    #[doc(hidden)]
    fn transform(rows: Rows<'_, Self>, isa: Isa);
}

/// A type and its vectors.
macro_rules! rotatable {
    ($number:ident, $lanes:ident) => {
        impl Rotatable for $number {
            fn transform(rows: Rows<'_, Self>, isa: Isa) {
                struct Job<'a>(Rows<'a, $number>);
                impl Task for Job<'_> {
                    type Output = ();
                    fn run<S: Simd>(self, simd: S) {
                        simd.lanes32().vectorize(Kernel { lanes: simd.$lanes(), rows: self.0 });
                    }
                }
                // Callers pass a set that was detected.
                let done = run(isa, Job(rows));
                debug_assert!(done.is_ok());
            }
        }
    };
}

rotatable!(f32, single);
rotatable!(f64, double);

struct Kernel<'a, L, T> {
    lanes: L,
    rows: Rows<'a, T>,
}

impl<T: Real + Pod, L: RealLanes<Number = T>> Call for Kernel<'_, L, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Rows { plan, data, before, after } = self.rows;
        let width = before.or(after).map_or(plan.len(), <[T]>::len);
        let mut mixed = vec![T::zero(); if plan.base > 1 { plan.base * L::N } else { 0 }];
        for row in data.chunks_exact_mut(width.max(1)) {
            if let Some(before) = before {
                row.iter_mut().zip(before).for_each(|(x, f)| *x = *x * *f);
            }
            for x in row.chunks_exact_mut(plan.len()) {
                for chunk in x.chunks_exact_mut(plan.columns << plan.log2) {
                    sylvester(self.lanes, chunk, plan.columns, plan.log2);
                }
                if plan.base > 1 {
                    mix(self.lanes, x, plan, &mut mixed);
                }
            }
            if let Some(after) = after {
                row.iter_mut().zip(after).for_each(|(x, f)| *x = *x * *f);
            }
        }
    }
}

/// All stages of one run, the nearest neighbours first.
#[inline(always)]
fn sylvester<T: Real, L: RealLanes<Number = T>>(lanes: L, x: &mut [T], columns: usize, log2: u32) {
    let (mut distance, mut left) = (columns, log2);
    if distance == 1 && left >= NEAR_LOG2 {
        for chunk in x.as_chunks_mut::<NEAR>().0 {
            near(chunk);
        }
        distance = NEAR;
        left -= NEAR_LOG2;
    }
    // Stages whose numbers fit the cache, block by block; then the rest.
    let inner = left.min((CACHE / distance).checked_ilog2().unwrap_or(0));
    for block in x.chunks_exact_mut(distance << inner) {
        stages(lanes, block, distance, inner);
    }
    stages(lanes, x, distance << inner, left - inner);
}

/// The four stages within a chunk. The partner at distance h is `i ^ h`: the lower one becomes the sum, the upper one the
/// partner less itself.
#[inline(always)]
fn near<T: Real>(x: &mut [T; NEAR]) {
    for h in [1, 2, 4, 8] {
        let old = *x;
        for i in 0..NEAR {
            let own = if i & h == 0 { old[i] } else { -old[i] };
            x[i] = old[i ^ h] + own;
        }
    }
}

#[inline(always)]
fn stages<T: Real, L: RealLanes<Number = T>>(lanes: L, x: &mut [T], distance: usize, count: u32) {
    let (mut distance, mut left) = (distance, count);
    while left > 0 {
        // Five or more in threes; four as two and two.
        let step = match left {
            1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        match step {
            1 => stage::<T, L, 2>(lanes, x, distance),
            2 => stage::<T, L, 4>(lanes, x, distance),
            _ => stage::<T, L, 8>(lanes, x, distance),
        }
        distance <<= step;
        left -= step;
    }
}

/// `log2 R` stages from `distance` on, over R numbers at a time.
#[inline(always)]
fn stage<T: Real, L: RealLanes<Number = T>, const R: usize>(
    lanes: L,
    x: &mut [T],
    distance: usize,
) {
    for block in x.chunks_exact_mut(R * distance) {
        let whole = distance / L::N * L::N;
        for at in (0..whole).step_by(L::N) {
            let mut v = [lanes.splat(T::zero()); R];
            for (i, v) in v.iter_mut().enumerate() {
                *v = lanes.load(&block[i * distance + at..]);
            }
            let mut h = 1;
            while h < R {
                for i in 0..R {
                    if i & h == 0 {
                        let (a, b) = (v[i], v[i + h]);
                        (v[i], v[i + h]) = (lanes.add(a, b), lanes.sub(a, b));
                    }
                }
                h *= 2;
            }
            for (i, v) in v.into_iter().enumerate() {
                lanes.store(v, &mut block[i * distance + at..]);
            }
        }
        for at in whole..distance {
            let mut h = 1;
            while h < R {
                for i in (0..R).filter(|i| i & h == 0) {
                    let (low, high) = (i * distance + at, (i + h) * distance + at);
                    (block[low], block[high]) =
                        (block[low] + block[high], block[low] - block[high]);
                }
                h *= 2;
            }
        }
    }
}

/// The base matrix across the runs.
#[inline(always)]
fn mix<T: Real, L: RealLanes<Number = T>>(lanes: L, x: &mut [T], plan: &Plan<T>, mixed: &mut [T]) {
    let (v, run) = (plan.base, plan.columns << plan.log2);
    let whole = run / L::N * L::N;
    for at in (0..whole).step_by(L::N) {
        let rows = plan.signs.chunks_exact(ROWS * v).zip(mixed.chunks_exact_mut(ROWS * L::N));
        for (signs, to) in rows {
            let first = lanes.load(&x[at..]);
            let mut sums = [first; ROWS];
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum = lanes.mul(first, lanes.splat(signs[r * v]));
            }
            for j in 1..v {
                let number = lanes.load(&x[j * run + at..]);
                for (r, sum) in sums.iter_mut().enumerate() {
                    // A product with ±1 is exact.
                    *sum = lanes.add(*sum, lanes.mul(number, lanes.splat(signs[r * v + j])));
                }
            }
            for (sum, to) in sums.into_iter().zip(to.chunks_exact_mut(L::N)) {
                lanes.store(sum, to);
            }
        }
        for (i, from) in mixed.chunks_exact(L::N).enumerate() {
            x[i * run + at..][..L::N].copy_from_slice(from);
        }
    }
    for at in whole..run {
        for (signs, to) in plan.signs.chunks_exact(v).zip(mixed.iter_mut()) {
            let mut sum = x[at] * signs[0];
            for (j, sign) in signs.iter().enumerate().skip(1) {
                sum = sum + x[j * run + at] * *sign;
            }
            *to = sum;
        }
        for (i, from) in mixed.iter().take(v).enumerate() {
            x[i * run + at] = *from;
        }
    }
}
