//! Formats.

use std::ffi::{CString, c_char};

use fewbit::formats::Format;

use crate::handle::{self, handles};
use crate::status::{Failure, Outcome, answer, c_text, done};
use crate::{memory, text};

/// A number format. It never changes: any number of threads may use one.
pub struct FewbitFormat {
    _opaque: [u8; 0],
}

/// A format and its name for C.
pub(crate) struct NamedFormat {
    pub(crate) format: Format,
    name: CString,
}

handles! {
    FewbitFormat(NamedFormat) = "format", b"fb:formt";
}

/// The format behind a handle.
///
/// # Safety
/// As [`handle::get`].
#[inline(always)]
pub(crate) unsafe fn format(handle: *const FewbitFormat) -> Outcome<Format> {
    // SAFETY: the caller vouches for it.
    Ok(unsafe { handle::get(handle) }?.format)
}

/// The code in the low bits, where the format has it.
#[inline(always)]
pub(crate) fn code(format: Format, code: u64) -> Outcome<u32> {
    if code >= format.code_count() {
        return Err(refuse(format, code));
    }
    Ok(code as u32)
}

#[cold]
fn refuse(format: Format, code: u64) -> Failure {
    let bits = format.bits();
    Failure::value(format!("code {code:#x} is not one of {format}, which has codes of {bits} bits"))
}

/// A format by its name: `e4m3fn`, `e5m2`, `bf16`, `int8`, `ufix8.4`, ... Null where there is none of this name.
///
/// # Safety
/// `name` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_format_new(name: *const c_char) -> *mut FewbitFormat {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        let name = unsafe { text::read(name, "name of a format") }?;
        let format: Format = name.parse().map_err(Failure::name)?;
        Ok(handle::make(NamedFormat { format, name: c_text(&format.to_string()) }))
    })
}

/// Frees a format; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_format_free(format: *mut FewbitFormat) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(format) });
}

/// The format's own name, valid as long as the format; empty for a wrong handle.
///
/// # Safety
/// `format` is null or a format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_format_name(format: *const FewbitFormat) -> *const c_char {
    // SAFETY: the caller vouches for it.
    answer(c"".as_ptr(), || Ok(unsafe { handle::get(format) }?.name.as_ptr()))
}

/// The bits of a code; 0 for a wrong handle.
///
/// # Safety
/// `format` is null or a format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_format_bits(handle: *const FewbitFormat) -> u32 {
    // SAFETY: the caller vouches for it.
    answer(0, || Ok(unsafe { format(handle) }?.bits()))
}

/// The least and the greatest finite value.
///
/// # Safety
/// `format` is null or a format; `least` and `greatest` are null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_format_range(
    handle: *const FewbitFormat,
    least: *mut f64,
    greatest: *mut f64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let format = format(handle)?;
            memory::put(least, format.min_finite(), "least")?;
            memory::put(greatest, format.max_finite(), "greatest")
        }
    })
}

/// Whether the code is one of the format; `FEWBIT_OK`, or the error that says why not.
///
/// # Safety
/// `format` is null or a format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_format_check(handle: *const FewbitFormat, number: u64) -> u32 {
    // SAFETY: the caller vouches for it.
    done(|| code(unsafe { format(handle) }?, number).map(|_| ()))
}
