//! Memory that is written soon: in large pages, cleared by all threads.

use ndarray::Array2;
use num_traits::Zero;
use rayon::prelude::*;

use crate::simd::advise_large_pages;

/// Bytes that a thread writes at least. What is smaller is written before another thread comes.
const PART: usize = 1 << 18;
/// Of so many bytes, glibc asks the system each time, whose pages are zeros when they are first written to. Smaller
/// pieces may have been used before, and are cleared.
const MAPPED: usize = 32 << 20;

/// `count` times `value`.
pub(crate) fn filled<T: Copy + Send + Sync>(value: T, count: usize) -> Vec<T> {
    let mut all = Vec::with_capacity(count);
    advise_large_pages(all.spare_capacity_mut());
    let part = PART / size_of::<T>().max(1);
    if count < 2 * part || rayon::current_num_threads() == 1 {
        all.resize(count, value);
    } else {
        rayon::iter::repeat_n(value, count).with_min_len(part).collect_into_vec(&mut all);
    }
    all
}

/// So many zeros.
pub(crate) fn zeros<T: Copy + Zero + Send + Sync>(count: usize) -> Vec<T> {
    if (2 * PART..MAPPED).contains(&(count * size_of::<T>())) {
        return filled(T::zero(), count);
    }
    let mut zeros = vec![T::zero(); count];
    advise_large_pages(&mut zeros);
    zeros
}

/// A matrix of zeros.
pub(crate) fn zero_matrix<T: Copy + Zero + Send + Sync>(dim: (usize, usize)) -> Array2<T> {
    Array2::from_shape_vec(dim, zeros(dim.0 * dim.1)).unwrap_or_else(|_| Array2::zeros(dim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_written() {
        for count in [0, 1, 1000, PART / 4, PART, (MAPPED >> 2) + 7] {
            assert_eq!(filled(7u32, count), vec![7; count]);
            // Used before, and given back.
            drop(filled(u32::MAX, count));
            assert_eq!(zeros::<u32>(count), vec![0; count]);
        }
        assert_eq!(zero_matrix::<i64>((300, 700)), Array2::<i64>::zeros((300, 700)));
        assert_eq!(zero_matrix::<f64>((0, 5)).dim(), (0, 5));
    }
}
