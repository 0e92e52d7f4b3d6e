//! On how many cores arrays and products are computed; results do not depend on it.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::handle::{self, handles};
use crate::status::{Failure, Outcome, answer, done};

/// A pool of threads. Any number of threads may use one.
pub struct FewbitThreads {
    _opaque: [u8; 0],
}

handles! {
    FewbitThreads(ThreadPool) = "threads", b"fb:thrds";
}

/// A pool of `count` threads, at most 1024; 0 for as many as there are cores. Functions that take a pool run on one thread per
/// core, of a pool of the process, where they are given null.
#[unsafe(no_mangle)]
pub extern "C" fn fewbit_threads_new(count: u32) -> *mut FewbitThreads {
    answer(std::ptr::null_mut(), || {
        if count > 1024 {
            return Err(Failure::value(format!("{count} threads: expected at most 1024")));
        }
        let pool = ThreadPoolBuilder::new().num_threads(count as usize).build();
        Ok(handle::make(pool.map_err(|error| Failure::value(format!("{count} threads: {error}")))?))
    })
}

/// Ends the threads; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_threads_free(threads: *mut FewbitThreads) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(threads) });
}

/// Runs work on a pool, or on the process's.
pub(crate) fn on<T: Send>(
    threads: Option<&ThreadPool>,
    work: impl FnOnce() -> Outcome<T> + Send,
) -> Outcome<T> {
    match threads {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
