//! Names in, text out.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};

use crate::status::{Failure, Outcome, c_text};

/// The text that a pointer stands for.
///
/// # Safety
/// Where `pointer` is not null, it points to bytes that end with a zero and do not change while the result is in use.
pub(crate) unsafe fn read<'a>(pointer: *const c_char, what: &str) -> Outcome<&'a str> {
    if pointer.is_null() {
        return Err(Failure::name(format!("{what}: the pointer is null")));
    }
    // SAFETY: not null; the caller vouches for the rest.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|_| Failure::name(format!("{what}: the text is not UTF-8")))
}

thread_local! {
    static TEXT: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// Text for the caller, valid until this thread is given the next one.
pub(crate) fn give(text: &str) -> *const c_char {
    TEXT.try_with(|slot| slot.borrow_mut().insert(c_text(text)).as_ptr()).unwrap_or(c"".as_ptr())
}
