//! From a real scale to a multiplier and a shift, as each stack does it.

use super::error::RequantizeError;
use super::parameters::{PerChannel, ScaleParameters};
use super::policy::{RequantizePolicy, ScaleKind};

/// A multiplier and a shift in a stack's own convention: TOSA shifts to the right, by 2 to 62; the others have TFLite's
/// exponent, `31 - tosa_shift`, positive to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MultiplierShift {
    /// The multiplier, in units of 2^-31 (of 2^-15 for `tosa16`).
    pub multiplier: i32,
    /// The shift.
    pub shift: i32,
}

impl RequantizePolicy {
    /// The multiplier and the shift that the policy's stack makes of a real scale.
    ///
    /// With `scale = q 2^e`, `1/2 <= |q| < 1` (C's `frexp`), the multiplier is `q 2^31` (`q 2^15` for `tosa16`) rounded to
    /// the nearest, ties away from zero; where that is `2^31` it is halved and `e` grows by one. Then
    ///
    /// - TFLite's `QuantizeMultiplier` (`gemmlowp`, `ruy`, `tflite16`, and `cmsis`, which gets its numbers from it): the
    ///   shift is `e`; below -31 both become 0. With single rounding (`tflite-single`, `cmsis-single`) an `e` above 30
    ///   becomes 30 with the greatest multiplier. A scale of 0 gives 0 and 0.
    /// - TOSA (MLIR's `computeMultiplierAndShift`): the shift is `31 - e`, `15 - e` for `tosa16`. What is above 62 becomes
    ///   62, and the multiplier is shifted to the right by the rest, at most 31.
    ///
    /// # Errors
    /// A scale that is not finite, or negative where multipliers are not; a shift that the policy does not have; a policy
    /// without multiplier.
    ///
    /// ```
    /// use fewbit::requantize::{Excess, MultiplierShift, RequantizePolicy};
    /// let tflite = RequantizePolicy::Gemmlowp(Excess::Wrap).derive(0.375)?; // 0.75 * 2^-1
    /// assert_eq!(tflite, MultiplierShift { multiplier: 3 << 29, shift: -1 });
    /// let tosa = RequantizePolicy::Tosa32(Excess::Refuse).derive(0.375)?;
    /// assert_eq!(tosa, MultiplierShift { multiplier: 3 << 29, shift: 32 });
    /// # Ok::<(), fewbit::requantize::RequantizeError>(())
    /// ```
    pub fn derive(self, scale: f64) -> Result<MultiplierShift, RequantizeError> {
        self.derive_channel(scale, 0)
    }

    /// As [`Self::derive`], for a channel that errors name.
    fn derive_channel(
        self,
        scale: f64,
        channel: usize,
    ) -> Result<MultiplierShift, RequantizeError> {
        let (Some((least, _)), Some(shifts)) = (self.multiplier_range(), self.shift_range()) else {
            return Err(RequantizeError::NoMultiplier { policy: self });
        };
        if !scale.is_finite() || (least == 0 && scale < 0.0) {
            let expected = if least == 0 { "at least 0 and finite" } else { "finite" };
            return Err(RequantizeError::Scale { policy: self, channel, scale, expected });
        }
        let MultiplierShift { multiplier, shift } = match self {
            Self::Tosa32(_) | Self::Tosa32Double(_) => tosa(scale, 31),
            Self::Tosa16(_) => tosa(scale, 15),
            Self::TfliteSingle(_) | Self::CmsisSingle(_) => match tflite(scale) {
                // A magnitude too large is the greatest one.
                MultiplierShift { shift: 31.., multiplier } => MultiplierShift {
                    multiplier: if multiplier < 0 { i32::MIN } else { i32::MAX },
                    shift: 30,
                },
                fits => fits,
            },
            _ => tflite(scale),
        };
        if shift < shifts.0 || shift > shifts.1 {
            let (least, most) = shifts;
            return Err(RequantizeError::DerivedShift {
                policy: self,
                channel,
                scale,
                shift,
                least,
                most,
            });
        }
        Ok(MultiplierShift { multiplier, shift })
    }

