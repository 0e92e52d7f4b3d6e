//! What goes from layer to layer.

use fewbit::formats::{
    Format, InfinityPolicy, IntFormat, IntRange, NanPolicy, Overflow, Policy, Rounding, Signedness,
};
use fewbit::quantize::{
    Quantizer, ScaleRule, Scheme, ZeroPoint, ZeroPointRounding, ZeroPointSource,
};
use fewbit::tensor::{AnyQuantTensor, Granularity};
use ndarray::{Array, ArrayD, Dimension};

use super::LayerError;

/// Values, and the codes that they are those of, if they come from a quantizer.
///
/// What only moves values, or chooses among them, keeps the codes: shapes, slices, concatenation with equal scales, maxima,
/// ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantValue {
    /// The values.
    pub values: ArrayD<f32>,
    /// The codes.
    pub codes: Option<AnyQuantTensor>,
}

impl<D: Dimension> From<Array<f32, D>> for QuantValue {
    fn from(values: Array<f32, D>) -> Self {
        Self { values: values.into_dyn(), codes: None }
    }
}

impl QuantValue {
    /// Other values on the grid that these lie on, which have the same channels if scales belong to channels; without codes
    /// where scales belong to rows or groups.
    pub(super) fn on_grid(&self, values: ArrayD<f32>) -> Result<Self, LayerError> {
        let codes = match &self.codes {
            Some(codes) => recoded(codes, &values)?,
            None => None,
        };
        Ok(Self { values, codes })
    }

    /// Whether a number is the value of a code.
    pub(super) fn is_on_grid(&self, x: f32) -> bool {
        let Some(codes) = &self.codes else { return false };
        let Format::Int(format) = codes.format() else { return false };
        let zeros = codes.zero_point();
        codes.scale().iter().enumerate().all(|(i, scale)| {
            let zero = zeros.and_then(|zeros| zeros.iter().nth(i)).copied().unwrap_or(0.0);
            let code = x / scale + zero;
            let nearest = code.round_ties_even();
            let inside = (format.min() as f32..=format.max() as f32).contains(&nearest);
            inside && (nearest - zero) * scale == x
        })
    }
}

/// The codes of values that already are those of codes like these.
fn recoded(
    like: &AnyQuantTensor,
    values: &ArrayD<f32>,
) -> Result<Option<AnyQuantTensor>, LayerError> {
    let granularity = like.granularity();
    match granularity {
        Granularity::Tensor => {}
        Granularity::Channel { axis } => {
            let axis = usize::try_from(axis).unwrap_or(usize::MAX);
            if values.ndim() != like.shape().len()
                || values.shape().get(axis) != like.shape().get(axis)
            {
                return Ok(None);
            }
        }
        _ => return Ok(None),
    }
    let mut scheme = Scheme::new(like.format()).with_granularity(granularity);
    if let Some(zero) = like.zero_point() {
        let (source, rounding) = (ZeroPointSource::Given(zero.clone()), ZeroPointRounding::Float);
        scheme = scheme.with_zero_point(ZeroPoint::Shifted { source, rounding });
    }
    encoded(scheme, like.scale().clone(), values).map(Some)
}

/// Codes under given scales, to the nearest.
fn encoded(
    scheme: Scheme,
    scale: ArrayD<f32>,
    values: &ArrayD<f32>,
) -> Result<AnyQuantTensor, LayerError> {
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate)
        .with_nan(NanPolicy::Zero)
        .with_infinity(InfinityPolicy::AsOverflow);
    let of = |source| LayerError::quantize("grid", source);
    let quantizer = Quantizer::new(scheme, ScaleRule::given(scale), policy).map_err(of)?;
    quantizer.quantize(&values.view()).map_err(of)
}

/// The codes of sums: whole numbers of their scale, of so many bits; `None` beyond 32 bits.
pub(super) fn sum_codes(
    values: &ArrayD<f32>,
    (scale, granularity): (ArrayD<f32>, Granularity),
    zero_point: Option<ArrayD<f32>>,
    (bits, signedness): (u32, Signedness),
) -> Result<Option<AnyQuantTensor>, LayerError> {
    let name = fewbit::formats::Excerpt::new("sums");
    let Ok(format) = IntFormat::new(bits, signedness, IntRange::Full, name) else {
        return Ok(None);
    };
    let mut scheme = Scheme::new(Format::Int(format)).with_granularity(granularity);
    if let Some(zero) = zero_point {
        let (source, rounding) = (ZeroPointSource::Given(zero), ZeroPointRounding::Float);
        scheme = scheme.with_zero_point(ZeroPoint::Shifted { source, rounding });
    }
    encoded(scheme, scale, values).map(Some)
}
