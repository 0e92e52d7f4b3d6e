//! Many items at once, on rayon's current pool, in loops that are compiled once.
//!
//! rayon's parallel iterators are generic: every loop over them compiles the splitting and the stealing of work anew, for
//! its own closure and its own items. Here that is compiled once, for tasks that are nothing but numbers. A loop adds a
//! list of its items, which it takes from a sequential iterator. An item is a task, which any thread may take: many small
//! ones are for the caller to put together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

/// Runs `work` on every item.
pub(crate) fn for_each<I: IntoIterator<Item: Send>>(items: I, work: impl Fn(I::Item) + Sync) {
    let items: Vec<_> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    run(items.len(), &|index| {
        let item = lock(&items[index]).take();
        if let Some(item) = item {
            work(item);
        }
    });
}

/// What `work` gives for every item, in the order of the items.
pub(crate) fn map<I: IntoIterator<Item: Send>, R: Send>(
    items: I,
    work: impl Fn(I::Item) -> R + Sync,
) -> Vec<R> {
    let slots: Vec<_> = items.into_iter().map(|item| Mutex::new((Some(item), None::<R>))).collect();
    run(slots.len(), &|index| {
        let item = lock(&slots[index]).0.take();
        if let Some(item) = item {
            let result = work(item);
            lock(&slots[index]).1 = Some(result);
        }
    });
    // No task is left out: all have a result.
    let result = |slot: Mutex<(_, _)>| slot.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    slots.into_iter().filter_map(result).collect()
}

/// Runs `work` on every item, but for some behind one that fails.
///
/// # Errors
/// Of several errors, that of the first item.
pub(crate) fn try_for_each<I: IntoIterator<Item: Send>, E: Send>(
    items: I,
    work: impl Fn(I::Item) -> Result<(), E> + Sync,
) -> Result<(), E> {
    try_map(items, work).map(|_| ())
}

/// As [`map`], for work that can fail; some items behind one that fails are left out.
///
/// # Errors
/// Of several errors, that of the first item.
pub(crate) fn try_map<I: IntoIterator<Item: Send>, R: Send, E: Send>(
    items: I,
    work: impl Fn(I::Item) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let failed = AtomicUsize::new(usize::MAX);
    let results = map(items.into_iter().enumerate(), |(index, item)| {
        // What lies before an error has to be known: its own error would come first.
        if index > failed.load(Ordering::Relaxed) {
            return None;
        }
        let result = work(item);
        if result.is_err() {
            failed.fetch_min(index, Ordering::Relaxed);
        }
        Some(result)
    });
    results.into_iter().flatten().collect()
}

/// Runs the tasks `0..count`.
fn run(count: usize, task: &(dyn Fn(usize) + Sync)) {
    match count {
        0 | 1 => (0..count).for_each(task),
        // Every thread has a run of neighbours, which often lie next to each other in memory, and takes one whenever it is done
        // with one; behind its own the tasks of other runs: they may differ in size. To take one costs less than to split a
        // range down to it.
        _ => {
            let threads = rayon::current_num_threads().min(count);
            let start = |run: usize| run * count / threads;
            let next: Vec<_> = (0..threads).map(|run| AtomicUsize::new(start(run))).collect();
            (0..threads).into_par_iter().with_max_len(1).for_each(|first| {
                for run in (first..threads).chain(0..first) {
                    let take = || next[run].fetch_add(1, Ordering::Relaxed);
                    let tasks = std::iter::repeat_with(take);
                    tasks.take_while(|&index| index < start(run + 1)).for_each(task);
                }
            });
        }
    }
}

/// What a slot holds; no work is done while it is locked, so that a panic leaves it whole.
fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: [usize; 5] = [0, 1, 2, 3, 1000];

    #[test]
    fn every_item_is_worked_on_once() {
        for count in COUNTS {
            let mut counts = vec![0; count];
            for_each(counts.iter_mut().enumerate(), |(index, count)| *count += index + 1);
            assert_eq!(counts, (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in COUNTS {
            let names = map(0..count, |i| i.to_string());
            assert_eq!(names, (0..count).map(|i| i.to_string()).collect::<Vec<_>>());
            assert_eq!(try_map(0..count, Ok::<_, ()>), Ok((0..count).collect()));
        }
    }

    #[test]
    fn of_several_errors_the_first_is_kept() {
        let odd = |i: usize| if i % 2 == 1 { Err(i) } else { Ok(()) };
        assert_eq!(try_for_each(0..0, odd), Ok(()));
        assert_eq!(try_for_each([4, 2], odd), Ok(()));
        assert_eq!(try_for_each(100..200, odd), Err(101));
        assert_eq!(try_map([8, 7, 3, 5], |i| odd(i).map(|()| i)), Err(7));
    }

    #[test]
    #[should_panic(expected = "of item 7")]
    fn a_panic_is_passed_on() {
        for_each(0..10, |i| assert_ne!(i, 7, "of item 7"));
    }
}
