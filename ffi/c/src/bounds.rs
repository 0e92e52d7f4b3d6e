//! What given weights can do to a register at worst, and the input that does it.

use fewbit::accumulate::bounds::{InputRange, Inputs, Layer, Side};
use ndarray::ArrayView2;

use crate::accumulator::FewbitAccumulator;
use crate::handle;
use crate::memory::{self, FewbitMatrix, FewbitType, apart};
use crate::report::FewbitInt128;
use crate::status::{Failure, OrValue, Outcome, done};

/// The worst case of one stage of one row of weights.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct FewbitBound {
    /// The least value that the register takes for any input; the 0 that it starts from counts.
    pub min: FewbitInt128,
    /// The greatest value.
    pub max: FewbitInt128,
    /// The two's complement width that holds both.
    pub required_bits: u32,
    /// The width that the norm of the weights asks for (A2Q).
    pub a2q_bits: u32,
    /// Whether the register of the accumulator holds both.
    pub fits: u32,
    /// 1 where the greatest value asks for the width, 0 where the least does.
    pub upper: u32,
}

/// # Safety
/// `weights` is null or a matrix whose elements can be read.
unsafe fn weights<'a>(weights: *const FewbitMatrix) -> Outcome<ArrayView2<'a, i64>> {
    // SAFETY: the caller vouches for it.
    unsafe {
        let matrix = FewbitMatrix::read(weights, "weights")?;
        match FewbitType::of(matrix.element)? {
            FewbitType::I64 => matrix.view::<i64>("weights"),
            other => Err(other.refuse("weights", "FEWBIT_TYPE_I64")),
        }
    }
}

/// The exact worst cases of every row of `weights`, `[rows, K]` of int64, over all inputs of `low` to `high` and all steps: row by row,
/// a bound per stage, innermost first. `bounds` has room for `length`, which is rows times stages.
///
/// # Safety
/// `acc` is null or an accumulator; `weights` is null or theirs to read, `bounds` to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_bounds(
    acc: *const FewbitAccumulator,
    matrix: *const FewbitMatrix,
    low: i64,
    high: i64,
    bounds: *mut FewbitBound,
    length: usize,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let (acc, matrix) = unsafe { (handle::get(acc)?, weights(matrix)?) };
        let stages = acc.stages();
        if Some(length) != matrix.nrows().checked_mul(stages.len()) {
            return Err(Failure::length(format!(
                "{} rows of {} stages have as many bounds, and there is room for {length}",
                matrix.nrows(),
                stages.len()
            )));
        }
        // SAFETY: the caller vouches for it.
        let room = unsafe { memory::output(bounds, length, "bounds") }?;
        let layer = Layer::new(matrix, Inputs::Same(InputRange::new(low, high))).or_value()?;
        let found = layer.bounds(acc).or_value()?;
        for (row, (room, bounds)) in room.chunks_mut(stages.len()).zip(found.rows()).enumerate() {
            for (index, (to, bound)) in room.iter_mut().zip(&bounds.stages).enumerate() {
                *to = FewbitBound {
                    min: bound.min.into(),
                    max: bound.max.into(),
                    required_bits: bound.required_bits,
                    a2q_bits: found.a2q_bits(row, index),
                    fits: stages.get(index).is_some_and(|stage| bound.fits(stage.register)).into(),
                    upper: (bound.side() == Side::Upper).into(),
                };
            }
        }
        Ok(())
    })
}

/// The inputs of `low` to `high` for which every register of a row reaches its greatest value, or its least where `upper` is 0: a
/// stimulus. `inputs` has room for `length`, which is the columns of the weights.
///
/// # Safety
/// `weights` is null or theirs to read, `inputs` to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_witness(
    matrix: *const FewbitMatrix,
    low: i64,
    high: i64,
    row: usize,
    upper: u32,
    inputs: *mut i64,
    length: usize,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let matrix = unsafe { weights(matrix) }?;
        let (rows, cols) = matrix.dim();
        if row >= rows || length != cols {
            return Err(Failure::length(format!(
                "row {row} and room for {length} inputs: the weights have {rows} rows of {cols}"
            )));
        }
        let side = if upper == 0 { Side::Lower } else { Side::Upper };
        let layer = Layer::new(matrix, Inputs::Same(InputRange::new(low, high))).or_value()?;
        let found = layer.witness(row, side);
        if let Some(weights) = matrix.as_slice_memory_order() {
            apart((weights.as_ptr(), weights.len()), (inputs.cast_const(), length), "inputs")?;
        }
        // SAFETY: the caller vouches for it.
        unsafe { memory::output(inputs, length, "inputs") }?.copy_from_slice(&found);
        Ok(())
    })
}
