//! `Quantize`: the values of codes, in the domain `ai.fewbit`.

use fewbit::quantize::{Quantizer, ScaleSource, ZeroPoint, ZeroPointSource};
use fewbit::tensor::AnyQuantTensor;
use ndarray::{ArcArray, ArrayD, IxDyn};

use crate::tensor::{ElementType, Tensor};

use super::dynamic_rows::DynamicRows;
use super::static_integer::StaticInteger;
use super::{Attribute, AttributeSet, Attributes, Fact, Inputs, OpError, Operator};

/// `Quantize`: what is left of X when each element is rounded to a code: the value of the code.
///
/// ```text
/// Y = (clamp(round(X / scale + zero point)) - zero point) * scale
/// ```
///
/// It is the quantizer on a value of the network, whether a weight, a bias or an activation. Until a calibration has given it
/// scales, it takes them from each tensor anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantize {
    /// What rounds.
    pub quantizer: Quantizer,
    /// Quantizers of the same name here have the same scale.
    pub shared_scale: Option<String>,
}

impl Quantize {
    /// A quantizer that shares its scale with no other one.
    #[must_use]
    pub fn new(quantizer: Quantizer) -> Self {
        Self { quantizer, shared_scale: None }
    }

    /// Whether scales and zero points are numbers that do not depend on X.
    #[must_use]
    pub fn is_static(&self) -> bool {
        let scale = matches!(
            self.quantizer.scale_rule().source,
            ScaleSource::Given(_) | ScaleSource::Constant(_) | ScaleSource::Collected(_)
        );
        let zero_point = match &self.quantizer.scheme().zero_point {
            ZeroPoint::Zero => true,
            ZeroPoint::Shifted { source, .. } => {
                matches!(source, ZeroPointSource::Given(_) | ZeroPointSource::Offset(_))
            }
            _ => false,
        };
        scale && zero_point
    }

    /// The codes of X.
    ///
    /// # Errors
    /// What the quantizer refuses.
    pub fn codes(&self, x: &ArcArray<f32, IxDyn>) -> Result<AnyQuantTensor, OpError> {
        self.quantizer.quantize(&x.view()).map_err(|error| OpError::Shape(error.to_string()))
    }
}

/// The attribute with the quantizer, as JSON.
const QUANTIZER: &str = "quantizer";
/// The attribute with the name of the shared scale.
const SHARED: &str = "shared_scale";

impl AttributeSet for Quantize {
    fn from_attributes(attributes: &mut Attributes) -> Result<Self, OpError> {
        let text = attributes.text(QUANTIZER)?;
        let text = text.ok_or_else(|| OpError::attribute(QUANTIZER, "it is missing"))?;
        let quantizer = serde_json::from_str(&text)
            .map_err(|error| OpError::attribute(QUANTIZER, error.to_string()))?;
        Ok(Self { quantizer, shared_scale: attributes.text(SHARED)? })
    }

    fn put_attributes(&self, attributes: &mut Attributes) {
        // A quantizer is a tree of numbers and names: it has a JSON form.
        let text = serde_json::to_string(&self.quantizer).unwrap_or_default();
        attributes.insert(QUANTIZER, Attribute::Text(text));
        if let Some(name) = &self.shared_scale {
            attributes.insert(SHARED, Attribute::Text(name.clone()));
        }
    }
}

impl Operator for Quantize {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "X")?;
        Ok(vec![Fact { element: Some(ElementType::F32), shape: x.shape.clone(), known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        let plan = StaticInteger::of(&self.quantizer);
        let values = x.as_slice().zip(plan).and_then(|(x, plan)| plan.values(x));
        let of_rows = || DynamicRows::of(&self.quantizer)?.values(x);
        if let Some(values) = values.or_else(of_rows)
            && let Ok(array) = ArrayD::from_shape_vec(x.raw_dim(), values)
        {
            return Ok(vec![array.into()]);
        }
        Ok(vec![self.codes(x)?.dequantize().into()])
    }
}
