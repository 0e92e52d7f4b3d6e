//! The numbers of I-BERT's integer functions.
//!
//! The constants and the order of operations are those of the authors' code (`kssteven418/I-BERT`,
//! `fairseq/quantization/utils/quant_modules.py` at 22e5b9b: `IntSoftmax`, `IntGELU`, `IntLayerNorm`), which computes on
//! integers held in float tensors; the paper is arXiv 2101.01321, algorithms 1 to 4, whose exponential has its square
//! completed and other digits. Here the integers are integers, and the numbers made of a scale are made in f64.

use super::error::FunctionError;
use crate::requantize::{Excess, MultiplierShift, RequantizePolicy};

/// I-BERT's exponential of numbers up to 0: `2^-z p(r)`, where `x = -z ln 2 + r` and `p` is a polynomial of degree 2.
///
/// [`reference::functions::ibert_exp`](crate::reference::functions::ibert_exp) computes it.
///
/// ```
/// use fewbit::functions::IbertExp;
/// let exp = IbertExp::new(0.01)?;
/// assert_eq!(exp.ln_2(), -70); // floor(-0.6931 / 0.01)
/// assert_eq!(exp.linear(), 270); // floor(0.96963238 / 0.35815147 / 0.01) = floor(270.73)
/// assert_eq!(exp.constant(), 27921); // floor(1 / 0.35815147 / 0.0001)
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IbertExp {
    ln_2: i64,
    linear: i64,
    constant: i64,
    output_scale: f64,
}

impl IbertExp {
    /// `-ln 2`, in four digits.
    #[allow(
        clippy::approx_constant,
        reason = "the digits of the authors' code, which results depend on"
    )]
    const LN_2: f64 = -0.6931;
    /// `a x^2 + b x + c`.
    const POLYNOMIAL: [f64; 3] = [0.35815147, 0.96963238, 1.0];
    /// The greatest power of two that is divided by, and fraction bits of the result.
    pub(crate) const BITS: u32 = 30;

    /// For inputs in units of `scale`.
    ///
    /// `floor(-0.6931 / S)`, `floor(b / a / S)`, `floor(c / a / S^2)`; results are in units of `a S^2 / 2^30`.
    ///
    /// # Errors
    /// A scale outside of 2^-15 to 0.5: below, results would not fit 63 bits; above, `ln 2` would be one unit.
    pub fn new(scale: f64) -> Result<Self, FunctionError> {
        in_range("scale of the exponential", scale, 2f64.powi(-15), 0.5, "2^-15 to 0.5")?;
        let [a, b, c] = Self::POLYNOMIAL;
        Ok(Self {
            ln_2: (Self::LN_2 / scale).floor() as i64,
            linear: (b / a / scale).floor() as i64,
            constant: (c / a / (scale * scale)).floor() as i64,
            output_scale: a * (scale * scale) / 2f64.powi(Self::BITS as i32),
        })
    }

    /// `-ln 2` in units of the scale.
    #[must_use]
    pub const fn ln_2(&self) -> i64 {
        self.ln_2
    }

    /// The factor of the linear term.
    #[must_use]
    pub const fn linear(&self) -> i64 {
        self.linear
    }

    /// The constant term.
    #[must_use]
    pub const fn constant(&self) -> i64 {
        self.constant
    }

    /// The unit of results.
    #[must_use]
    pub const fn output_scale(&self) -> f64 {
        self.output_scale
    }
}

/// I-BERT's GELU: `x / 2 (1 + L(x / 1.4142))`, where `L` is a clipped polynomial of degree 2 for the error function.
///
/// [`reference::functions::ibert_gelu`](crate::reference::functions::ibert_gelu) computes it.
///
/// ```
/// use fewbit::functions::IbertGelu;
/// let gelu = IbertGelu::new(0.02)?;
/// assert_eq!(gelu.shift(), -126); // floor(-1.769 / (0.02 / 1.4142))
/// assert!(gelu.output_scale() < 0.0); // the polynomial opens downward
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IbertGelu {
    shift: i64,
    constant: i64,
    one: i64,
    output_scale: f64,
}

impl IbertGelu {
    /// `a (x + b)^2 + c`.
    const POLYNOMIAL: [f64; 3] = [-0.2888, -1.769, 1.0];
    /// The square root of 2, in five digits.
    #[allow(
        clippy::approx_constant,
        reason = "the digits of the authors' code, which results depend on"
    )]
    const ROOT_2: f64 = 1.4142;
    /// Bits that are cut off the polynomial.
    pub(crate) const BITS: u32 = 14;

    /// For inputs in units of `scale`.
    ///
    /// With `S = scale / 1.4142`: `floor(b / S)`, `floor(c / a / S^2)`, and `floor(1 / (a S^2 2^14))` for 1; results are
    /// in units of `scale a S^2 2^14 / 2`, which is negative.
    ///
    /// # Errors
    /// A scale outside of 2^-20 to 1.
    pub fn new(scale: f64) -> Result<Self, FunctionError> {
        in_range("scale of the GELU", scale, 2f64.powi(-20), 1.0, "2^-20 to 1")?;
        let [a, b, c] = Self::POLYNOMIAL;
        let inner = scale / Self::ROOT_2;
        let erf_scale = inner * inner * a * 2f64.powi(Self::BITS as i32);
        Ok(Self {
            shift: (b / inner).floor() as i64,
            constant: (c / a / (inner * inner)).floor() as i64,
            one: (1.0 / erf_scale).floor() as i64,
            output_scale: scale * erf_scale / 2.0,
        })
    }

    /// `b` in units of the scale; its negative is where the polynomial ends.
    #[must_use]
    pub const fn shift(&self) -> i64 {
        self.shift
    }

    /// The constant term.
    #[must_use]
    pub const fn constant(&self) -> i64 {
        self.constant
    }

    /// 1 in units of the error function.
    #[must_use]
    pub const fn one(&self) -> i64 {
        self.one
    }

    /// The unit of results, negative.
    #[must_use]
    pub const fn output_scale(&self) -> f64 {
        self.output_scale
    }
}

