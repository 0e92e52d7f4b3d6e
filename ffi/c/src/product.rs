//! Products of integers through an accumulator.

use std::ffi::{c_char, c_void};

use fewbit::trace::Trace;
use fewbit::{Accumulator, MatmulOptions, Operand, Output, PackedMatrix, ReportLevel, matmul_into};
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::accumulator::FewbitAccumulator;
use crate::handle::{self, handles};
use crate::memory::{self, FewbitMatrix, FewbitType, apart};
use crate::report::{self, FewbitStageReport};
use crate::status::{Failure, OrValue, Outcome, answer, done};
use crate::text;
use crate::threads::{FewbitThreads, on};

/// A right operand that was packed once, such as a layer's weights. Any number of threads may use one.
pub struct FewbitPacked {
    _opaque: [u8; 0],
}

handles! {
    FewbitPacked(PackedMatrix) = "packed matrix", b"fb:packd";
}

/// `$body` with `$type` as the type of an operand's elements.
macro_rules! of_operand {
    ($element:expr, $what:literal, $type:ident => $body:expr) => {
        of_operand!(@ $element, $what, $type => $body, [I8 i8, U8 u8, I16 i16, U16 u16, I32 i32, U32 u32, I64 i64])
    };
    (@ $element:expr, $what:literal, $type:ident => $body:expr, [$($variant:ident $as:ty),+]) => {
        match $element {
            $($crate::memory::FewbitType::$variant => {
                type $type = $as;
                $body
            })+
            other => Err(other.refuse($what, "an integer type but FEWBIT_TYPE_U64")),
        }
    };
}
pub(crate) use of_operand;

/// `$body` with `$type` as the type of outputs.
macro_rules! of_output {
    ($element:expr, $type:ident => $body:expr) => {
        match $element {
            FewbitType::I16 => {
                type $type = i16;
                $body
            }
            FewbitType::I32 => {
                type $type = i32;
                $body
            }
            FewbitType::I64 => {
                type $type = i64;
                $body
            }
            other => Err(other.refuse("out", "FEWBIT_TYPE_I16, I32 or I64")),
        }
    };
}

/// Packs a right operand, `[K, N]`, of an integer type.
///
/// # Safety
/// `b` is null or a matrix whose elements can be read.
unsafe fn packed(b: *const FewbitMatrix) -> Outcome<PackedMatrix> {
    // SAFETY: the caller vouches for it.
    unsafe {
        let b = FewbitMatrix::read(b, "b")?;
        of_operand!(FewbitType::of(b.element)?, "b", B => Ok(PackedMatrix::new(b.view::<B>("b")?)))
    }
}

/// Packs a right operand, `[K, N]`, to be multiplied many times. Null where it goes wrong.
///
/// # Safety
/// `b` is null or a matrix whose elements can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_packed_new(b: *const FewbitMatrix) -> *mut FewbitPacked {
    // SAFETY: the caller vouches for it.
    answer(std::ptr::null_mut(), || Ok(handle::make(unsafe { packed(b) }?)))
}

/// Frees a packed matrix; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_packed_free(packed: *mut FewbitPacked) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(packed) });
}

/// What a product is computed from, beside `a` and `b`.
struct Job<'a> {
    acc: &'a Accumulator,
    level: ReportLevel,
    init: Option<ArrayView2<'a, i64>>,
    reports: &'a mut [FewbitStageReport],
    threads: Option<&'a rayon::ThreadPool>,
}

impl Job<'_> {
    fn run<A: Operand, T: Output>(
        self,
        a: ArrayView2<'_, A>,
        b: &PackedMatrix,
        out: ArrayViewMut2<'_, T>,
    ) -> Outcome<()> {
        let Self { acc, level, init, reports, threads } = self;
        let options = MatmulOptions { report: level, init, ..MatmulOptions::default() };
        let product = on(threads, || matmul_into(a, b, acc, &options, out).or_value())?;
        report::write(reports, product.events.as_deref(), product.report.as_ref());
        Ok(())
    }
}

/// # Safety
/// As [`fewbit_matmul_packed`].
#[allow(clippy::too_many_arguments, reason = "those of the C functions")]
unsafe fn multiply(
    acc: *const FewbitAccumulator,
    a: *const FewbitMatrix,
    b: &PackedMatrix,
    read: Option<(*const u8, usize)>,
    init: *const FewbitMatrix,
    out: *const FewbitMatrix,
    level: u32,
    reports: *mut FewbitStageReport,
    threads: *const FewbitThreads,
) -> Outcome<()> {
    // SAFETY: the caller vouches for it; what is written overlaps nothing that is read.
    unsafe {
        let acc = handle::get(acc)?;
        let threads = handle::get_optional(threads)?;
        let level = report::level(level)?;
        let (a, out) = (FewbitMatrix::read(a, "a")?, FewbitMatrix::read(out, "out")?);
        let written = out.extent("out")?;
        apart(a.extent("a")?, written, "out")?;
        if let Some(read) = read {
            apart(read, written, "out")?;
        }
        let init = if init.is_null() {
            None
        } else {
            let init = FewbitMatrix::read(init, "init")?;
            apart(init.extent("init")?, written, "out")?;
            match FewbitType::of(init.element)? {
                FewbitType::I64 => Some(init.view::<i64>("init")?),
                other => return Err(other.refuse("init", "FEWBIT_TYPE_I64")),
            }
        };
        let reports = report::room(level, reports, acc.stages().len())?;
        apart((reports.as_ptr(), reports.len()), (written.0, written.1), "out")?;
        let job = Job { acc, level, init, reports, threads };
        of_operand!(FewbitType::of(a.element)?, "a", A => of_output!(FewbitType::of(out.element)?, T => {
            job.run(a.view::<A>("a")?, b, out.view_mut::<T>("out")?)
        }))
    }
}

