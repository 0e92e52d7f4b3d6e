//! Memory that is written soon: cleared by all threads, in large pages, and what was used before where that is at hand.
//!
//! A product lays its operands out anew, in buffers of some MiB each. Given back to the system and taken again, they cost a page
//! fault for every 4 KiB: a sixth of the time of some products. So a few of them are [kept](keep) for the next product.

use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ndarray::Array2;
use num_traits::Zero;
use rayon::prelude::*;

use crate::simd::advise_large_pages;

/// Bytes that a thread writes at least. What is smaller is written before another thread comes.
const PART: usize = 1 << 18;
/// Of so many bytes, glibc asks the system each time, whose pages are zeros when they are first written to. Smaller
/// pieces may have been used before, and are cleared.
const MAPPED: usize = 32 << 20;
/// Buffers of fewer bytes are the allocator's.
const LEAST: usize = 1 << 20;
/// Bytes that are kept at most.
const MOST: usize = 64 << 20;

/// The buffers that products give and take.
static POOL: Pool = Pool::new();

/// Buffers that nobody uses, the oldest first.
struct Pool(Mutex<Vec<Kept>>);

/// A `Vec` of some type, empty.
struct Kept {
    bytes: usize,
    buffer: Box<dyn Any + Send>,
}

impl Pool {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What is kept; nobody panics while it is locked.
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`keep`].
    fn keep<T: Send + 'static>(&self, mut buffer: Vec<T>) {
        buffer.clear();
        let bytes = buffer.capacity() * size_of::<T>();
        if !(LEAST..=MOST / 2).contains(&bytes) {
            return;
        }
        let mut kept = self.kept();
        kept.push(Kept { bytes, buffer: Box::new(buffer) });
        let mut all: usize = kept.iter().map(|kept| kept.bytes).sum();
        let gone = kept.iter().take_while(|kept| {
            let too_many = all > MOST;
            all -= kept.bytes;
            too_many
        });
        let gone = gone.count();
        let gone: Vec<Kept> = kept.drain(..gone).collect();
        // Memory is given back while others may take.
        drop(kept);
        drop(gone);
    }

    /// The smallest buffer with room for `count` elements, unless it is more than twice as large.
    fn take<T: 'static>(&self, count: usize) -> Option<Vec<T>> {
        let fits = |kept: &Kept| {
            let room = kept.buffer.downcast_ref::<Vec<T>>()?.capacity();
            (count..=2 * count).contains(&room).then_some(room)
        };
        let mut kept = self.kept();
        let rooms = kept.iter().enumerate();
        let (_, at) = rooms.filter_map(|(at, kept)| Some((fits(kept)?, at))).min()?;
        let buffer = kept.remove(at).buffer;
        drop(kept);
        buffer.downcast().ok().map(|buffer| *buffer)
    }
}

/// Keeps the memory of a buffer for the next one, if it is large; what was kept for longest goes.
pub(crate) fn keep<T: Send + 'static>(buffer: Vec<T>) {
    POOL.keep(buffer);
}

/// An empty buffer with room for `count` elements.
fn room<T: 'static>(count: usize) -> Vec<T> {
    POOL.take(count).unwrap_or_else(|| {
        let mut all = Vec::with_capacity(count);
        advise_large_pages(all.spare_capacity_mut());
        all
    })
}

/// `count` times `value`.
pub(crate) fn filled<T: Copy + Send + Sync + 'static>(value: T, count: usize) -> Vec<T> {
    let mut all = room(count);
    let part = PART / size_of::<T>().max(1);
    if count < 2 * part || rayon::current_num_threads() == 1 {
        all.resize(count, value);
    } else {
        rayon::iter::repeat_n(value, count).with_min_len(part).collect_into_vec(&mut all);
    }
    all
}

/// Elements whose memory is [kept](keep) for the next ones.
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    all: Vec<T>,
    keep: fn(Vec<T>),
}

