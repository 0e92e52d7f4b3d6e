//! Products of codes through any accumulator.

use std::ffi::c_char;

use fewbit::convert::Code;
use fewbit::reference::{FloatMatmul, FloatOperand, Scales};
use fewbit::trace::Trace;
use fewbit::{FloatOptions, matmul_float};
use ndarray::Array2;

use crate::accumulator::FewbitAccumulator;
use crate::arrays::of_codes;
use crate::format::{FewbitFormat, format};
use crate::handle;
use crate::memory::{FewbitMatrix, FewbitType, apart};
use crate::report::{self, FewbitFloatStageReport};
use crate::status::{Failure, OrValue, Outcome, answer, done};
use crate::text;
use crate::threads::{FewbitThreads, on};

/// A matrix of codes, with or without block scales along k.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FewbitOperand {
    /// The codes, of uint8, uint16 or uint32.
    pub codes: FewbitMatrix,
    /// Their format.
    pub format: *const FewbitFormat,
    /// The codes of scales: `[M, K / block]` of a left operand, `[K / block, N]` of a right one, rounded up. Not looked at
    /// where `scale_format` is null.
    pub scales: FewbitMatrix,
    /// The format of scales; null where there are none.
    pub scale_format: *const FewbitFormat,
    /// Elements that share a scale.
    pub block: usize,
}

/// # Safety
/// As [`FewbitMatrix::view`].
unsafe fn codes(matrix: &FewbitMatrix, what: &str) -> Outcome<Array2<u32>> {
    of_codes!(FewbitType::of(matrix.element)?, "codes", C => {
        // SAFETY: the caller vouches for it.
        Ok(unsafe { matrix.view::<C>(what) }?.map(|code| code.to_u32()))
    })
}

/// # Safety
/// `operand` is null or an operand whose codes can be read.
unsafe fn read(
    operand: *const FewbitOperand,
    what: &str,
) -> Outcome<(FloatOperand, FewbitOperand)> {
    // SAFETY: the caller vouches for it.
    unsafe {
        let found = crate::memory::input(operand, 1, what)?;
        let operand = *found.first().ok_or_else(|| Failure::length(what))?;
        let values =
            FloatOperand::from_codes(codes(&operand.codes, what)?.view(), format(operand.format)?);
        let values = values.map_err(|error| Failure::value(format!("{what}: {error}")))?;
        if operand.scale_format.is_null() {
            return Ok((values, operand));
        }
        if operand.block == 0 {
            return Err(Failure::value(format!("{what}: blocks of 0 elements")));
        }
        let scales = codes(&operand.scales, "scales")?;
        let scales =
            Scales::from_codes(scales.view(), format(operand.scale_format)?, operand.block);
        let scales =
            scales.map_err(|error| Failure::value(format!("scales of {what}: {error}")))?;
        Ok((values.with_scales(scales), operand))
    }
}

/// The product of codes `a`, `[M, K]`, and `b`, `[K, N]`, through any accumulator, into `out`, `[M, N]` of doubles: the last
/// registers' values, each the nearest double. Stochastic rounding takes the random bits of `seed`. `init`, `[M, N]` of doubles, is
/// what the last registers start from; null for 0. `reports` has room for a report per stage, innermost first; it may be null at
/// FEWBIT_REPORT_LEVEL_NONE.
///
/// After an error what `out` holds is not defined.
///
/// # Safety
/// The handles are null or of their kinds; the matrices are null or theirs to read, `out` and `reports` to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_matmul_float(
    acc: *const FewbitAccumulator,
    a: *const FewbitOperand,
    b: *const FewbitOperand,
    init: *const FewbitMatrix,
    seed: u64,
    out: *const FewbitMatrix,
    level: u32,
    reports: *mut FewbitFloatStageReport,
    threads: *const FewbitThreads,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it; what is written overlaps nothing that is read later.
        unsafe {
            let acc = handle::get(acc)?;
            let threads = handle::get_optional(threads)?;
            let level = report::level(level)?;
            let out = FewbitMatrix::read(out, "out")?;
            let ((left, a), (right, b)) = (read(a, "a")?, read(b, "b")?);
            let written = out.extent("out")?;
            apart(a.codes.extent("a")?, written, "out")?;
            apart(b.codes.extent("b")?, written, "out")?;
            let init = if init.is_null() {
                None
            } else {
                let init = FewbitMatrix::read(init, "init")?;
                apart(init.extent("init")?, written, "out")?;
                match FewbitType::of(init.element)? {
                    FewbitType::F64 => Some(init.view::<f64>("init")?),
                    other => return Err(other.refuse("init", "FEWBIT_TYPE_F64")),
                }
            };
            let mut room = match FewbitType::of(out.element)? {
                FewbitType::F64 => out.view_mut::<f64>("out")?,
                other => return Err(other.refuse("out", "FEWBIT_TYPE_F64")),
            };
            let shape = (left.values().nrows(), right.values().ncols());
            if room.dim() != shape {
                return Err(Failure::length(format!(
                    "the product is {}x{}, and there is room for {}x{}",
                    shape.0, shape.1, out.rows, out.cols
                )));
            }
            let reports = report::room(level, reports, acc.stages().len())?;
            apart((reports.as_ptr(), reports.len()), written, "out")?;
            let options = FloatOptions { report: level, seed, init, ..FloatOptions::default() };
            let product = on(threads, || matmul_float(&left, &right, acc, &options).or_value())?;
            room.assign(&product.values);
            report::write_float(reports, product.report.as_ref());
        }
        Ok(())
    })
}

/// How output (row, col) of `fewbit_matmul_float` comes about, as a table of its steps in text; those that products `first_k` to
/// `last_k` enter. Valid until this thread is given the next text; empty after an error.
///
/// # Safety
/// As `fewbit_matmul_float`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_explain_float(
    acc: *const FewbitAccumulator,
    a: *const FewbitOperand,
    b: *const FewbitOperand,
    seed: u64,
    row: usize,
    col: usize,
    first_k: u64,
    last_k: u64,
) -> *const c_char {
    answer(c"".as_ptr(), || {
        // SAFETY: the caller vouches for it.
        let (acc, (a, _), (b, _)) = unsafe { (handle::get(acc)?, read(a, "a")?, read(b, "b")?) };
        let (m, n) = (a.values().nrows(), b.values().ncols());
        if row >= m || col >= n {
            return Err(Failure::length(format!(
                "output ({row}, {col}): the product has {m} rows of {n}"
            )));
        }
        let problem = FloatMatmul::new(&a, &b, acc, None, seed).or_value()?;
        let trace = Trace::of_output(&problem, (row, col), first_k..=last_k).or_value()?;
        Ok(text::give(&trace.to_string()))
    })
}
