//! Medians of groups, again and again: the next one is mostly near the last one.

use crate::reference::torch;

/// Half the width, in units of the last place, of what is looked at around the last median: about a thousandth of it.
const NEAR: i32 = 1 << 13;

/// The bits of a number as an integer that has the order of [`f32::total_cmp`].
#[inline(always)]
fn key(x: f32) -> i32 {
    let bits = x.to_bits() as i32;
    bits ^ ((bits >> 31) as u32 >> 1) as i32
}

/// [`torch::nan_median`], which `last` is near or is not.
pub(super) fn near(last: f32, x: &[f32], kept: &mut Vec<f32>) -> f32 {
    let (low, high) = (key(last).saturating_sub(NEAR), key(last).saturating_add(NEAR));
    let (mut count, mut below, mut within) = (0u32, 0u32, 0u32);
    for x in x {
        let (number, key) = (!x.is_nan(), key(*x));
        count += u32::from(number);
        below += u32::from(number & (key < low));
        within += u32::from(number & (low <= key) & (key <= high));
    }
    if count == 0 {
        return f32::NAN;
    }
    let middle = (count - 1) / 2;
    if middle < below {
        nth(x, kept, middle, |key| key < low)
    } else if middle < below + within {
        nth(x, kept, middle - below, |key| low <= key && key <= high)
    } else {
        nth(x, kept, middle - below - within, |key| key > high)
    }
}

/// The number of this rank, counted from 0, among those whose keys are `kept`.
#[inline(always)]
fn nth(x: &[f32], memory: &mut Vec<f32>, rank: u32, kept: impl Fn(i32) -> bool) -> f32 {
    memory.resize(x.len(), 0.0);
    let mut count = 0;
    // Each is written, and the next one over it unless it is kept: nothing to be predicted.
    for x in x {
        memory[count] = *x;
        count += usize::from(!x.is_nan() & kept(key(*x)));
    }
    let (rank, kept) = (rank as usize, &mut memory[..count]);
    if rank >= kept.len() {
        // Never so: the rank is less than what was counted.
        return torch::nan_median(x.to_vec());
    }
    *kept.select_nth_unstable_by_key(rank, |x| key(*x)).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wherever_one_looks_first_the_median_is_the_same() {
        let mut bits = 1u32;
        let mut next = || {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bits >> 8
        };
        let mut kept = Vec::new();
        for round in 0..2000usize {
            let x: Vec<f32> = (0..round % 70)
                .map(|_| match next() % 9 {
                    0 => f32::NAN,
                    1 => [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY][next() as usize % 4],
                    2 => -0.1,
                    _ => 0.1 + (next() % 1000) as f32 * 1e-6,
                })
                .collect();
            let expected = torch::nan_median(x.clone());
            for last in [0.1, 0.1005, -0.1, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let found = near(last, &x, &mut kept);
                let same = found.to_bits() == expected.to_bits();
                assert!(same || found.is_nan() && expected.is_nan(), "{last} {x:?}: {found}");
            }
        }
    }
}
