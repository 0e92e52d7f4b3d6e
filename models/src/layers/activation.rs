//! Activation functions with a quantizer behind them.

use fewbit::quantize::Recipe;
use ndarray::ArrayD;

use crate::ops::{Gelu, Inputs, Op, Relu, Sigmoid, Tanh};
use crate::tensor::Tensor;

use super::quantizers::apply_to;
use super::{LayerError, QuantValue};

/// A function of one number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// `x`.
    #[default]
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// `tanh x`.
    Tanh,
    /// `x` within these bounds.
    HardTanh {
        /// The least value.
        min: f32,
        /// The greatest value.
        max: f32,
    },
    /// `x Φ(x)`, by the error function.
    Gelu,
    /// `x / (1 + e^-x)`.
    Silu,
}

/// An activation function, and what it gives rounded to codes.
///
/// ```
/// use fewbit_models::layers::{Activation, QuantActivation, QuantValue};
/// use ndarray::array;
/// let relu = QuantActivation::new(Activation::Relu, Some("Uint8ActPerTensorFloat"))?.set("bit_width", 2.into())?;
/// let y = relu.forward(&QuantValue::from(array![-1.0f32, 1.2, 3.0]))?; // 0 to 3, scale 1
/// assert_eq!(y.values, array![0.0, 1.0, 3.0].into_dyn());
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantActivation {
    /// The function.
    pub function: Activation,
    /// The quantizer, if there is one.
    pub quantizer: Option<Recipe>,
}

impl QuantActivation {
    /// A function with the preset of this name.
    ///
    /// # Errors
    /// No such preset.
    pub fn new(function: Activation, preset: Option<&str>) -> Result<Self, LayerError> {
        let quantizer = match preset {
            None => None,
            Some(name) => super::LayerQuantizers::new().output(name)?.output,
        };
        Ok(Self { function, quantizer })
    }

    /// With one field of the quantizer changed, as [`Recipe::set`].
    ///
    /// # Errors
    /// No quantizer, no such field, a value that the field cannot have.
    pub fn set(self, key: &str, value: serde_json::Value) -> Result<Self, LayerError> {
        let all = super::LayerQuantizers { output: self.quantizer, ..Default::default() };
        Ok(Self { quantizer: all.set_output(key, value)?.output, ..self })
    }

    /// The function's values, rounded.
    ///
    /// A quantizer's ends stand for the bounds of a hard tanh, which is not computed then, as in Brevitas: its scale is to be
    /// that of the bounds. Without a quantizer identity, ReLU and a hard tanh whose bounds are values of codes keep the codes that come.
    ///
    /// # Errors
    /// What the quantizer refuses.
    pub fn forward(&self, x: &QuantValue) -> Result<QuantValue, LayerError> {
        let (recipe, function) = (self.quantizer.as_ref(), self.function);
        let values = match (recipe, function) {
            (Some(_), Activation::HardTanh { .. }) => x.values.clone(),
            _ => function.apply(&x.values)?,
        };
        if recipe.is_some() {
            return apply_to("output", recipe, values);
        }
        match self.function {
            Activation::Identity => Ok(x.clone()),
            Activation::Relu => x.on_grid(values),
            Activation::HardTanh { min, max } if x.is_on_grid(min) && x.is_on_grid(max) => {
                x.on_grid(values)
            }
            _ => Ok(QuantValue::from(values)),
        }
    }
}

impl Activation {
    /// The function of every element.
    ///
    /// # Errors
    /// None in practice: every array of floats has one.
    pub fn apply(self, x: &ArrayD<f32>) -> Result<ArrayD<f32>, LayerError> {
        let run = |op: Op| -> Result<ArrayD<f32>, LayerError> {
            let x: Tensor = x.clone().into();
            let output = op.run(Inputs::new(&[Some(&x)]))?.swap_remove(0);
            Ok(output.try_into()?)
        };
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Relu => run(Relu::default().into()),
            Self::Sigmoid => run(Sigmoid::default().into()),
            Self::Tanh => run(Tanh::default().into()),
            Self::HardTanh { min, max } => Ok(x.mapv(|x| x.max(min).min(max))),
            Self::Gelu => run(Gelu::default().into()),
            Self::Silu => {
                let sigmoid = run(Sigmoid::default().into())?;
                Ok(x * &sigmoid)
            }
        }
    }
}
