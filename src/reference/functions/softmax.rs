//! TFLite's integer softmax, of 8-bit inputs by fixed point and of int16 by tables.

use super::fixed_point::{divided, gemmlowp_exp, gemmlowp_reciprocal, product};
use super::table::look_up;
use crate::functions::table::Table;
use crate::functions::{FunctionError, TfliteSoftmax, TfliteSoftmax16};

/// Integer bits of the sum of exponentials.
const SUM_BITS: u32 = 12;

/// TFLite's reference softmax of one row of 8-bit integers, int8 or uint8 (`reference_ops::Softmax` in
/// `tensorflow/lite/kernels/internal/reference/softmax.h`, tflite-micro at d138bfc).
///
/// ```text
/// d_i = x_i - max x                                 those below the least difference give the output's least value
/// e_i = exp(high product of d_i 2^shift with m)     Q5.26 to Q0.31, gemmlowp's exponential
/// s   = sum of e_i / 2^12, each rounded             Q12.19
/// 1/s = 2^-n / (1 + f)                              n and f from the leading zeros; gemmlowp's reciprocal
/// y_i = (1/(1 + f) * e_i) / 2^(n + 31 - bits), ties away from zero, from the output's least value on; saturated
/// ```
///
/// # Errors
/// A row without elements; an element outside of -128 to 255; a sum beyond 32 bits, from 4096 equal elements on.
///
/// ```
/// use fewbit::functions::{SoftmaxOutput, TfliteSoftmax};
/// use fewbit::reference::functions::softmax_tflite;
/// let softmax = TfliteSoftmax::new(1.0, 0.1, SoftmaxOutput::Int16)?;
/// assert_eq!(softmax_tflite(&softmax, &[5, 5, 5, 5])?, [-16384; 4]); // 1/4
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
pub fn softmax_tflite(softmax: &TfliteSoftmax, row: &[i32]) -> Result<Vec<i32>, FunctionError> {
    let Some(&greatest) = row.iter().max() else {
        return Err(FunctionError::Empty { what: "softmax" });
    };
    if let Some(&x) = row.iter().find(|x| !(-128..=255).contains(*x)) {
        let (value, least, most) = (x.into(), -128, 255);
        return Err(FunctionError::Integer {
            what: "input of an 8-bit softmax",
            value,
            least,
            most,
        });
    }
    let exps: Vec<Option<i32>> = row.iter().map(|&x| exp(softmax, x - greatest)).collect();
    let sum: i64 = exps.iter().flatten().map(|&e| i64::from(divided(e, SUM_BITS))).sum();
    let length = row.len();
    let Ok(register) = i32::try_from(sum) else {
        return Err(FunctionError::Sum { length, sum });
    };
    // The greatest element's is 2^19: there is a leading one.
    let zeros = register.leading_zeros();
    let above_one = SUM_BITS as i32 - zeros as i32;
    let fraction = (i64::from(register) << zeros) - (1 << 31);
    let scale = gemmlowp_reciprocal(fraction as i32);
    let bits = softmax.output().bits();
    let exponent = (above_one + 31 - bits as i32).unsigned_abs();
    let (least, most) = softmax.output().range();
    let outputs = exps.iter().map(|exp| match exp {
        None => least,
        Some(exp) => (divided(product(scale, *exp), exponent) + least).clamp(least, most),
    });
    Ok(outputs.collect())
}

/// The exponential of a difference, if it counts.
fn exp(softmax: &TfliteSoftmax, difference: i32) -> Option<i32> {
    if difference < softmax.least_difference() {
        return None;
    }
    // Differences that count fit; others, of numbers that no scale gives, wrap as C does.
    let shifted = difference.wrapping_mul(1i32.wrapping_shl(softmax.left_shift() as u32));
    Some(gemmlowp_exp(product(shifted, softmax.multiplier()), TfliteSoftmax::INTEGER_BITS))
}

/// TFLite's softmax of one row of int16, from 0 to 32767 in units of 2^-15 (`reference_ops::SoftmaxInt16`, the same source).
///
/// ```text
/// e_i = exp of d_i = x_i - max x, brought to the table's unit as `gemmlowp` requantizes, plus 32767, saturated to 16 bits
/// s   = sum of e_i                                  Q16.15, n leading zeros
/// r   = 1/(1 + f), f = round(s 2^(n-1) / 2^14) - 2^15 - 2^16, saturated to 16 bits: the second table
/// y_i = (e_i r + 2^(30-n)) / 2^(31-n), rounded down, saturated from 0
/// ```
///
/// # Errors
/// A row without elements; a sum beyond 32 bits.
///
/// ```
/// use fewbit::functions::TfliteSoftmax16;
/// use fewbit::reference::functions::softmax_tflite_int16;
/// let softmax = TfliteSoftmax16::new(1.0, 0.001)?;
/// let thirds = softmax_tflite_int16(&softmax, &[500, 500, 500])?;
/// assert!(thirds.iter().all(|y| (y - 10923).abs() <= 2)); // 2^15 / 3
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
pub fn softmax_tflite_int16(
    softmax: &TfliteSoftmax16,
    row: &[i16],
) -> Result<Vec<i32>, FunctionError> {
    let Some(&greatest) = row.iter().max() else {
        return Err(FunctionError::Empty { what: "softmax" });
    };
    let exps = row.iter().map(|&x| {
        let difference = i32::from(x) - i32::from(greatest);
        entry(softmax.exp(), scaled(softmax, difference).wrapping_add(32767))
    });
    let exps: Vec<i32> = exps.collect();
    let sum: i64 = exps.iter().map(|&e| i64::from(e)).sum();
    let length = row.len();
    let Ok(register) = i32::try_from(sum) else {
        return Err(FunctionError::Sum { length, sum });
    };
    // The greatest element's is at least 2^14: from 1 to 17 leading zeros.
    let zeros = register.leading_zeros().clamp(1, 30);
    let shifted = ((i64::from(register) << (zeros - 1)) + (1 << 13)) >> 14;
    let reciprocal = entry(softmax.reciprocal(), (shifted - (1 << 15) - (1 << 16)) as i32);
    let right = 31 - zeros;
    let half = (1 << right) >> 1;
    let outputs = exps.iter().map(|&e| {
        let scaled = (i64::from(e) * i64::from(reciprocal) + half) >> right;
        scaled.clamp(0, 32767) as i32
    });
    Ok(outputs.collect())
}

/// `MultiplyByQuantizedMultiplier`.
fn scaled(softmax: &TfliteSoftmax16, difference: i32) -> i32 {
    let by = softmax.to_exp();
    let shifted = difference.wrapping_mul(1i32.wrapping_shl(by.shift.max(0).unsigned_abs()));
    divided(product(shifted, by.multiplier), (-by.shift).max(0).unsigned_abs())
}

/// The table's output for an integer, saturated to 16 bits.
fn entry(table: &Table, input: i32) -> i32 {
    let code = input.clamp(-32768, 32767) as u16;
    // Every code has an entry.
    let found = look_up(table, code.into()).unwrap_or_default();
    i32::from(found as u16 as i16)
}
