//! Biases of integer layers.

use fewbit_formats::{Format, Policy};
use ndarray::ArrayD;
use serde::{Deserialize, Serialize};

use crate::quantize::{QuantizeError, Quantizer, ScaleRule, Scheme};
use crate::tensor::TensorError;

/// A bias that is added to the sums of an integer layer: `scale = input scale * weight scale`, no zero point.
///
/// The weight scale is one number, or one per output channel in any shape with as many elements as the bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bias {
    /// The format, an integer.
    #[serde(with = "crate::quantize::text")]
    pub format: Format,
    /// Rounding and ends.
    #[serde(with = "crate::quantize::text::policy")]
    pub policy: Policy,
    /// The scale of the layer's input.
    #[serde(default, with = "crate::quantize::text::optional_array")]
    pub input_scale: Option<ArrayD<f32>>,
    /// The scales of the layer's weights.
    #[serde(default, with = "crate::quantize::text::optional_array")]
    pub weight_scale: Option<ArrayD<f32>>,
}

impl Bias {
    pub(super) fn check(&self) -> Result<(), QuantizeError> {
        match self.format {
            Format::Int(_) => Ok(()),
            other => Err(QuantizeError::Description(format!(
                "`format` of a bias is {other}: expected an integer format such as int32"
            ))),
        }
    }

    /// The quantizer of a bias of this shape, with the product of the scales.
    ///
    /// # Errors
    /// A scale that is missing, or has another number of elements than the bias.
    pub fn quantizer(&self, shape: &[usize]) -> Result<Quantizer, QuantizeError> {
        self.check()?;
        let remedy =
            "set `input_scale` and `weight_scale`, each a number or one per element of the bias";
        let (Some(input), Some(weight)) = (&self.input_scale, &self.weight_scale) else {
            let what =
                if self.input_scale.is_none() { "the input scale" } else { "the weight scale" };
            return Err(QuantizeError::Missing { what, remedy });
        };
        let elements: usize = shape.iter().product();
        let fits = |what, scale: &ArrayD<f32>| {
            if scale.len() == 1 || scale.len() == elements && shape.len() == 1 {
                return Ok(());
            }
            Err(QuantizeError::Tensor(TensorError::ParameterShape {
                what,
                found: scale.shape().to_vec(),
                expected: shape.to_vec(),
                shape: shape.to_vec(),
                granularity: "one scale, or one per element of the bias".into(),
            }))
        };
        fits("input scale", input)?;
        fits("weight scale", weight)?;
        let scheme = Scheme::new(self.format);
        let at = |scale: &ArrayD<f32>, i: usize| {
            let found = scale.iter().nth(if scale.len() == 1 { 0 } else { i });
            found.copied().unwrap_or(f32::NAN)
        };
        let each = input.len() > 1 || weight.len() > 1;
        let (scheme, scale) = if each {
            let scale = (0..elements).map(|i| at(input, i) * at(weight, i)).collect();
            let scale: ndarray::Array1<f32> = scale;
            (scheme.per_channel(0), scale.into_dyn())
        } else {
            (scheme, ndarray::arr0(at(input, 0) * at(weight, 0)).into_dyn())
        };
        Quantizer::new(scheme, ScaleRule::given(scale), self.policy)
    }
}
