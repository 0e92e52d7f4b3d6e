//! QONNX's operators: numbers that stay floats and lie on the grid of a quantizer.
//!
//! What they compute follows the PyPI package `qonnx` 1.0.0 (`qonnx/custom_op/general`), step by step in `f32`.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::broadcast::{expand, zip};
use super::set::{attributes, words};
use super::shape::around;
use super::typed::{array, dense};
use super::unary::like_first;
use super::{AttributeSet, Attributes, Fact, Inputs, OpError, Operator, Read};

words! {
    /// How a number becomes an integer. QONNX's `ROUND` is `HALF_EVEN`.
    QuantRounding {
        /// To the nearest, ties to even.
        HalfEven = "ROUND" | "round" | "HALF_EVEN" | "half_even";
        /// Up.
        Ceil = "CEIL" | "ceil";
        /// Down.
        Floor = "FLOOR" | "floor";
        /// Away from zero.
        Up = "UP" | "up";
        /// Toward zero.
        Down = "DOWN" | "down";
        /// To the nearest, ties away from zero.
        HalfUp = "HALF_UP" | "half_up";
        /// To the nearest, ties toward zero.
        HalfDown = "HALF_DOWN" | "half_down";
    }
}

impl QuantRounding {
    /// The integer.
    pub(crate) fn round(self, x: f32) -> f32 {
        // The sign of a zero is zero: what rounds to nothing is +0 or -0 by the product.
        let sign = if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            x
        };
        match self {
            Self::HalfEven => x.round_ties_even(),
            Self::Ceil => x.ceil(),
            Self::Floor => x.floor(),
            Self::Up => sign * x.abs().ceil(),
            Self::Down => x.trunc(),
            Self::HalfUp => sign * (x.abs() + 0.5).floor(),
            Self::HalfDown => sign * (x.abs() - 0.5).ceil(),
        }
    }
}

attributes! {
    /// Integers of some bits, times a scale: inputs X, scale, zero point, bits.
    Quant {
        /// Whether integers have a sign.
        "signed" signed: bool = true;
        /// Whether the lowest signed, or the highest unsigned integer is left out.
        "narrow" narrow: bool = true;
        /// How a number becomes an integer.
        "rounding_mode" rounding: QuantRounding = QuantRounding::HalfEven;
    }
    /// -1 or 1, times a scale: inputs X, scale.
    BipolarQuant {}
    /// Integers less their low bits. Version 1 has inputs X, scale, zero point, bits, bits that are left; version 2 X, scale,
    /// zero point, bits, scale of what is left, its bits.
    Trunc {
        /// How what is left becomes an integer.
        "rounding_mode" rounding: QuantRounding = QuantRounding::Floor;
        /// Whether integers have a sign. Version 2 only.
        "signed" signed: bool = true;
        /// Whether the lowest signed, or the highest unsigned integer is left out. Version 2 only.
        "narrow" narrow: bool = false;
    }
    /// Numbers of a small float, times a scale: inputs X, scale, exponent bits, mantissa bits, bias, largest number.
    FloatQuant {
        /// Whether what is too large becomes infinite, where nothing saturates.
        "has_inf" infinities: bool = false;
        /// Whether it becomes NaN, where there are no infinities.
        "has_nan" nans: bool = false;
        /// Whether there are subnormal numbers. The computation has them always.
        "has_subnormal" subnormals: bool = false;
        /// Whether what is too large becomes the largest number.
        "saturation" saturation: bool = true;
        /// How a significand becomes an integer.
        "rounding_mode" rounding: QuantRounding = QuantRounding::HalfEven;
    }
    /// The number of thresholds that each number reaches, times a scale, plus a bias: inputs X, thresholds.
    MultiThreshold {
        /// The type of the result, in the words of FINN.
        "out_dtype" output: String = String::new();
        /// The scale.
        "out_scale" scale: f32 = 1.0;
        /// The bias.
        "out_bias" bias: f32 = 0.0;
        /// Letters of the axes, among them `C`; empty for channels on axis 1, of three axes on axis 2.
        "data_layout" layout: String = String::new();
    }
}

/// The one number of an input.
fn number(inputs: Inputs<'_, Tensor>, place: usize, name: &'static str) -> Result<f32, OpError> {
    let given = super::quantize::numbers(inputs.required(place, name)?);
    match given[..] {
        [one] => Ok(one as f32),
        _ => Err(OpError::Unsupported(format!("{name} that are not one number"))),
    }
}

