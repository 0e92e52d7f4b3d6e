//! Layers that put several inputs together.

use fewbit::formats::{Format, Signedness};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::ArrayD;

use super::quantizers::apply;
use super::value::sum_codes;
use super::{JoinQuantizers, LayerError, QuantValue};

/// A sum of two values of one shape; one quantizer makes codes of both, so that codes can be added.
///
/// Without an output quantizer the sum has the codes that it is, of the bits that its range takes.
///
/// ```
/// use fewbit_models::layers::{JoinQuantizers, QuantEltwiseAdd, QuantValue};
/// use ndarray::array;
/// let quantizers = JoinQuantizers::new()
///     .input("Int8ActPerTensorFloat")?
///     .set_input("scale.source", serde_json::json!({ "given": 1.0 }))?;
/// let add = QuantEltwiseAdd { quantizers };
/// let y = add.forward(&QuantValue::from(array![100.4f32]), &QuantValue::from(array![90.0f32]))?;
/// assert_eq!(y.values, array![190.0].into_dyn());
/// assert_eq!(y.codes.map(|codes| codes.format().to_string()), Some("int9".into())); // -256 to 254
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantEltwiseAdd {
    /// The quantizers.
    pub quantizers: JoinQuantizers,
}

impl QuantEltwiseAdd {
    /// The sum.
    ///
    /// # Errors
    /// Values of different shapes; what a quantizer refuses.
    pub fn forward(&self, x: &QuantValue, y: &QuantValue) -> Result<QuantValue, LayerError> {
        let input = self.quantizers.input.as_ref();
        let (x, y) = (apply("input", input, x)?, apply("input", input, y)?);
        let (a, b) = (x.values.shape(), y.values.shape());
        if a != b {
            return Err(LayerError::Shape(format!("a sum of {a:?} and {b:?}: expected one shape")));
        }
        let values = &x.values + &y.values;
        let codes = match (&x.codes, &y.codes) {
            (Some(a), Some(b)) if self.quantizers.output.is_none() => sum(&values, a, b)?,
            _ => None,
        };
        apply("output", self.quantizers.output.as_ref(), &QuantValue { values, codes })
    }
}

/// The codes of a sum of integers of one scale, or one per channel.
fn sum(
    values: &ArrayD<f32>,
    a: &AnyQuantTensor,
    b: &AnyQuantTensor,
) -> Result<Option<AnyQuantTensor>, LayerError> {
    let (Format::Int(x), Format::Int(y)) = (a.format(), b.format()) else { return Ok(None) };
    let granularity = a.granularity();
    let by_group = matches!(granularity, Granularity::Row | Granularity::Group { .. });
    if by_group || granularity != b.granularity() || a.scale() != b.scale() {
        return Ok(None);
    }
    let full = |bits: u32, signed: bool| match signed {
        true => (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1),
        false => (0, (1i64 << bits) - 1),
    };
    let (x, y) = (full(x.bits(), x.is_signed()), full(y.bits(), y.is_signed()));
    let (low, high) = (x.0 + y.0, x.1 + y.1);
    let signedness = if low < 0 { Signedness::Signed } else { Signedness::Unsigned };
    let bits = match signedness {
        Signedness::Unsigned => 64 - high.leading_zeros(),
        _ => 65 - (-low - 1).max(high).leading_zeros(),
    };
    let zero = match (a.zero_point(), b.zero_point()) {
        (Some(a), Some(b)) => Some(a + b),
        (one, other) => one.or(other).cloned(),
    };
    sum_codes(values, (a.scale().clone(), granularity), zero, (bits, signedness))
}

/// Values side by side along an axis; one quantizer makes codes of all of them, so that codes can lie side by side.
///
/// ```
/// use fewbit_models::layers::{JoinQuantizers, QuantCat, QuantValue};
/// use ndarray::array;
/// let quantizers = JoinQuantizers::new()
///     .input("Int8ActPerTensorFloat")?
///     .set_input("scale.source", serde_json::json!({ "given": 0.5 }))?;
/// let cat = QuantCat { axis: 1, quantizers };
/// let y = cat.forward(&[array![[0.6f32]].into(), array![[100.0f32]].into()])?;
/// assert_eq!(y.values, array![[0.5, 63.5]].into_dyn());
/// assert!(y.codes.is_some());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantCat {
    /// The axis.
    pub axis: usize,
    /// The quantizers.
    pub quantizers: JoinQuantizers,
}

impl QuantCat {
    /// The values side by side.
    ///
    /// # Errors
    /// No values; shapes that do not fit; what a quantizer refuses.
    pub fn forward(&self, parts: &[QuantValue]) -> Result<QuantValue, LayerError> {
        let input = self.quantizers.input.as_ref();
        let parts = parts.iter().map(|part| apply("input", input, part));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let joined = QuantValue::concatenate(&parts, self.axis)?;
        apply("output", self.quantizers.output.as_ref(), &joined)
    }
}