impl<T: Copy + Send + Sync + 'static> Buffer<T> {
    /// `count` times `value`.
    pub(crate) fn filled(value: T, count: usize) -> Self {
        Self { all: filled(value, count), keep: keep::<T> }
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        (self.keep)(std::mem::take(&mut self.all));
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.all
    }
}

/// So many zeros.
pub(crate) fn zeros<T: Copy + Zero + Send + Sync + 'static>(count: usize) -> Vec<T> {
    if (2 * PART..MAPPED).contains(&(count * size_of::<T>())) {
        return filled(T::zero(), count);
    }
    let mut zeros = vec![T::zero(); count];
    advise_large_pages(&mut zeros);
    zeros
}

/// A matrix of zeros.
pub(crate) fn zero_matrix<T: Copy + Zero + Send + Sync + 'static>(
    dim: (usize, usize),
) -> Array2<T> {
    Array2::from_shape_vec(dim, zeros(dim.0 * dim.1)).unwrap_or_else(|_| Array2::zeros(dim))
}

/// [Keeps](keep) the memory of a matrix.
pub(crate) fn keep_matrix<T: Send + 'static>(matrix: Array2<T>) {
    keep(matrix.into_raw_vec_and_offset().0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_written() {
        for count in [0, 1, 1000, PART / 4, PART, LEAST, (MAPPED >> 2) + 7] {
            assert_eq!(filled(7u32, count), vec![7; count]);
            // Used before, and given back or kept.
            drop(filled(u32::MAX, count));
            assert_eq!(zeros::<u32>(count), vec![0; count]);
            drop(Buffer::filled(u32::MAX, count));
            assert_eq!(zeros::<u32>(count), vec![0; count]);
        }
        assert_eq!(zero_matrix::<i64>((300, 700)), Array2::<i64>::zeros((300, 700)));
        assert_eq!(zero_matrix::<f64>((0, 5)).dim(), (0, 5));
    }

    #[test]
    fn what_is_kept_is_found_again_by_its_type_and_size() {
        let pool = Pool::new();
        let count = LEAST / size_of::<u64>();
        let buffer = Vec::<u64>::with_capacity(2 * count);
        let place = buffer.as_ptr();
        pool.keep(buffer);
        // Too small a part of it, too much, and another type.
        assert!(pool.take::<u64>(count - 1).is_none());
        assert!(pool.take::<u64>(2 * count + 1).is_none());
        assert!(pool.take::<i64>(count).is_none());
        let again = pool.take::<u64>(count).expect("half of it");
        assert!(again.as_ptr() == place && again.is_empty());
        assert!(pool.take::<u64>(count).is_none(), "taken twice");
    }

    #[test]
    fn the_smallest_is_taken() {
        let pool = Pool::new();
        for room in [5, 3, 4] {
            pool.keep(Vec::<u8>::with_capacity(room * LEAST));
        }
        let taken = [3, 3, 3].map(|room| pool.take::<u8>(room * LEAST).map(|all| all.capacity()));
        assert_eq!(taken, [3, 4, 5].map(|room| Some(room * LEAST)));
    }

    #[test]
    fn no_more_is_kept_than_is_said() {
        let pool = Pool::new();
        let held = || pool.kept().iter().map(|kept| kept.bytes).sum::<usize>();
        // Small ones are the allocator's, the largest the system's.
        pool.keep(Vec::<u64>::with_capacity(LEAST / 8 - 1));
        pool.keep(Vec::<u8>::with_capacity(MOST / 2 + 1));
        assert_eq!(held(), 0);
        pool.keep(Vec::<u8>::with_capacity(LEAST));
        for _ in 0..7 {
            pool.keep(Vec::<u64>::with_capacity(MOST / 64));
        }
        assert_eq!(held(), LEAST + 7 * (MOST / 8));
        pool.keep(Vec::<u64>::with_capacity(MOST / 64));
        assert_eq!(held(), MOST);
        assert!(pool.take::<u8>(LEAST).is_none(), "the oldest goes first");
    }
}
