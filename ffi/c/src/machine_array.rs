//! Arrays of machines that step together.

use std::ffi::c_int;

use fewbit::machine::MachineArray;
use ndarray::ArrayView2;

use crate::accumulator::FewbitAccumulator;
use crate::buffer::FewbitBuffer;
use crate::handle::{self, handles};
use crate::memory;
use crate::status::{Failure, OrValue, Outcome, answer, done};

/// `rows x cols` machines of one accumulator that take a product each in every step. Each array belongs to one thread at a time.
pub struct FewbitArray {
    _opaque: [u8; 0],
}

handles! {
    FewbitArray(MachineArray) = "array", b"fb:array";
}

/// An array of machines, every register at 0. Null where it goes wrong, as for stages that are not integers.
///
/// # Safety
/// `acc` is null or an accumulator.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_new(
    acc: *const FewbitAccumulator,
    rows: u32,
    cols: u32,
) -> *mut FewbitArray {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        let acc = unsafe { handle::get(acc) }?;
        Ok(handle::make(acc.machine_array(rows as usize, cols as usize).or_value()?))
    })
}

/// Frees an array; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_free(array: *mut FewbitArray) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(array) });
}

/// One step: register (i, j) takes `column[i] * row[j]`. `column` has as many elements as the array has rows, `row` as columns.
///
/// # Safety
/// `array` is null or an array that nobody else uses; `column` and `row` are null or have so many elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_push_outer(
    array: *mut FewbitArray,
    column: *const c_int,
    row: *const c_int,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (array, column, row) = unsafe {
            let array = handle::get_mut(array)?;
            let (rows, cols) = array.dim();
            (array, memory::input(column, rows, "column")?, memory::input(row, cols, "row")?)
        };
        array.push_outer(column, row).or_value()
    })
}

/// One step: each register takes its own product; `products` is row-major.
///
/// # Safety
/// As `fewbit_array_push_outer`; `products` is null or has rows times cols elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_push_products(
    array: *mut FewbitArray,
    products: *const i64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (array, products) = unsafe {
            let array = handle::get_mut(array)?;
            let (rows, cols) = array.dim();
            (array, memory::input(products, rows * cols, "products")?)
        };
        array.push_products(products).or_value()
    })
}

/// `fewbit_array_push_outer` of buffers, whose elements are integers of 32 bits.
///
/// # Safety
/// The handles are null or of their kinds, and nobody else uses the array.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_push_buffers(
    array: *mut FewbitArray,
    column: *const FewbitBuffer,
    row: *const FewbitBuffer,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (array, column, row) =
            unsafe { (handle::get_mut(array)?, handle::get(column)?, handle::get(row)?) };
        array.push_outer(&narrow(column)?, &narrow(row)?).or_value()
    })
}

fn narrow(wide: &[i64]) -> Outcome<Vec<i32>> {
    let narrow = |(i, &x): (usize, &i64)| {
        i32::try_from(x)
            .map_err(|_| Failure::value(format!("element {i} is {x}, which int32 cannot hold")))
    };
    wide.iter().enumerate().map(narrow).collect()
}

/// Every last register after its last step, row-major.
///
/// # Safety
/// `array` is null or an array; `values` is null or has room for rows times cols elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_values(array: *const FewbitArray, values: *mut i64) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (array, room) = unsafe {
            let array = handle::get(array)?;
            let (rows, cols) = array.dim();
            (array, memory::output(values, rows * cols, "values")?)
        };
        let (values, cols) = (array.values(), array.dim().1);
        for (index, (to, &value)) in room.iter_mut().zip(&values).enumerate() {
            *to = value.try_into().map_err(|_| {
                let (row, col) = (index / cols, index % cols);
                Failure::value(format!(
                    "register ({row}, {col}) is {value}, which int64 cannot hold"
                ))
            })?;
        }
        Ok(())
    })
}

/// The events of a stage of every machine since the last reset, row-major.
///
/// # Safety
/// `array` is null or an array; `events` is null or has room for rows times cols elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_all_events(
    array: *const FewbitArray,
    stage: u32,
    events: *mut u64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (array, room) = unsafe {
            let array = handle::get(array)?;
            let (rows, cols) = array.dim();
            (array, memory::output(events, rows * cols, "events")?)
        };
        for (to, &events) in room.iter_mut().zip(&array.events(stage as usize)) {
            *to = events;
        }
        Ok(())
    })
}

fn place(array: &MachineArray, row: u32, col: u32) -> Outcome<(usize, usize)> {
    let ((rows, cols), (row, col)) = (array.dim(), (row as usize, col as usize));
    if row < rows && col < cols {
        return Ok((row, col));
    }
    Err(Failure::value(format!("register ({row}, {col}): the array has {rows} rows of {cols}")))
}

/// One last register after its last step.
///
/// # Safety
/// `array` is null or an array; `value` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_value(
    array: *const FewbitArray,
    row: u32,
    col: u32,
    value: *mut i64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let array = unsafe { handle::get(array) }?;
        let found = array.value(place(array, row, col)?);
        let found = i64::try_from(found).map_err(|_| {
            Failure::value(format!("register ({row}, {col}) is {found}, which int64 cannot hold"))
        })?;
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(value, found, "value") }
    })
}

/// The events of a stage of one machine since the last reset; 0 of a stage that the accumulator lacks.
///
/// # Safety
/// `array` is null or an array; `events` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_events(
    array: *const FewbitArray,
    stage: u32,
    row: u32,
    col: u32,
    events: *mut u64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let array = unsafe { handle::get(array) }?;
        let found = array.events_at(stage as usize, place(array, row, col)?);
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(events, found, "events") }
    })
}

/// Closes groups and tiles that are not full, in every machine.
///
/// # Safety
/// `array` is null or an array that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_drain(array: *mut FewbitArray) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        unsafe { handle::get_mut(array) }?.drain();
        Ok(())
    })
}

/// Forgets everything; every register starts at 0.
///
/// # Safety
/// `array` is null or an array that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_reset(array: *mut FewbitArray) -> u32 {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::get_mut(array) }?.reset(None).or_value())
}

/// As `fewbit_array_reset`; the last registers start at `starts`, row-major.
///
/// # Safety
/// As `fewbit_array_reset`; `starts` is null or has rows times cols elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_array_reset_to(array: *mut FewbitArray, starts: *const i64) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (array, starts) = unsafe {
            let array = handle::get_mut(array)?;
            let (rows, cols) = array.dim();
            (array, memory::input(starts, rows * cols, "starts")?)
        };
        let starts = ArrayView2::from_shape(array.dim(), starts).or_value()?;
        array.reset(Some(starts)).or_value()
    })
}
