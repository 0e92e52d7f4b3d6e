//! Arrays of integers behind a handle, for callers that have no arrays to pass.

use fewbit::{MatmulOptions, ReportLevel, matmul};
use ndarray::ArrayView2;

use crate::accumulator::FewbitAccumulator;
use crate::handle::{self, handles};
use crate::memory;
use crate::status::{Failure, FewbitStatus, OrValue, Outcome, answer, done};

/// A list of 64-bit integers. Each belongs to one thread at a time while it is changed.
pub struct FewbitBuffer {
    _opaque: [u8; 0],
}

handles! {
    FewbitBuffer(Vec<i64>) = "buffer", b"fb:buffr";
}

/// A buffer of `length` zeros; null where memory cannot hold it.
#[unsafe(no_mangle)]
pub extern "C" fn fewbit_buffer_new(length: u64) -> *mut FewbitBuffer {
    answer(std::ptr::null_mut(), || {
        let refuse = |_| {
            Failure::new(
                FewbitStatus::ErrorMemory,
                format!("a buffer of {length} integers is more than memory can hold"),
            )
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(length).map_err(refuse)?;
        buffer.resize(length, 0);
        Ok(handle::make(buffer))
    })
}

/// Frees a buffer; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_buffer_free(buffer: *mut FewbitBuffer) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(buffer) });
}

/// How many elements there are; 0 for a wrong handle.
///
/// # Safety
/// `buffer` is null or a buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_buffer_length(buffer: *const FewbitBuffer) -> u64 {
    // SAFETY: the caller vouches for it.
    answer(0, || Ok(unsafe { handle::get(buffer) }?.len() as u64))
}

fn refuse(index: u64, length: usize) -> Failure {
    Failure::length(format!("element {index}: the buffer has {length} elements, from 0"))
}

/// Sets an element.
///
/// # Safety
/// `buffer` is null or a buffer that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_buffer_set(
    buffer: *mut FewbitBuffer,
    index: u64,
    value: i64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let buffer = unsafe { handle::get_mut(buffer) }?;
        let length = buffer.len();
        let place = usize::try_from(index).ok().and_then(|index| buffer.get_mut(index));
        *place.ok_or_else(|| refuse(index, length))? = value;
        Ok(())
    })
}

/// Gets an element.
///
/// # Safety
/// `buffer` is null or a buffer; `value` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_buffer_get(
    buffer: *const FewbitBuffer,
    index: u64,
    value: *mut i64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let buffer = unsafe { handle::get(buffer) }?;
        let found = usize::try_from(index).ok().and_then(|index| buffer.get(index));
        let found = *found.ok_or_else(|| refuse(index, buffer.len()))?;
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(value, found, "value") }
    })
}

fn shaped<'a>(buffer: &'a [i64], rows: u64, cols: u64, what: &str) -> Outcome<ArrayView2<'a, i64>> {
    let sizes = usize::try_from(rows).ok().zip(usize::try_from(cols).ok());
    let length = sizes.and_then(|(rows, cols)| rows.checked_mul(cols));
    match (sizes, length) {
        (Some(shape), Some(length)) if length == buffer.len() => {
            ArrayView2::from_shape(shape, buffer).or_value()
        }
        _ => Err(Failure::length(format!(
            "{what} has {} elements, and {rows} rows of {cols} were expected",
            buffer.len()
        ))),
    }
}

/// The product `out = a b` through an accumulator: `a` has m rows of k, `b` k rows of n, `out` m rows of n.
///
/// # Safety
/// The handles are null or of their kinds; nobody else uses `out`, which is neither `a` nor `b`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_matmul_buffers(
    acc: *const FewbitAccumulator,
    a: *const FewbitBuffer,
    b: *const FewbitBuffer,
    out: *mut FewbitBuffer,
    m: u64,
    k: u64,
    n: u64,
) -> u32 {
    done(|| {
        if out.cast_const() == a || out.cast_const() == b {
            return Err(Failure::new(
                FewbitStatus::ErrorPointer,
                "out: the buffer to be written is one that is read",
            ));
        }
        // SAFETY: the caller vouches for it; `out` is no other buffer.
        let (acc, a, b, out) =
            unsafe { (handle::get(acc)?, handle::get(a)?, handle::get(b)?, handle::get_mut(out)?) };
        shaped(out, m, n, "out")?;
        let (a, b) = (shaped(a, m, k, "a")?, shaped(b, k, n, "b")?);
        let product = matmul(a, b, acc, &MatmulOptions::default()).or_value()?;
        for (to, &value) in out.iter_mut().zip(&product.values) {
            *to = value;
        }
        Ok(())
    })
}

/// The dot product of two buffers through an accumulator, and the events of all its stages.
///
/// # Safety
/// The handles are null or of their kinds; `value` and `events` are null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_dot_buffers(
    acc: *const FewbitAccumulator,
    a: *const FewbitBuffer,
    b: *const FewbitBuffer,
    value: *mut i64,
    events: *mut u64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (acc, a, b) = unsafe { (handle::get(acc)?, handle::get(a)?, handle::get(b)?) };
        let (k, kb) = (a.len() as u64, b.len() as u64);
        let (a, b) = (shaped(a, 1, k, "a")?, shaped(b, kb, 1, "b")?);
        let options = MatmulOptions { report: ReportLevel::Events, ..MatmulOptions::default() };
        let product = matmul(a, b, acc, &options).or_value()?;
        let all = product.events.iter().flatten().map(|stage| stage.events).sum();
        // SAFETY: the caller vouches for it.
        unsafe {
            memory::put(value, product.values[[0, 0]], "value")?;
            memory::put(events, all, "events")
        }
    })
}
