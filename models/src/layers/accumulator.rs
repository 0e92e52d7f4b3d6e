//! Wide codes to narrow ones, as layers of their own.

use fewbit::formats::Format;
use fewbit::quantize::{QuantizeError, Recipe, Truncation, TruncationScale};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{ArrayD, Axis, arr0};

use super::quantizers::by_name;
use super::value::sum_codes;
use super::{LayerError, QuantValue};

/// The high bits of codes: sums of a layer without output quantizer, or of a pool.
///
/// ```text
/// q = round(x / scale + zero point)     code = clamp(round(q / step))     step = 2^(bits of q - bits)
/// ```
///
/// ```
/// use fewbit_models::layers::{LayerQuantizers, QuantLinear, QuantValue, TruncAccumulator};
/// use ndarray::array;
/// let quantizers = LayerQuantizers::new()
///     .input("Int8ActPerTensorFloat")?
///     .set_input("scale.source", serde_json::json!({ "given": 1.0 }))?
///     .weight("Int8WeightPerTensorFloat")?;
/// let sums = QuantLinear::new(array![[127.0]], None, quantizers).forward(&array![[100.0f32]].into())?;
/// let y = TruncAccumulator::new("TruncTo8bit")?.forward(&sums)?;
/// assert_eq!(y.values, array![[12544.0]].into_dyn()); // 12700 of 16 bits, a multiple of 2^8
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TruncAccumulator {
    /// What is cut off, and how; scale, zero point, width and sign are those of the codes that come.
    pub truncation: Truncation,
}

impl TruncAccumulator {
    /// With the preset of this name.
    ///
    /// # Errors
    /// No such preset, or one that is no truncation.
    pub fn new(preset: &str) -> Result<Self, LayerError> {
        match by_name("truncation", preset)? {
            Recipe::Truncation(truncation) => Ok(Self { truncation }),
            _ => {
                Err(wrong(format!("{preset} is no truncation: choose RoundTo8bit or TruncTo8bit")))
            }
        }
    }

    /// The codes that are left, with the scale that they have.
    ///
    /// # Errors
    /// A value without codes of integers; scales of channels for a step that depends on all values.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let (codes, _) = integer_codes(x)?;
        match codes.granularity() {
            Granularity::Tensor => {
                let parameters = (codes.scale(), codes.zero_point());
                self.part(codes, parameters, x.values.clone())
            }
            Granularity::Channel { axis } if self.truncation.step == TruncationScale::Msb => {
                self.channels(x, codes, axis as usize)
            }
            other => Err(wrong(format!("codes with scales per {other}: one for all is needed"))),
        }
    }

    /// Values under one scale and zero point.
    fn part(
        &self,
        codes: &AnyQuantTensor,
        (scale, zero): (&ArrayD<f32>, Option<&ArrayD<f32>>),
        values: ArrayD<f32>,
    ) -> Result<QuantValue, LayerError> {
        let truncation = Truncation {
            input_scale: scale.first().copied(),
            input_zero_point: zero.and_then(|zero| zero.first().copied()).unwrap_or(0.0),
            input_bits: Some(codes.bit_width()),
            input_signed: codes.format().is_signed(),
            ..self.truncation.clone()
        };
        let found = Recipe::Truncation(truncation).quantize(&values.view());
        let found = found.map_err(|source| LayerError::quantize("truncation", source))?;
        Ok(QuantValue { values: found.values, codes: Some(found.tensor) })
    }

    /// Values with a scale per index of an axis.
    fn channels(
        &self,
        x: &QuantValue,
        codes: &AnyQuantTensor,
        axis: usize,
    ) -> Result<QuantValue, LayerError> {
        let mut values = x.values.clone();
        let mut narrow = ArrayD::<u32>::zeros(x.values.raw_dim());
        let (mut scale, mut zero) = (codes.scale().clone(), codes.zero_point().cloned());
        let mut format = codes.format();
        for channel in 0..x.values.len_of(Axis(axis)) {
            let of = |parameter: &ArrayD<f32>| {
                let one = parameter.iter().nth(channel).copied().unwrap_or(f32::NAN);
                arr0(one).into_dyn()
            };
            let (one, shift) = (of(&scale), zero.as_ref().map(of));
            let part = x.values.index_axis(Axis(axis), channel).to_owned();
            let found = self.part(codes, (&one, shift.as_ref()), part)?;
            values.index_axis_mut(Axis(axis), channel).assign(&found.values);
            if let Some(found) = found.codes {
                narrow.index_axis_mut(Axis(axis), channel).assign(&found.codes());
                format = found.format();
                set(&mut scale, channel, found.scale());
                if let Some(zero) = &mut zero {
                    set(zero, channel, found.zero_point().unwrap_or(&arr0(0.0).into_dyn()));
                }
            }
        }
        let granularity = Granularity::Channel { axis: axis as isize };
        let codes = AnyQuantTensor::new(format, &narrow.view(), scale, zero, granularity);
        let codes = codes.map_err(|source| LayerError::quantize("truncation", source.into()))?;
        Ok(QuantValue { values, codes: Some(codes) })
    }
}

fn set(parameters: &mut ArrayD<f32>, channel: usize, one: &ArrayD<f32>) {
    if let (Some(place), Some(&value)) = (parameters.iter_mut().nth(channel), one.first()) {
        *place = value;
    }
}

/// Codes clamped to fewer bits, with the scale that they have.
///
/// ```text
/// code = clamp(round(x / scale + zero point))     value = (code - zero point) scale
/// ```
///
/// ```
/// use fewbit_models::layers::{ClampAccumulator, LayerQuantizers, QuantLinear};
/// use ndarray::array;
/// let quantizers = LayerQuantizers::new()
///     .input("Int8ActPerTensorFloat")?
///     .set_input("scale.source", serde_json::json!({ "given": 1.0 }))?
///     .weight("Int8WeightPerTensorFloat")?;
/// let sums = QuantLinear::new(array![[127.0]], None, quantizers).forward(&array![[100.0f32]].into())?;
/// let y = ClampAccumulator { bits: 12 }.forward(&sums)?;
/// assert_eq!(y.values, array![[2047.0]].into_dyn());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClampAccumulator {
    /// Bits of the result; the sign is that of the codes that come.
    pub bits: u32,
}

impl ClampAccumulator {
    /// The codes that are left.
    ///
    /// # Errors
    /// A value without codes of integers; a width that there is not.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let (codes, signed) = integer_codes(x)?;
        let signedness = if signed {
            fewbit::formats::Signedness::Signed
        } else {
            fewbit::formats::Signedness::Unsigned
        };
        let shared = (codes.scale().clone(), codes.granularity());
        let zero = codes.zero_point().cloned();
        let clamped = sum_codes(&x.values, shared, zero, (self.bits, signedness))?;
        let bits = self.bits;
        let clamped = clamped.ok_or_else(|| wrong(format!("{bits} bits: expected 1 to 32")))?;
        Ok(QuantValue { values: clamped.dequantize(), codes: Some(clamped) })
    }
}

/// The codes, and whether they have a sign.
fn integer_codes(x: &QuantValue) -> Result<(&AnyQuantTensor, bool), LayerError> {
    let codes = x.codes.as_ref();
    let codes = codes.ok_or_else(|| wrong("what comes has no codes: quantize it first".into()))?;
    match codes.format() {
        Format::Int(int) => Ok((codes, int.is_signed())),
        other => Err(wrong(format!("what comes has codes of {other}: expected integers"))),
    }
}

fn wrong(problem: String) -> LayerError {
    LayerError::quantize("truncation", QuantizeError::Description(problem))
}
