//! `Cast` and `CastLike`.

use fewbit_formats::{Format, Overflow, Policy, Rounding};

use crate::tensor::{ElementType, Tensor};

use super::data_type::element_type;
use super::reshape::only_dims;
use super::set::{attributes, words};
use super::typed::{array, dense};
use super::{AttributeSet, Attributes, Fact, Inputs, OpError, Operator, Read};

words! {
    /// How a float is rounded to E8M0.
    PowerRounding {
        /// Up.
        Up = "up";
        /// Down.
        Down = "down";
        /// To the nearest.
        Nearest = "nearest";
    }
}

attributes! {
    /// The same numbers in another type: floats to integers toward zero, to narrow floats to the nearest, ties to even.
    Cast {
        /// ONNX's number of the type.
        "to" to: i64 = 1;
        /// Whether numbers beyond a narrow float become its largest one.
        "saturate" saturate: bool = true;
        /// How a float is rounded to E8M0.
        "round_mode" rounding: PowerRounding = PowerRounding::Up;
    }
    /// The same numbers in the type of the second input.
    CastLike {
        /// Whether numbers beyond a narrow float become its largest one.
        "saturate" saturate: bool = true;
        /// How a float is rounded to E8M0.
        "round_mode" rounding: PowerRounding = PowerRounding::Up;
    }
}

/// Policy of conversions to narrow floats: to the nearest, ties to even.
pub(crate) fn policy(saturate: bool) -> Policy {
    Policy::new(Rounding::TiesEven, if saturate { Overflow::Saturate } else { Overflow::Special })
}

/// The numbers in `f64`; integers beyond 2^53 are rounded.
fn numbers(tensor: &Tensor) -> Vec<f64> {
    match tensor {
        Tensor::F32(a) => a.iter().map(|&x| x.into()).collect(),
        Tensor::Code(format, a) => a.iter().map(|&code| format.decode(code.into())).collect(),
        Tensor::U64(a) => a.iter().map(|&x| x as f64).collect(),
        other => other.integers().unwrap_or_default().into_iter().map(|n| n as f64).collect(),
    }
}

/// The same numbers in another type.
pub(crate) fn cast(x: &Tensor, to: ElementType, policy: &Policy) -> Result<Tensor, OpError> {
    if x.element_type() == to {
        return Ok(x.clone());
    }
    let shape = x.shape();
    macro_rules! integers {
        ($type:ty) => {
            match x {
                // Beyond the type: what the conversion of the processor gives is not laid down; the nearest here.
                Tensor::F32(a) => array(shape, dense(a).iter().map(|&x| x as i64 as $type).collect())?.into(),
                Tensor::U64(a) => array(shape, dense(a).iter().map(|&x| x as $type).collect())?.into(),
                Tensor::Code(..) => {
                    array(shape, numbers(x).into_iter().map(|x| x as i64 as $type).collect())?.into()
                }
                other => {
                    let integers = other.integers().unwrap_or_default();
                    array(shape, integers.into_iter().map(|n| n as $type).collect())?.into()
                }
            }
        };
    }
    Ok(match to {
        ElementType::F32 => match x {
            Tensor::I64(a) => array(shape, dense(a).iter().map(|&x| x as f32).collect())?.into(),
            Tensor::U64(a) => array(shape, dense(a).iter().map(|&x| x as f32).collect())?.into(),
            other => array(shape, numbers(other).into_iter().map(|x| x as f32).collect())?.into(),
        },
        ElementType::I64 => integers!(i64),
        ElementType::I32 => integers!(i32),
        ElementType::I16 => integers!(i16),
        ElementType::I8 => integers!(i8),
        ElementType::U64 => match x {
            Tensor::F32(a) => array(shape, dense(a).iter().map(|&x| x as u64).collect())?.into(),
            _ => integers!(u64),
        },
        ElementType::U32 => integers!(u32),
        ElementType::U16 => integers!(u16),
        ElementType::U8 => integers!(u8),
        ElementType::Bool => {
            array(shape, numbers(x).into_iter().map(|x| x != 0.0).collect())?.into()
        }
        ElementType::Code(format) => {
            let codes: Result<Vec<u8>, OpError> =
                numbers(x).into_iter().map(|x| code(format, x, policy)).collect();
            Tensor::Code(format, array(shape, codes?)?)
        }
    })
}

/// The code of a number.
pub(crate) fn code(format: Format, x: f64, policy: &Policy) -> Result<u8, OpError> {
    let encoded = match format {
        // An integer is cut off, then wraps.
        Format::Int(int) => return Ok(int.code((x as i64) & 0xff) as u8),
        _ => format.encode(x, policy, 0),
    };
    let refused = |_| OpError::Unsupported(format!("{x} in {format}"));
    encoded.map(|encoded| encoded.code as u8).map_err(refused)
}

/// The policy of a cast to a type.
fn cast_policy(to: ElementType, saturate: bool, rounding: PowerRounding) -> Policy {
    let policy = policy(saturate);
    match (to, rounding) {
        (ElementType::Code(Format::E8M0FNU), PowerRounding::Up) => {
            policy.with_rounding(Rounding::Up)
        }
        (ElementType::Code(Format::E8M0FNU), PowerRounding::Down) => {
            policy.with_rounding(Rounding::Down)
        }
        _ => policy,
    }
}

impl Operator for Cast {
    fn read(attributes: &mut Attributes, _opset: i64) -> Result<Read<Self>, OpError> {
        if !attributes.iter().any(|(name, _)| name == "to") {
            return Err(OpError::attribute("to", "no type is given"));
        }
        let op = Self::from_attributes(attributes)?;
        element_type(op.to)?;
        Ok(op.into())
    }

    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        self.put_attributes(&mut attributes);
        // It has no default in a file.
        attributes.insert("to", super::Attribute::Int(self.to));
        attributes
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "input")?.clone();
        let element = element_type(self.to)?;
        let known = x.known.filter(|_| matches!(element, ElementType::I64 | ElementType::I32));
        Ok(vec![Fact { element: Some(element), shape: x.shape, known: only_dims(known) }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let to = element_type(self.to)?;
        let policy = cast_policy(to, self.saturate, self.rounding);
        // What is converted to a narrower float that stands as `float32` here is rounded to it all the same.
        let x = cast(inputs.required(0, "input")?, to, &policy)?;
        Ok(vec![match (self.to, x) {
            (10, Tensor::F32(a)) => {
                a.mapv(|x| half::f16::from_f32(x).to_f32()).into_shared().into()
            }
            (16, Tensor::F32(a)) => {
                a.mapv(|x| half::bf16::from_f32(x).to_f32()).into_shared().into()
            }
            (_, x) => x,
        }])
    }
}

impl Operator for CastLike {
    fn since(&self) -> i64 {
        15
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, like) = (inputs.required(0, "input")?, inputs.required(1, "target_type")?);
        Ok(vec![Fact { element: like.element, shape: x.shape.clone(), known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let to = inputs.required(1, "target_type")?.element_type();
        let policy = cast_policy(to, self.saturate, self.rounding);
        Ok(vec![cast(inputs.required(0, "input")?, to, &policy)?])
    }
}
