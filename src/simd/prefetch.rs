//! Hints of what will be read or written.

/// Bytes of a cache line.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Asks for the cache line at `address`, which may be any: nothing is read.
#[inline(always)]
pub(super) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch has no effect but on the cache, whatever its address; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for as many bytes as `part` has, `ahead` bytes behind its start: they may lie behind the end of what it is part of.
#[inline(always)]
pub(crate) fn prefetch_ahead<T>(part: &[T], ahead: usize) {
    #[cfg(target_arch = "x86_64")]
    for from in (0..size_of_val(part)).step_by(LINE) {
        prefetch(part.as_ptr().wrapping_byte_add(ahead + from));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (part, ahead);
}

/// Asks for the cache lines of `to`, which will be written.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(to: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        for from in (0..size_of_val(to) + LINE - 1).step_by(LINE) {
            let line = to.as_ptr().wrapping_byte_add(from);
            // SAFETY: a prefetch has no effect but on the cache, whatever its address; SSE is part of x86-64.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(line.cast()) }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = to;
}