    /// The policy's numbers for real scales: [`Self::derive`] for a multiplier and a shift; the exponent of a power of two
    /// for `shift`; the nearest f32 for `onnx` and `finn`, whose bias is 0; the scales themselves for `exact`.
    ///
    /// # Errors
    /// As [`Self::derive`]; a scale that is no power of two for `shift`; thresholds, which no scale gives.
    ///
    /// ```
    /// use fewbit::requantize::{PerChannel, RequantizePolicy, ScaleParameters};
    /// let shift: RequantizePolicy = "shift-ties-even".parse()?;
    /// let numbers = shift.parameters(&PerChannel::Tensor(0.125))?;
    /// assert_eq!(numbers, ScaleParameters::Shift(PerChannel::Tensor(3)));
    /// assert!(shift.parameters(&PerChannel::Tensor(0.1)).is_err());
    /// # Ok::<(), fewbit::requantize::RequantizeError>(())
    /// ```
    pub fn parameters(self, scales: &PerChannel<f64>) -> Result<ScaleParameters, RequantizeError> {
        Ok(match self.kind() {
            ScaleKind::MultiplierShift => {
                let both = scales.try_map(|channel, &scale| self.derive_channel(scale, channel))?;
                ScaleParameters::MultiplierShift {
                    multiplier: both.map(|both| both.multiplier),
                    shift: both.map(|both| both.shift),
                }
            }
            ScaleKind::Shift => ScaleParameters::Shift(scales.try_map(|channel, &scale| {
                let (q, exponent) = frexp(scale);
                if q == 0.5 {
                    return Ok(1 - exponent);
                }
                let expected = "a power of two, 2^-shift";
                Err(RequantizeError::Scale { policy: self, channel, scale, expected })
            })?),
            ScaleKind::Float => ScaleParameters::Float(scales.map(|&scale| scale as f32)),
            ScaleKind::Exact => ScaleParameters::Exact(scales.clone()),
            ScaleKind::Affine => ScaleParameters::Affine {
                scale: scales.map(|&scale| scale as f32),
                bias: PerChannel::Tensor(0.0),
            },
            ScaleKind::Thresholds => {
                let expected = ScaleKind::Thresholds.description();
                return Err(RequantizeError::Kind { policy: self, expected, found: "a scale" });
            }
        })
    }
}

/// TFLite's `QuantizeMultiplier`.
fn tflite(scale: f64) -> MultiplierShift {
    match fixed(scale, 31) {
        (_, ..-31) => MultiplierShift { multiplier: 0, shift: 0 },
        (multiplier, shift) => MultiplierShift { multiplier, shift },
    }
}

/// MLIR's `computeMultiplierAndShift` for a multiplier of `bits` bits.
fn tosa(scale: f64, bits: i32) -> MultiplierShift {
    let (multiplier, exponent) = fixed(scale, bits);
    let shift = bits - exponent;
    let beyond = (shift - 62).max(0);
    MultiplierShift { multiplier: multiplier >> beyond.min(31), shift: shift - beyond }
}

/// `(q 2^bits, e)` with `scale = q 2^e`, rounded to the nearest, ties away from zero.
fn fixed(scale: f64, bits: i32) -> (i32, i32) {
    let (q, exponent) = frexp(scale);
    // At most 2^31 in magnitude; the product with a power of two is exact.
    let fixed = (q * f64::from(1u32 << bits)).round() as i64;
    if fixed == 1 << bits { ((fixed / 2) as i32, exponent + 1) } else { (fixed as i32, exponent) }
}

/// C's `frexp`: `(q, e)` with `x = q 2^e` and `1/2 <= |q| < 1`; `(0, 0)` for zero. Other than finite gives itself and 0.
fn frexp(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    // Subnormal numbers are made normal first.
    let (x, least) = if x.abs() < f64::MIN_POSITIVE { (x * 2f64.powi(64), 64) } else { (x, 0) };
    let field = (x.to_bits() >> 52 & 0x7ff) as i32;
    let q = f64::from_bits(x.to_bits() & !(0x7ff << 52) | 1022 << 52);
    (q, field - 1022 - least)
}
