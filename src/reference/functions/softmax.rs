//! TFLite's integer softmax of 8-bit inputs.

use super::fixed_point::{divided, gemmlowp_exp, gemmlowp_reciprocal, product};
use crate::functions::{FunctionError, TfliteSoftmax};

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
