//! Activation functions with attributes.

use crate::tensor::Tensor;

use super::broadcast::{expand, zip};
use super::functions::{erf, exp_m1, sigmoid, tanh};
use super::parallel::map;
use super::set::{attributes, words};
use super::typed::{array, dense, same_number};
use super::unary::{each, like_first};
use super::{Attributes, Fact, Inputs, OpError, Operator, Read};

words! {
    /// How GELU is computed.
    GeluForm {
        /// By the error function.
        Exact = "none";
        /// By the hyperbolic tangent of a cubic.
        Tanh = "tanh";
    }
}

attributes! {
    /// x, or alpha x below 0.
    LeakyRelu {
        /// The slope below 0.
        "alpha" alpha: f32 = 0.01;
    }
    /// x, or alpha (e^x - 1) below 0.
    Elu {
        /// The negative of the limit.
        "alpha" alpha: f32 = 1.0;
    }
    /// gamma x, or gamma alpha (e^x - 1) below 0.
    Selu {
        /// The factor below 0.
        "alpha" alpha: f32 = 1.673_263_2;
        /// The factor everywhere.
        "gamma" gamma: f32 = 1.050_701;
    }
    /// x, or alpha (e^(x / alpha) - 1) below 0.
    Celu {
        /// The negative of the limit.
        "alpha" alpha: f32 = 1.0;
    }
    /// x above alpha, else 0.
    ThresholdedRelu {
        /// The threshold.
        "alpha" alpha: f32 = 1.0;
    }
    /// max(0, min(1, alpha x + beta)).
    HardSigmoid {
        /// The slope.
        "alpha" alpha: f32 = 0.2;
        /// The value at 0.
        "beta" beta: f32 = 0.5;
    }
    /// x sigmoid(alpha x).
    Swish {
        /// The slope inside.
        "alpha" alpha: f32 = 1.0;
    }
    /// x times the normal distribution at x.
    Gelu {
        /// How it is computed.
        "approximate" form: GeluForm = GeluForm::Exact;
    }
    /// x, or slope x below 0, with a slope that broadcasts.
    PRelu {}
    /// x within limits, which are inputs.
    Clip {}
}

macro_rules! floats {
    ($($name:ident, [$($field:ident),*] => $f:expr;)*) => {$(
        impl Operator for $name {
            fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                like_first(inputs)
            }

            fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                let Self { $($field),* } = *self;
                each(inputs, $f)
            }
        }
    )*};
}

floats! {
    LeakyRelu, [alpha] => move |x| if x < 0.0 { alpha * x } else { x };
    Elu, [alpha] => move |x| if x < 0.0 { alpha * exp_m1(x) } else { x };
    Selu, [alpha, gamma] => move |x| if x <= 0.0 { gamma * alpha * exp_m1(x) } else { gamma * x };
    Celu, [alpha] => move |x| if x > 0.0 { x } else { alpha * exp_m1(x / alpha) };
    ThresholdedRelu, [alpha] => move |x| if x > alpha { x } else { 0.0 };
    HardSigmoid, [alpha, beta] => move |x: f32| (alpha * x + beta).clamp(0.0, 1.0);
    Swish, [alpha] => move |x| x * sigmoid(alpha * x);
    Gelu, [form] => move |x| gelu(x, form);
}

/// GELU of a number.
#[inline(always)]
fn gelu(x: f32, form: GeluForm) -> f32 {
    match form {
        GeluForm::Exact => 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)),
        GeluForm::Tanh => {
            let root = (2.0 / std::f32::consts::PI).sqrt();
            0.5 * x * (1.0 + tanh(root * (x + 0.044_715 * x * x * x)))
        }
    }
}

impl Operator for PRelu {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        let slope = expand(inputs.array::<f32>(1, "slope")?, x.shape())?;
        Ok(vec![zip(x, &slope, |x: f32, slope: f32| if x < 0.0 { slope * x } else { x })?.into()])
    }
}

impl Operator for Clip {
    /// Until 10, the limits are attributes.
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        let read = Read::from(Self {});
        if opset >= 11 {
            return Ok(read);
        }
        let min = attributes.float("min")?.map(Tensor::scalar);
        let max = attributes.float("max")?.map(Tensor::scalar);
        Ok(read.with(1, min).with(2, max))
    }

    fn since(&self) -> i64 {
        11
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "X")?;
        let (min, max) = (inputs.optional(1), inputs.optional(2));
        let mut out = x.clone();
        if let Some(min) = min {
            out = same_number!("Clip", &[&out, min], a => {
                let low = limit(a[1].iter().copied())?;
                array(a[0].shape(), map(&dense(a[0]), |x| if x < low { low } else { x }))?
            });
        }
        if let Some(max) = max {
            out = same_number!("Clip", &[&out, max], a => {
                let high = limit(a[1].iter().copied())?;
                array(a[0].shape(), map(&dense(a[0]), |x| if x > high { high } else { x }))?
            });
        }
        Ok(vec![out])
    }
}

/// The one number of a limit.
fn limit<T>(mut numbers: impl Iterator<Item = T>) -> Result<T, OpError> {
    match (numbers.next(), numbers.next()) {
        (Some(limit), None) => Ok(limit),
        _ => Err(OpError::Shape("a limit is one number".into())),
    }
}
