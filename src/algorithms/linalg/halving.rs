//! Where a recursion by halves cuts.

use std::ops::Range;

/// Steps that are taken one by one; more are halved.
pub(crate) const BASE: usize = 32;

/// Where `n > BASE` steps are cut in two: at a multiple of [`BASE`].
pub(crate) fn halve(n: usize) -> usize {
    (n / 2).next_multiple_of(BASE)
}

/// The halves of all cuts of `n` steps, in ascending order of the cuts: these are the multiples of [`BASE`] between 0 and `n`, each
/// of them once.
pub(super) fn halves(n: usize) -> Vec<[Range<usize>; 2]> {
    let mut halves = Vec::new();
    cut(0..n, &mut halves);
    halves
}

/// The place among [`halves`] of those that are cut here.
pub(super) fn place(cut: usize) -> usize {
    cut / BASE - 1
}

fn cut(steps: Range<usize>, halves: &mut Vec<[Range<usize>; 2]>) {
    if steps.len() <= BASE {
        return;
    }
    let at = steps.start + halve(steps.len());
    cut(steps.start..at, halves);
    halves.push([steps.start..at, at..steps.end]);
    cut(at..steps.end, halves);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_multiple_is_a_cut_once() {
        for n in [0, 1, 32, 33, 64, 100, 1000, 2048] {
            let halves = halves(n);
            assert_eq!(halves.len(), n.div_ceil(BASE).saturating_sub(1), "{n}");
            for (at, [first, second]) in halves.iter().enumerate() {
                assert_eq!((first.end, place(first.end)), (second.start, at), "{n}");
                assert_eq!(first.len(), halve(second.end - first.start), "{n}");
            }
        }
    }
}