/// The product of `a`, `[M, K]`, and `b`, `[K, N]`, through an accumulator of integer stages, into `out`, `[M, N]`, of int16, int32
/// or int64. `a` and `b` are of integer types but uint64. `init`, `[M, N]` of int64, is what the last registers start from; null
/// for 0. `reports` has room for a report per stage, innermost first; it may be null at FEWBIT_REPORT_LEVEL_NONE.
///
/// After an error what `out` holds is not defined.
///
/// # Safety
/// The handles are null or of their kinds; the matrices are null or theirs to read, `out` and `reports` to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_matmul(
    acc: *const FewbitAccumulator,
    a: *const FewbitMatrix,
    b: *const FewbitMatrix,
    init: *const FewbitMatrix,
    out: *const FewbitMatrix,
    level: u32,
    reports: *mut FewbitStageReport,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let read = FewbitMatrix::read(b, "b")?.extent("b")?;
            multiply(acc, a, &packed(b)?, Some(read), init, out, level, reports, threads)
        }
    })
}

/// `fewbit_matmul` with a right operand that was packed before.
///
/// # Safety
/// As `fewbit_matmul`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_matmul_packed(
    acc: *const FewbitAccumulator,
    a: *const FewbitMatrix,
    b: *const FewbitPacked,
    init: *const FewbitMatrix,
    out: *const FewbitMatrix,
    level: u32,
    reports: *mut FewbitStageReport,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        unsafe {
            let b = handle::get(b)?;
            multiply(acc, a, b, None, init, out, level, reports, threads)
        }
    })
}

/// The dot product of two lists of `length` integers through an accumulator of integer stages; `reports` as in `fewbit_matmul`.
///
/// # Safety
/// `acc` is null or an accumulator; `a` and `b` are null or have `length` elements of their types; `value` and `reports` are null
/// or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_dot(
    acc: *const FewbitAccumulator,
    a: *const c_void,
    a_type: u32,
    b: *const c_void,
    b_type: u32,
    length: usize,
    value: *mut i64,
    level: u32,
    reports: *mut FewbitStageReport,
) -> u32 {
    done(|| {
        let list = |data: *const c_void, element, rows, cols| FewbitMatrix {
            data: data.cast_mut(),
            element,
            rows,
            cols,
            row_stride: cols,
            col_stride: 1,
        };
        let (a, b) = (list(a, a_type, 1, length), list(b, b_type, length, 1));
        let mut found = 0i64;
        let out = list((&raw mut found).cast_const().cast(), FewbitType::I64 as u32, 1, 1);
        let none = std::ptr::null();
        // SAFETY: the caller vouches for it; `out` is this function's own number.
        unsafe {
            memory::put(value, 0, "value")?;
            multiply(acc, &a, &packed(&b)?, None, none, &out, level, reports, std::ptr::null())?;
            memory::put(value, found, "value")
        }
    })
}

/// How output (row, col) of `fewbit_matmul` comes about, as a table of its steps in text; those that products `first_k` to `last_k`
/// enter. Valid until this thread is given the next text; empty after an error.
///
/// # Safety
/// As `fewbit_matmul`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_explain(
    acc: *const FewbitAccumulator,
    a: *const FewbitMatrix,
    b: *const FewbitMatrix,
    row: usize,
    col: usize,
    first_k: u64,
    last_k: u64,
) -> *const c_char {
    answer(c"".as_ptr(), || {
        // SAFETY: the caller vouches for it.
        let (acc, a, b) = unsafe {
            (handle::get(acc)?, FewbitMatrix::read(a, "a")?, FewbitMatrix::read(b, "b")?)
        };
        if row >= a.rows || col >= b.cols {
            return Err(Failure::length(format!(
                "output ({row}, {col}): the product has {} rows of {}",
                a.rows, b.cols
            )));
        }
        // SAFETY: the caller vouches for it.
        let (left, right) =
            unsafe { (integers(&a, "a", Some(row), None)?, integers(&b, "b", None, Some(col))?) };
        let trace = Trace::of_integers(acc, &left, &right, 0, first_k..=last_k).or_value()?;
        Ok(text::give(&trace.at((row, col)).to_string()))
    })
}

/// A row or a column of a matrix of integers.
///
/// # Safety
/// As [`FewbitMatrix::view`].
unsafe fn integers(
    matrix: &FewbitMatrix,
    what: &str,
    row: Option<usize>,
    col: Option<usize>,
) -> Outcome<Vec<i64>> {
    let what_for = what;
    of_operand!(FewbitType::of(matrix.element)?, "operand", A => {
        // SAFETY: the caller vouches for it.
        let view = unsafe { matrix.view::<A>(what_for) }?;
        Ok(match (row, col) {
            (Some(row), _) => view.row(row).iter().map(|&x| Operand::to_i64(x)).collect(),
            (None, col) => view.column(col.unwrap_or(0)).iter().map(|&x| Operand::to_i64(x)).collect(),
        })
    })
}
