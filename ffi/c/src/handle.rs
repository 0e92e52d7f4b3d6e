//! Objects behind opaque pointers.
//!
//! A handle points to a [`Tagged`] value: its kind and the value. C sees the kind's name alone (`fewbit_format *`). What is
//! null, not aligned, of another kind or freed (as long as its memory was not given out anew) is refused.

use std::mem;

use crate::status::{Failure, FewbitStatus, Outcome};

/// A kind of handle: the type that C sees.
pub(crate) trait Handle {
    /// What is behind it.
    type Value;
    /// Its name, for errors.
    const KIND: &'static str;
    /// What tells its objects from others in memory.
    const TAG: u64;
}

/// What a handle points to.
#[repr(C)]
struct Tagged<T> {
    tag: u64,
    value: T,
}

/// Declares the kinds: the type that C sees, what is behind it, its name in errors.
macro_rules! handles {
    ($($(#[$meta:meta])* $handle:ident($value:ty) = $kind:literal, $tag:literal;)+) => {$(
        impl $crate::handle::Handle for $handle {
            type Value = $value;
            const KIND: &'static str = $kind;
            const TAG: u64 = u64::from_le_bytes(*$tag);
        }
    )+};
}
pub(crate) use handles;

/// A new object; its owner gives it back to [`free`].
pub(crate) fn make<H: Handle>(value: H::Value) -> *mut H {
    Box::into_raw(Box::new(Tagged { tag: H::TAG, value })).cast()
}

#[cold]
fn refuse<H: Handle>(handle: *const H) -> Failure {
    let what = if handle.is_null() { "null" } else { "no handle of this kind, or a freed one" };
    Failure::new(FewbitStatus::ErrorHandle, format!("{}: the handle is {what}", H::KIND))
}

#[inline(always)]
fn check<H: Handle>(handle: *const H) -> Outcome<*mut Tagged<H::Value>> {
    let tagged = handle.cast::<Tagged<H::Value>>();
    if tagged.is_null() || !tagged.is_aligned() {
        return Err(refuse(handle));
    }
    // SAFETY: it is aligned, and the caller of a C function vouches that it points to an object of this library, all of
    // which begin with a tag.
    let tag = unsafe { (&raw const (*tagged).tag).read() };
    if tag == H::TAG { Ok(tagged.cast_mut()) } else { Err(refuse(handle)) }
}

/// The object behind a handle.
///
/// # Safety
/// The handle is null, or an object of this library that is neither freed nor changed while the result is in use.
#[inline(always)]
pub(crate) unsafe fn get<'a, H: Handle>(handle: *const H) -> Outcome<&'a H::Value> {
    let tagged = check(handle)?;
    // SAFETY: it has the tag of this kind; the caller vouches for the rest.
    Ok(unsafe { &(*tagged).value })
}

/// The object behind a handle, to be changed.
///
/// # Safety
/// As [`get`], and nothing else uses the object at the same time.
#[inline(always)]
pub(crate) unsafe fn get_mut<'a, H: Handle>(handle: *mut H) -> Outcome<&'a mut H::Value> {
    let tagged = check(handle)?;
    // SAFETY: as in `get`; the caller vouches that there is no other reference.
    Ok(unsafe { &mut (*tagged).value })
}

/// The object behind a handle that may be null.
///
/// # Safety
/// As [`get`].
pub(crate) unsafe fn get_optional<'a, H: Handle>(
    handle: *const H,
) -> Outcome<Option<&'a H::Value>> {
    if handle.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller vouches for it.
    unsafe { get(handle) }.map(Some)
}

/// Frees an object; null is nothing to free.
///
/// # Safety
/// As [`get_mut`], and nobody uses the handle afterwards.
pub(crate) unsafe fn free<H: Handle>(handle: *mut H) -> Outcome<()> {
    if handle.is_null() {
        return Ok(());
    }
    let tagged = check(handle)?;
    // SAFETY: `make` made it of a box; the tag is gone before the memory, so that a second call is refused while the memory
    // was not given out anew.
    unsafe {
        (&raw mut (*tagged).tag).write_volatile(0);
        mem::drop(Box::from_raw(tagged));
    }
    Ok(())
}