/// An input of numbers.
fn numbers(
    inputs: Inputs<'_, Tensor>,
    place: usize,
    name: &'static str,
) -> Result<ArcArray<f32, IxDyn>, OpError> {
    let tensor = inputs.required(place, name)?;
    match tensor {
        Tensor::F32(a) => Ok(a.clone()),
        other => array(
            other.shape(),
            super::quantize::numbers(other).into_iter().map(|x| x as f32).collect(),
        ),
    }
}

/// The least and the greatest integer of some bits.
fn range(bits: f32, signed: bool, narrow: bool) -> (f32, f32) {
    let (half, all) = ((bits - 1.0).exp2(), bits.exp2());
    let narrow = if narrow { 1.0 } else { 0.0 };
    if signed { (narrow - half, half - 1.0) } else { (0.0, all - 1.0 - narrow) }
}

/// NaN stays.
fn within(x: f32, (min, max): (f32, f32)) -> f32 {
    if x > max {
        max
    } else if x < min {
        min
    } else {
        x
    }
}

type Array = ArcArray<f32, IxDyn>;

/// x / scale + zero point.
fn scaled(x: &Array, scale: &Array, zero: &Array) -> Result<Array, OpError> {
    zip(&zip(x, scale, |x: f32, s: f32| x / s)?, zero, |x: f32, z: f32| x + z)
}

/// (x - zero point) scale.
fn unscaled(x: &Array, scale: &Array, zero: &Array) -> Result<Array, OpError> {
    zip(&zip(x, zero, |x: f32, z: f32| x - z)?, scale, |x: f32, s: f32| x * s)
}

impl Operator for Quant {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn attributes(&self) -> Attributes {
        // Without defaults of its own in the definition, all of them are written.
        use super::Attribute;
        Attributes::new()
            .with("signed", Attribute::Int(self.signed.into()))
            .with("narrow", Attribute::Int(self.narrow.into()))
            .with("rounding_mode", Attribute::Text(self.rounding.to_string()))
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = numbers(inputs, 0, "X")?;
        let (scale, zero) = (numbers(inputs, 1, "scale")?, numbers(inputs, 2, "zeropt")?);
        let bits = number(inputs, 3, "bitwidth")?;
        let scaled = scaled(&x, &scale, &zero)?;
        let range = range(bits, self.signed, self.narrow);
        let integers = match bits == 1.0 && self.signed {
            true => scaled.mapv(|x| if x >= 0.0 { 1.0 } else { -1.0 }),
            false => scaled.mapv(|x| self.rounding.round(within(x, range))),
        };
        Ok(vec![unscaled(&integers.into_shared(), &scale, &zero)?.into()])
    }
}

impl Operator for BipolarQuant {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (x, scale) = (numbers(inputs, 0, "X")?, numbers(inputs, 1, "scale")?);
        let sign = |x: f32, s: f32| if x >= 0.0 { s } else { -s };
        Ok(vec![zip(&x, &scale, sign)?.into()])
    }
}

impl Operator for Trunc {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        self.put_attributes(&mut attributes);
        let text = super::Attribute::Text(self.rounding.to_string());
        attributes.with("rounding_mode", text)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = numbers(inputs, 0, "X")?;
        let (scale, zero) = (numbers(inputs, 1, "scale")?, numbers(inputs, 2, "zeropt")?);
        let integers = scaled(&x, &scale, &zero)?.mapv(f32::round_ties_even).into_shared();
        if inputs.len() <= 5 {
            let bits = number(inputs, 3, "in_bitwidth")? - number(inputs, 4, "out_bitwidth")?;
            let step = bits.exp2();
            let left = integers.mapv(|x| self.rounding.round(x / step)).into_shared();
            return Ok(vec![unscaled(&left, &scale, &zero)?.into()]);
        }
        let out_scale = numbers(inputs, 4, "out_scale")?;
        let range = range(number(inputs, 5, "out_bitwidth")?, self.signed, self.narrow);
        let step = zip(&out_scale, &scale, |out: f32, own: f32| {
            (out / own).log2().round_ties_even().exp2()
        })?;
        let left = zip(&integers, &step, |x: f32, step: f32| {
            self.rounding.round(within(x / step, range))
        })?;
        let zero = zip(&zero, &step, |zero: f32, step: f32| zero / step)?;
        Ok(vec![unscaled(&left, &out_scale, &zero)?.into()])
    }
}

