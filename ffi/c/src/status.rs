//! What a function returns, and the message behind an error.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fewbit::formats::Status;

/// What a function returns: the flags of what it computed in the order of RISC-V's fflags, or, with `FEWBIT_STATUS_ERROR` set, the
/// kind of an error, whose text is `fewbit_last_error()`.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FewbitStatus {
    /// Done, exactly.
    Ok = 0,
    /// NX: the result is not the exact one.
    Inexact = 1,
    /// UF: a result below the smallest normal value, and inexact.
    Underflow = 2,
    /// OF: a value outside the range of its format; an overflow event of a register.
    Overflow = 4,
    /// DZ: a finite value was divided by zero.
    DivideByZero = 8,
    /// NV: a result that the format has no counterpart of.
    Invalid = 16,
    /// The bit that every error has.
    Error = 0x100,
    /// A handle that is null, or of another kind.
    ErrorHandle = 0x300,
    /// A pointer that is null or not aligned, or memory that overlaps other memory of the same call.
    ErrorPointer = 0x500,
    /// Lengths or shapes that do not fit each other.
    ErrorLength = 0x700,
    /// A name that is not known, or text that is not UTF-8.
    ErrorName = 0x900,
    /// A value out of range.
    ErrorValue = 0xb00,
    /// More than memory can hold.
    ErrorMemory = 0xd00,
    /// A fault of the library itself.
    ErrorInternal = 0xf00,
}

/// Why a function did nothing. In a box, so that what goes well is returned in registers.
#[derive(Debug)]
pub(crate) struct Failure(Box<(FewbitStatus, String)>);

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    #[cold]
    pub(crate) fn new(kind: FewbitStatus, message: impl fmt::Display) -> Self {
        Self(Box::new((kind, message.to_string())))
    }

    pub(crate) fn value(message: impl fmt::Display) -> Self {
        Self::new(FewbitStatus::ErrorValue, message)
    }

    pub(crate) fn name(message: impl fmt::Display) -> Self {
        Self::new(FewbitStatus::ErrorName, message)
    }

    pub(crate) fn length(message: impl fmt::Display) -> Self {
        Self::new(FewbitStatus::ErrorLength, message)
    }
}

/// Of a conversion or of an operation: what a fallible call of the library says, as a value that is refused.
pub(crate) trait OrValue<T> {
    fn or_value(self) -> Outcome<T>;
}

impl<T, E: fmt::Display> OrValue<T> for Result<T, E> {
    #[inline(always)]
    fn or_value(self) -> Outcome<T> {
        self.map_err(Failure::value)
    }
}

thread_local! {
    static LAST: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// Text without zero bytes, which C could not see the end of.
pub(crate) fn c_text(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().filter(|&byte| byte != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

#[cold]
fn remember(failure: &Failure) -> u32 {
    // While a thread ends its text may be gone; then nobody can ask for it either.
    let (kind, message) = &*failure.0;
    let _ = LAST.try_with(|last| *last.borrow_mut() = Some(c_text(message)));
    *kind as u32
}

#[cold]
fn panicked(payload: &(dyn Any + Send)) -> Failure {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = format!("a fault of libfewbit: {}", text.unwrap_or("no message"));
    Failure::new(FewbitStatus::ErrorInternal, message)
}

fn caught<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    // What a panic leaves half done is behind handles whose values stay valid, or in the caller's room.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(panicked(&*payload)))
}

/// Runs a function's work; what goes wrong becomes a status.
#[inline(always)]
pub(crate) fn guard(work: impl FnOnce() -> Outcome<Status>) -> u32 {
    match caught(work) {
        Ok(flags) => u32::from(flags.bits()),
        Err(failure) => remember(&failure),
    }
}

/// As [`guard`], of work that raises no flags.
#[inline(always)]
pub(crate) fn done(work: impl FnOnce() -> Outcome<()>) -> u32 {
    guard(|| work().map(|()| Status::NONE))
}

/// Runs work that answers otherwise than by a status: `fallback` where it goes wrong.
#[inline(always)]
pub(crate) fn answer<T>(fallback: T, work: impl FnOnce() -> Outcome<T>) -> T {
    caught(work).unwrap_or_else(|failure| {
        remember(&failure);
        fallback
    })
}

/// What the last error of this thread was; empty where there was none. It stays valid until the thread's next error.
#[unsafe(no_mangle)]
pub extern "C" fn fewbit_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ref().map_or(c"".as_ptr(), |text| text.as_ptr()))
        .unwrap_or(c"".as_ptr())
}
