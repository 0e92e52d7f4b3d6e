//! Functions of each element without attributes.

use crate::tensor::{ElementType, Tensor};

use super::functions;
use super::parallel::{map, map_floats};
use super::set::attributes;
use super::typed::{array, dense};
use super::{Fact, Inputs, OpError, Operator};

/// A function of each number.
pub(crate) fn each(
    inputs: Inputs<'_, Tensor>,
    f: impl Fn(f32) -> f32 + Copy + Sync,
) -> Result<Vec<Tensor>, OpError> {
    let x = inputs.array::<f32>(0, "X")?;
    Ok(vec![array(x.shape(), map_floats(&dense(x), f))?.into()])
}

/// The first input's type and shape.
pub(crate) fn like_first(inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
    Ok(vec![inputs.required(0, "X")?.clone().without_known()])
}

/// A row per operator on floats.
macro_rules! floats {
    ($($(#[$doc:meta])* $name:ident = $f:expr;)*) => {
        attributes! { $( $(#[$doc])* $name {} )* }

        $(
            impl Operator for $name {
                fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                    like_first(inputs)
                }

                fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                    each(inputs, $f)
                }
            }
        )*
    };
}

floats! {
    /// The square root.
    Sqrt = f32::sqrt;
    /// 1 / x.
    Reciprocal = |x| 1.0 / x;
    /// e^x.
    Exp = functions::exp;
    /// The natural logarithm.
    Log = f32::ln;
    /// The next integer below.
    Floor = f32::floor;
    /// The next integer above.
    Ceil = f32::ceil;
    /// The nearest integer, ties to even.
    Round = f32::round_ties_even;
    /// The sine.
    Sin = f32::sin;
    /// The cosine.
    Cos = f32::cos;
    /// The tangent.
    Tan = f32::tan;
    /// The angle whose tangent this is.
    Atan = f32::atan;
    /// The hyperbolic tangent.
    Tanh = functions::tanh;
    /// 1 / (1 + e^-x).
    Sigmoid = functions::sigmoid;
    /// The error function.
    Erf = functions::erf;
    /// x tanh(ln(1 + e^x)).
    Mish = |x| x * functions::tanh(softplus(x));
    /// ln(1 + e^x).
    Softplus = softplus;
    /// x / (1 + |x|).
    Softsign = |x| x / (1.0 + x.abs());
    /// x max(0, min(1, x / 6 + 1 / 2)).
    HardSwish = |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0);
}

/// max(0, x); NaN stays.
#[inline(always)]
pub(super) fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// ln(1 + e^x) without overflow.
pub(crate) fn softplus(x: f32) -> f32 {
    x.max(0.0) + functions::exp(-x.abs()).ln_1p() + if x.is_nan() { x } else { 0.0 }
}

attributes! {
    /// max(0, x), of floats and integers.
    Relu {}
    /// -x, of floats and integers.
    Neg {}
    /// |x|, of floats and integers.
    Abs {}
    /// -1, 0 or 1.
    Sign {}
    /// The other truth value.
    Not {}
    /// Whether it is a NaN.
    IsNaN {}
    /// Whether it is an infinity.
    IsInf {
        /// Whether positive ones count.
        "detect_positive" positive: bool = true;
        /// Whether negative ones count.
        "detect_negative" negative: bool = true;
    }
}

/// A row per operator on numbers: of floats, of signed integers, of unsigned integers.
macro_rules! numbers {
    ($($name:ident = $float:expr, $signed:ident => $integer:expr, $natural:expr;)*) => {$(
        impl Operator for $name {
            fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                like_first(inputs)
            }

            fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                let unsigned = $natural;
                macro_rules! unsigned {
                    ($a:expr) => {
                        array($a.shape(), dense($a).iter().map(|&x| unsigned(u64::from(x)) as _).collect())?
                    };
                }
                Ok(vec![match inputs.required(0, "X")? {
                    Tensor::F32(a) => array(a.shape(), map_floats(&dense(a), $float))?.into(),
                    Tensor::I64(a) => {
                        array(a.shape(), dense(a).iter().map(|&$signed| $integer).collect())?.into()
                    }
                    Tensor::I32(a) => {
                        array(a.shape(), dense(a).iter().map(|&$signed| $integer).collect())?.into()
                    }
                    Tensor::I16(a) => {
                        array(a.shape(), dense(a).iter().map(|&$signed| $integer).collect())?.into()
                    }
                    Tensor::I8(a) => {
                        array(a.shape(), dense(a).iter().map(|&$signed| $integer).collect())?.into()
                    }
                    Tensor::U64(a) => Tensor::U64(unsigned!(a)),
                    Tensor::U32(a) => Tensor::U32(unsigned!(a)),
                    Tensor::U16(a) => Tensor::U16(unsigned!(a)),
                    Tensor::U8(a) => Tensor::U8(unsigned!(a)),
                    other => {
                        let found = other.element_type();
                        return Err(OpError::Unsupported(format!("{} of {found}", stringify!($name))));
                    }
                }])
            }
        }
    )*};
}

numbers! {
    Relu = relu, x => x.max(0), |x: u64| x;
    Neg = |x: f32| -x, x => x.wrapping_neg(), u64::wrapping_neg;
    Abs = f32::abs, x => x.wrapping_abs(), |x: u64| x;
    Sign = |x: f32| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x }, x => x.signum(),
        |x: u64| x.min(1);
}

/// Truth values of the first input's shape.
fn truth(inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
    let shape = inputs.required(0, "X")?.shape.clone();
    Ok(vec![Fact { element: Some(ElementType::Bool), shape, known: None }])
}

impl Operator for Not {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        truth(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<bool>(0, "X")?;
        Ok(vec![array(x.shape(), map(&dense(x), |x: bool| !x))?.into()])
    }
}

impl Operator for IsNaN {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        truth(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        Ok(vec![array(x.shape(), map(&dense(x), f32::is_nan))?.into()])
    }
}

impl Operator for IsInf {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        truth(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        let is_inf = |x: f32| {
            (self.positive && x == f32::INFINITY) || (self.negative && x == f32::NEG_INFINITY)
        };
        Ok(vec![array(x.shape(), map(&dense(x), is_inf))?.into()])
    }
}
