//! Arrays and numbers in the caller's room.

use std::mem;

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use crate::status::{Failure, FewbitStatus, Outcome};

/// The type of the elements of an array.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FewbitType {
    /// int8_t
    I8 = 0,
    /// uint8_t
    U8 = 1,
    /// int16_t
    I16 = 2,
    /// uint16_t
    U16 = 3,
    /// int32_t
    I32 = 4,
    /// uint32_t
    U32 = 5,
    /// int64_t
    I64 = 6,
    /// uint64_t
    U64 = 7,
    /// float
    F32 = 8,
    /// double
    F64 = 9,
}

impl FewbitType {
    const ALL: [Self; 10] = [
        Self::I8,
        Self::U8,
        Self::I16,
        Self::U16,
        Self::I32,
        Self::U32,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::F64,
    ];

    pub(crate) fn of(number: u32) -> Outcome<Self> {
        Self::ALL.get(number as usize).copied().ok_or_else(|| {
            Failure::value(format!(
                "type {number}: expected FEWBIT_TYPE_I8 (0) to FEWBIT_TYPE_F64 (9)"
            ))
        })
    }

    /// For an operation that does not take elements of this type.
    pub(crate) fn refuse(self, what: &str, expected: &str) -> Failure {
        Failure::value(format!("{what} of type {self:?}: expected {expected}"))
    }
}

/// A matrix in the caller's memory: element (i, j) is at `data + i * row_stride + j * col_stride`, in elements. Rows one after
/// the other have a row stride of `cols` and a column stride of 1.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FewbitMatrix {
    /// Its first element.
    pub data: *mut std::ffi::c_void,
    /// A `fewbit_type`.
    pub element: u32,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Elements from a row to the next.
    pub row_stride: usize,
    /// Elements from a column to the next.
    pub col_stride: usize,
}

#[cold]
fn refuse(what: &str, why: &str) -> Failure {
    Failure::new(FewbitStatus::ErrorPointer, format!("{what}: {why}"))
}

#[inline(always)]
fn check<T>(pointer: *const T, length: usize, what: &str) -> Outcome<()> {
    if pointer.is_null() {
        return Err(refuse(what, "the pointer is null"));
    }
    if !pointer.is_aligned() {
        return Err(refuse(what, "the pointer is not aligned for its type"));
    }
    if length > isize::MAX as usize / mem::size_of::<T>().max(1) {
        return Err(Failure::length(format!(
            "{what}: {length} elements are more than memory can hold"
        )));
    }
    Ok(())
}

/// An array that is read.
///
/// # Safety
/// Where `pointer` is not null, `length` elements can be read there while the result is in use.
#[inline(always)]
pub(crate) unsafe fn input<'a, T>(
    pointer: *const T,
    length: usize,
    what: &str,
) -> Outcome<&'a [T]> {
    if length == 0 {
        return Ok(&[]);
    }
    check(pointer, length, what)?;
    // SAFETY: not null, aligned, not too long; the caller vouches for the rest.
    Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// An array that is written.
///
/// # Safety
/// Where `pointer` is not null, `length` elements can be written there, and nothing else uses them while the result is in use.
#[inline(always)]
pub(crate) unsafe fn output<'a, T>(
    pointer: *mut T,
    length: usize,
    what: &str,
) -> Outcome<&'a mut [T]> {
    if length == 0 {
        return Ok(&mut []);
    }
    check(pointer, length, what)?;
    // SAFETY: not null, aligned, not too long; the caller vouches for the rest.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, length) })
}

/// Writes one result.
///
/// # Safety
/// Where `pointer` is not null, a `T` can be written there.
#[inline(always)]
pub(crate) unsafe fn put<T>(pointer: *mut T, value: T, what: &str) -> Outcome<()> {
    check(pointer, 1, what)?;
    // SAFETY: not null and aligned; the caller vouches for the rest.
    unsafe { pointer.write(value) };
    Ok(())
}

/// Refuses an array that is written where it shares memory with one that is read.
pub(crate) fn apart<A, B>(
    (read, n): (*const A, usize),
    (written, m): (*const B, usize),
    what: &str,
) -> Outcome<()> {
    let (a, b) = (read as usize, written as usize);
    let (a_end, b_end) = (
        a.saturating_add(n.saturating_mul(mem::size_of::<A>())),
        b.saturating_add(m.saturating_mul(mem::size_of::<B>())),
    );
    if n > 0 && m > 0 && a < b_end && b < a_end {
        return Err(refuse(what, "the memory to be written overlaps memory that is read"));
    }
    Ok(())
}

impl FewbitMatrix {
    /// A matrix that a pointer stands for.
    ///
    /// # Safety
    /// Where `pointer` is not null, a matrix can be read there.
    pub(crate) unsafe fn read(pointer: *const Self, what: &str) -> Outcome<Self> {
        check(pointer, 1, what)?;
        // SAFETY: not null and aligned; the caller vouches for the rest.
        Ok(unsafe { pointer.read() })
    }

    /// How many elements there are from the first to the last, both counted.
    pub(crate) fn span(&self, what: &str) -> Outcome<usize> {
        if self.rows == 0 || self.cols == 0 {
            return Ok(0);
        }
        let rows = (self.rows - 1).checked_mul(self.row_stride);
        let cols = (self.cols - 1).checked_mul(self.col_stride);
        let last = rows.zip(cols).and_then(|(rows, cols)| rows.checked_add(cols)?.checked_add(1));
        last.ok_or_else(|| {
            let Self { rows, cols, .. } = self;
            Failure::length(format!("{what}: {rows} rows of {cols} are more than memory can hold"))
        })
    }

    /// Its bytes from the first to the last, for [`apart`].
    pub(crate) fn extent(&self, what: &str) -> Outcome<(*const u8, usize)> {
        let size = match FewbitType::of(self.element)? {
            FewbitType::I8 | FewbitType::U8 => 1,
            FewbitType::I16 | FewbitType::U16 => 2,
            FewbitType::I32 | FewbitType::U32 | FewbitType::F32 => 4,
            FewbitType::I64 | FewbitType::U64 | FewbitType::F64 => 8,
        };
        Ok((self.data.cast_const().cast(), self.span(what)?.saturating_mul(size)))
    }

    /// Its elements, which are `T`.
    ///
    /// # Safety
    /// As [`input`], of the span.
    pub(crate) unsafe fn view<'a, T>(&self, what: &str) -> Outcome<ArrayView2<'a, T>> {
        // SAFETY: the caller vouches for it.
        let elements =
            unsafe { input(self.data.cast_const().cast::<T>(), self.span(what)?, what)? };
        let shape = (self.rows, self.cols).strides((self.row_stride, self.col_stride));
        ArrayView2::from_shape(shape, elements)
            .map_err(|error| Failure::length(format!("{what}: {error}")))
    }

    /// Its elements, to be written; no two of them may be at one place.
    ///
    /// # Safety
    /// As [`output`], of the span.
    pub(crate) unsafe fn view_mut<'a, T>(&self, what: &str) -> Outcome<ArrayViewMut2<'a, T>> {
        let span = self.span(what)?;
        // SAFETY: the caller vouches for it.
        let elements = unsafe { output(self.data.cast::<T>(), span, what)? };
        let shape = (self.rows, self.cols).strides((self.row_stride, self.col_stride));
        ArrayViewMut2::from_shape(shape, elements)
            .map_err(|error| Failure::length(format!("{what}: {error}")))
    }
}
