//! Tables: a function from a format to a format.

use std::ffi::c_char;

use fewbit::functions::table::{Table, TableSpec};
use fewbit::reference::functions::look_up;

use crate::handle::{self, handles};
use crate::memory;
use crate::status::{Failure, OrValue, answer, done};
use crate::text;

/// A table. It never changes: any number of threads may use one.
pub struct FewbitTable {
    _opaque: [u8; 0],
}

handles! {
    FewbitTable(Table) = "table", b"fb:table";
}

/// A table from its text, such as `sigmoid,in=fix16.10,out=fix18.10,address=step64:-512:1024` or
/// `tanh,in=int8*0.0625,out=int8*0.0078125`. Null where it is none.
///
/// # Safety
/// `text` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_table_new(text: *const c_char) -> *mut FewbitTable {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        let spec: TableSpec =
            unsafe { text::read(text, "table") }?.parse().map_err(Failure::name)?;
        Ok(handle::make(Table::new(spec).or_value()?))
    })
}

/// Frees a table; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_table_free(table: *mut FewbitTable) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(table) });
}

/// How many entries it has; 0 for a wrong handle.
///
/// # Safety
/// `table` is null or a table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_table_length(table: *const FewbitTable) -> u32 {
    // SAFETY: the caller vouches for it.
    answer(0, || Ok(unsafe { handle::get(table) }?.entries().len() as u32))
}

/// The entries in the order in which a memory holds them; `entries` has room for `length`, which is `fewbit_table_length`.
///
/// # Safety
/// `table` is null or a table; `entries` is null or has room for `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_table_entries(
    table: *const FewbitTable,
    entries: *mut u32,
    length: usize,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let table = unsafe { handle::get(table) }?;
        let memory = table.memory();
        if memory.len() != length {
            return Err(Failure::length(format!(
                "the table has {} entries, and there is room for {length}",
                memory.len()
            )));
        }
        // SAFETY: the caller vouches for it.
        unsafe { memory::output(entries, length, "entries") }?.copy_from_slice(&memory);
        Ok(())
    })
}

/// The code that the table gives for a code.
///
/// # Safety
/// `table` is null or a table; `result` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_table_run(
    table: *const FewbitTable,
    code: u64,
    result: *mut u64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let table = unsafe { handle::get(table) }?;
        let code = u32::try_from(code)
            .map_err(|_| Failure::value(format!("code {code:#x} has more than 32 bits")))?;
        let found = look_up(table, code).or_value()?;
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(result, found.into(), "result") }
    })
}

/// The codes that the table gives for `length` codes.
///
/// # Safety
/// `table` is null or a table; the arrays are null or have `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_table_run_array(
    table: *const FewbitTable,
    codes: *const u32,
    length: usize,
    results: *mut u32,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (table, read) =
            unsafe { (handle::get(table)?, memory::input(codes, length, "codes")?) };
        memory::apart((codes, length), (results.cast_const(), length), "results")?;
        // SAFETY: the caller vouches for it; they do not overlap.
        let results = unsafe { memory::output(results, length, "results") }?;
        for (index, (to, &code)) in results.iter_mut().zip(read).enumerate() {
            *to = look_up(table, code)
                .map_err(|error| Failure::value(format!("element {index}: {error}")))?;
        }
        Ok(())
    })
}