impl FloatQuant {
    /// The number of the small float.
    fn round(&self, x: f32, mantissa: f32, bias: f32, largest: f32) -> Result<f32, OpError> {
        let exponent = (x.abs() + f32::MIN_POSITIVE).log2().floor() - mantissa;
        let unit = exponent.max(1.0 - bias - mantissa).exp2();
        let rounded = unit * self.rounding.round(x / unit);
        let too_large = rounded > largest || rounded < -largest;
        Ok(match (self.saturation, self.infinities, self.nans) {
            (true, ..) => within(rounded, (-largest, largest)),
            (false, true, _) if too_large => f32::INFINITY.copysign(rounded),
            (false, false, true) if too_large => f32::NAN,
            (false, false, false) => {
                let problem = "without saturation, and neither infinities nor NaN";
                return Err(OpError::Unsupported(problem.into()));
            }
            _ => rounded,
        })
    }
}

impl Operator for FloatQuant {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn attributes(&self) -> Attributes {
        use super::Attribute;
        Attributes::new()
            .with("has_inf", Attribute::Int(self.infinities.into()))
            .with("has_nan", Attribute::Int(self.nans.into()))
            .with("has_subnormal", Attribute::Int(self.subnormals.into()))
            .with("saturation", Attribute::Int(self.saturation.into()))
            .with("rounding_mode", Attribute::Text(self.rounding.to_string()))
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (x, scale) = (numbers(inputs, 0, "X")?, numbers(inputs, 1, "scale")?);
        let exponent = number(inputs, 2, "exponent_bitwidth")?;
        let mantissa = number(inputs, 3, "mantissa_bitwidth")?;
        let bias = match inputs.optional(4) {
            Some(_) => number(inputs, 4, "exponent_bias")?,
            None => (exponent - 1.0).exp2() - 1.0,
        };
        // All ones in exponent and mantissa.
        let largest = (2.0 - (-mantissa).exp2()) * (exponent.exp2() - 1.0 - bias).exp2();
        let largest = match inputs.optional(5) {
            Some(_) => largest.min(number(inputs, 5, "max_val")?),
            None => largest,
        };
        let scaled = zip(&x, &scale, |x: f32, s: f32| x / s)?;
        let scaled_data = dense(&scaled);
        let rounded = scaled_data.iter().map(|&x| self.round(x, mantissa, bias, largest));
        let rounded = array(scaled.shape(), rounded.collect::<Result<_, _>>()?)?;
        Ok(vec![zip(&rounded, &scale, |x: f32, s: f32| x * s)?.into()])
    }
}

impl Operator for MultiThreshold {
    fn read(attributes: &mut Attributes, _opset: i64) -> Result<Read<Self>, OpError> {
        Ok(Self::from_attributes(attributes)?.into())
    }

    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        self.put_attributes(&mut attributes);
        attributes.with("out_dtype", super::Attribute::Text(self.output.clone()))
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (x, thresholds) = (numbers(inputs, 0, "X")?, numbers(inputs, 1, "thresholds")?);
        let at = match (self.layout.as_str(), x.ndim()) {
            ("", 3) => 2,
            ("", _) => 1,
            (layout, _) => layout.find('C').unwrap_or(1),
        };
        let wrong = || {
            let (x, t) = (x.shape(), thresholds.shape());
            OpError::Shape(format!("thresholds of shape {t:?} for X of shape {x:?}"))
        };
        let (&[rows, steps], true) = (thresholds.shape(), at < x.ndim()) else {
            return Err(wrong());
        };
        let (_, channels, inner) = around(x.shape(), at);
        if rows != 1 && rows != channels {
            return Err(wrong());
        }
        let thresholds = expand(&thresholds, &[channels, steps])?;
        let thresholds = dense(&thresholds);
        let count = |(i, &x): (usize, &f32)| {
            let own = &thresholds[i / inner % channels * steps..][..steps];
            let reached = own.iter().filter(|&&t| x >= t).count();
            self.scale * reached as f32 + self.bias
        };
        Ok(vec![array(x.shape(), dense(&x).iter().enumerate().map(count).collect())?.into()])
    }
}
