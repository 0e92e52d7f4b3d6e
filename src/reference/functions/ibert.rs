//! I-BERT's exponential, error function, GELU and softmax on integers. Where the authors' code has `torch.floor`, divisions
//! round toward negative infinity.

use crate::functions::{FunctionError, IbertExp, IbertGelu, IbertSoftmax};

/// I-BERT's exponential of an integer up to 0 in units of its scale (`int_exp`).
///
/// ```text
/// x = max(x, 30 q0)                     q0 = floor(-0.6931 / S)
/// z = floor(x / q0),  r = x - z q0      0 <= z <= 30
/// max(floor((r (r + b) + c) 2^(30 - z)), 0)
/// ```
///
/// # Errors
/// An integer above 0 or below -2^31.
///
/// ```
/// use fewbit::functions::IbertExp;
/// use fewbit::reference::functions::ibert_exp;
/// let exp = IbertExp::new(0.01)?;
/// assert_eq!(ibert_exp(&exp, 0)?, 27921 << 30);
/// assert_eq!(ibert_exp(&exp, -70)?, 27921 << 29); // a half for 0.7
/// assert_eq!(ibert_exp(&exp, -35)?, (-35 * (-35 + 270) + 27921) << 30);
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
pub fn ibert_exp(exp: &IbertExp, x: i64) -> Result<i64, FunctionError> {
    if x > 0 || x < i32::MIN.into() {
        let (value, least, most) = (x.into(), i32::MIN.into(), 0);
        return Err(FunctionError::Integer {
            what: "input of the exponential",
            value,
            least,
            most,
        });
    }
    let ln_2 = exp.ln_2();
    let bits = i64::from(IbertExp::BITS);
    let x = x.max(bits * ln_2);
    // Both are negative or 0: truncation is the floor.
    let z = x / ln_2;
    let r = x - z * ln_2;
    let polynomial = r * (r + exp.linear()) + exp.constant();
    Ok((polynomial << (bits - z)).max(0))
}

/// I-BERT's error function of an integer in units of `scale / 1.4142` (`int_erf`), in units of `a S^2 2^14`.
///
/// `floor(sgn(x) ((min(|x|, -b) + b)^2 + c) / 2^14)`
///
/// # Errors
/// An integer of more than 32 bits.
///
/// ```
/// use fewbit::functions::IbertGelu;
/// use fewbit::reference::functions::ibert_erf;
/// let gelu = IbertGelu::new(0.001)?;
/// assert_eq!(ibert_erf(&gelu, 1 << 20)?, (gelu.constant()).div_euclid(1 << 14)); // beyond -b
/// assert_eq!(ibert_erf(&gelu, 0)?, 0);
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
pub fn ibert_erf(gelu: &IbertGelu, x: i64) -> Result<i64, FunctionError> {
    if i32::try_from(x).is_err() {
        let (value, least, most) = (x.into(), i32::MIN.into(), i32::MAX.into());
        return Err(FunctionError::Integer { what: "input of the GELU", value, least, most });
    }
    let distance = x.abs().min(-gelu.shift()) + gelu.shift();
    let polynomial = x.signum() * (distance * distance + gelu.constant());
    Ok(polynomial >> IbertGelu::BITS)
}

/// I-BERT's GELU of an integer in units of its scale: `x (erf(x) + floor(1 / (a S^2 2^14)))`.
///
/// # Errors
/// An integer of more than 32 bits.
///
/// ```
/// use fewbit::functions::IbertGelu;
/// use fewbit::reference::functions::ibert_gelu;
/// let gelu = IbertGelu::new(0.001)?;
/// let real = ibert_gelu(&gelu, 1000)? as f64 * gelu.output_scale();
/// assert!((real - 0.8413).abs() < 0.02); // GELU(1), to the approximation's error
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
pub fn ibert_gelu(gelu: &IbertGelu, x: i64) -> Result<i64, FunctionError> {
    // At most 32 bits times 31: see the scale's least value.
    Ok(x * (ibert_erf(gelu, x)? + gelu.one()))
}

/// I-BERT's softmax of a row of integers in units of its scale, in units of `2^-bits`.
///
/// ```text
/// e_i = exp(x_i - max x), requantized: round(e_i m / 2^(31 - s)), ties to even, saturated to 16 bits
/// f   = floor(2^32 / sum of e_i)
/// y_i = floor(e_i f / 2^(32 - bits))
/// ```
///
/// # Errors
/// A row without elements; differences of more than 32 bits; exponentials that all become 0.
///
/// ```
/// use fewbit::functions::IbertSoftmax;
/// use fewbit::reference::functions::ibert_softmax;
/// let softmax = IbertSoftmax::new(0.01, 1.0 / 32767.0, 8)?;
/// assert_eq!(ibert_softmax(&softmax, &[7, 7])?, [127, 127]); // a little below 1/2, rounded down
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
pub fn ibert_softmax(softmax: &IbertSoftmax, row: &[i32]) -> Result<Vec<i64>, FunctionError> {
    let Some(&greatest) = row.iter().max() else {
        return Err(FunctionError::Empty { what: "softmax" });
    };
    let exp = |&x: &i32| {
        let exp = ibert_exp(softmax.exp(), i64::from(x) - i64::from(greatest))?;
        Ok(to_16_bits(softmax, exp))
    };
    let exps: Vec<i64> = row.iter().map(exp).collect::<Result<_, FunctionError>>()?;
    let sum: i64 = exps.iter().sum();
    if sum < 1 {
        let (value, least, most) = (sum.into(), 1, i64::MAX);
        let what = "sum of the exponentials in 16 bits";
        return Err(FunctionError::Integer { what, value, least, most });
    }
    let factor = (1i64 << 32) / sum;
    // At most 15 and 32 bits.
    Ok(exps.iter().map(|&exp| (exp * factor) >> (32 - softmax.bits())).collect())
}

/// `fixedpoint_mul` for 16 bits, on an exact product.
fn to_16_bits(softmax: &IbertSoftmax, exp: i64) -> i64 {
    let by = softmax.to_16_bits();
    let product = i128::from(exp) * i128::from(by.multiplier);
    let right = 31 - by.shift;
    let rounded = match right {
        ..=0 => product << right.unsigned_abs().min(32),
        127.. => 0,
        _ => {
            let whole = product >> right;
            let rest = product - (whole << right);
            let half = 1 << (right - 1);
            whole + i128::from(rest > half || rest == half && whole & 1 == 1)
        }
    };
    rounded.clamp(-(1 << 15), (1 << 15) - 1) as i64
}