/// I-BERT's softmax: exponentials, requantized to 16 bits, times the reciprocal of their sum.
///
/// [`reference::functions::ibert_softmax`](crate::reference::functions::ibert_softmax) computes it. The scale of the 16 bits
/// is a calibrated one in I-BERT (`QuantAct`); here it is given.
///
/// ```
/// use fewbit::functions::IbertSoftmax;
/// let softmax = IbertSoftmax::new(0.01, 1.0 / 32767.0, 8)?;
/// assert_eq!(softmax.output_scale(), 1.0 / 256.0);
/// assert!(IbertSoftmax::new(0.01, 1.0 / 32767.0, 33).is_err());
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IbertSoftmax {
    exp: IbertExp,
    to_16_bits: MultiplierShift,
    bits: u32,
}

impl IbertSoftmax {
    /// For inputs in units of `scale`, exponentials in 16 bits of `exp_scale` each and results of `bits` fraction bits.
    ///
    /// # Errors
    /// As [`IbertExp::new`]; an `exp_scale` outside of 2^-16 to 1; bits outside of 1 to 32.
    pub fn new(scale: f64, exp_scale: f64, bits: u32) -> Result<Self, FunctionError> {
        let exp = IbertExp::new(scale)?;
        in_range("scale of the 16-bit exponentials", exp_scale, 2f64.powi(-16), 1.0, "2^-16 to 1")?;
        if !(1..=32).contains(&bits) {
            let (value, least, most) = (bits.into(), 1, 32);
            return Err(FunctionError::Integer {
                what: "number of output bits",
                value,
                least,
                most,
            });
        }
        // `batch_frexp`: as TFLite's derivation, but without its flush of small factors to 0.
        let (mut factor, mut exponent) = (exp.output_scale / exp_scale, 0);
        while factor < 0.5 {
            (factor, exponent) = (factor * 2.0, exponent - 1);
        }
        let what = "ratio of the exponential's scales";
        let derived = RequantizePolicy::Gemmlowp(Excess::Wrap).derive(factor).map_err(|_| {
            FunctionError::Number { what, value: factor, expected: "above 0 and below 2^30" }
        })?;
        let to_16_bits = MultiplierShift { shift: derived.shift + exponent, ..derived };
        Ok(Self { exp, to_16_bits, bits })
    }

    /// The exponential.
    #[must_use]
    pub const fn exp(&self) -> &IbertExp {
        &self.exp
    }

    /// Multiplier, in units of 2^-31, and shift to the left of the requantization to 16 bits.
    #[must_use]
    pub const fn to_16_bits(&self) -> MultiplierShift {
        self.to_16_bits
    }

    /// Fraction bits of results.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// The unit of results.
    #[must_use]
    pub fn output_scale(&self) -> f64 {
        2f64.powi(-(self.bits as i32))
    }
}

/// I-BERT's normalization of a row: by its root of squares, about its mean (layer norm) or about 0 (RMS norm).
///
/// [`reference::functions::layer_norm`](crate::reference::functions::layer_norm) and
/// [`reference::functions::rms_norm`](crate::reference::functions::rms_norm) compute it. The shift keeps the sum of squares
/// within 32 bits where I-BERT's hardware needs that; it is 0 unless stated.
///
/// ```
/// use fewbit::functions::IbertNorm;
/// let norm = IbertNorm::new(3)?;
/// assert_eq!(norm.shift(), 3);
/// assert_eq!(IbertNorm::output_scale(64), 8.0 / 1073741824.0); // sqrt(64) / 2^30
/// # Ok::<(), fewbit::functions::FunctionError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IbertNorm {
    shift: u32,
}

impl IbertNorm {
    /// With deviations divided by `2^shift`, rounded down, before they are squared.
    ///
    /// # Errors
    /// A shift above 31.
    pub fn new(shift: u32) -> Result<Self, FunctionError> {
        if shift > 31 {
            let (value, least, most) = (shift.into(), 0, 31);
            return Err(FunctionError::Integer {
                what: "shift of the squares",
                value,
                least,
                most,
            });
        }
        Ok(Self { shift })
    }

    /// The shift.
    #[must_use]
    pub const fn shift(self) -> u32 {
        self.shift
    }

    /// The unit of results for rows of `length` elements, `sqrt(length) / 2^30`.
    #[must_use]
    pub fn output_scale(length: usize) -> f64 {
        (length as f64).sqrt() / 2f64.powi(30)
    }
}

fn in_range(
    what: &'static str,
    value: f64,
    least: f64,
    most: f64,
    expected: &'static str,
) -> Result<(), FunctionError> {
    if value >= least && value <= most {
        return Ok(());
    }
    Err(FunctionError::Number { what, value, expected })
}
