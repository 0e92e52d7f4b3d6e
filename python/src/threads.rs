//! Work without the GIL, on a pool of threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::{internal_error, value_error};

/// More threads than any machine gains from, as the command line has it.
const MOST_THREADS: usize = 1024;

/// A pool that stays, and for whom: a child of `fork` has none of its parent's threads and makes its own.
struct Kept {
    process: u32,
    threads: usize,
    pool: Arc<ThreadPool>,
}

/// The pool of the last call, since making one takes longer than a small call.
static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

/// Runs `work` without the GIL on `threads` threads, by default one per processor (or `RAYON_NUM_THREADS`).
///
/// # Errors
/// A number of threads outside 1 to 1024; a panic, which is a fault of this library.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    if let Some(threads) = threads.filter(|n| !(1..=MOST_THREADS).contains(n)) {
        return Err(value_error(format!(
            "threads is {threads}: expected 1 to {MOST_THREADS}, or None for one per processor"
        )));
    }
    py.detach(|| {
        let pool = pool(threads.unwrap_or(0))?;
        let done = catch_unwind(AssertUnwindSafe(|| pool.install(work)));
        done.map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            internal_error(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic"))
        })
    })
}

fn pool(threads: usize) -> PyResult<Arc<ThreadPool>> {
    let process = process::id();
    let mut kept = KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(kept) = kept.as_ref()
        && (kept.process, kept.threads) == (process, threads)
    {
        return Ok(Arc::clone(&kept.pool));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| value_error(format!("{threads} threads cannot be started: {error}")))?;
    let pool = Arc::new(pool);
    let old = kept.replace(Kept { process, threads, pool: Arc::clone(&pool) });
    if let Some(old) = old.filter(|old| old.process != process) {
        // Its threads are the parent's; waiting for them would never end.
        std::mem::forget(old.pool);
    }
    Ok(pool)
}
