//! Accumulators.

use std::ffi::c_char;

use fewbit::Accumulator;

use crate::handle::{self, handles};
use crate::status::{Failure, answer, done};
use crate::text;

/// An accumulator: a list of stages. It never changes: any number of threads may use one.
pub struct FewbitAccumulator {
    _opaque: [u8; 0],
}

handles! {
    FewbitAccumulator(Accumulator) = "accumulator", b"fb:accum";
}

/// An accumulator from its grammar: `int16-sat`, `int16-wrap/64,int24-sat`, `e5m10-rne`, `preset:h100-wgmma-fp8`, ... Null where
/// the text is none.
///
/// # Safety
/// `text` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_accumulator_new(text: *const c_char) -> *mut FewbitAccumulator {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        let text = unsafe { text::read(text, "accumulator") }?;
        let acc: Accumulator = text.parse().map_err(Failure::name)?;
        Ok(handle::make(acc))
    })
}

/// Frees an accumulator; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_accumulator_free(acc: *mut FewbitAccumulator) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(acc) });
}

/// How many stages it has; 0 for a wrong handle.
///
/// # Safety
/// `acc` is null or an accumulator.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_accumulator_stages(acc: *const FewbitAccumulator) -> u32 {
    // SAFETY: the caller vouches for it.
    answer(0, || Ok(unsafe { handle::get(acc) }?.stages().len() as u32))
}

/// Its text, valid until this thread is given the next text; empty for a wrong handle.
///
/// # Safety
/// `acc` is null or an accumulator.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_accumulator_text(acc: *const FewbitAccumulator) -> *const c_char {
    // SAFETY: the caller vouches for it.
    answer(c"".as_ptr(), || Ok(text::give(&unsafe { handle::get(acc) }?.to_string())))
}
