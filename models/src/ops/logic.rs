//! Comparisons, truth values, and the choice between two numbers.

use crate::tensor::{ElementType, Tensor};

use super::broadcast::{expand, zip};
use super::set::attributes;
use super::shape::{broadcast, broadcast_facts};
use super::typed::{array, dense, same_number, same_type};
use super::{Fact, Inputs, OpError, Operator};

attributes! {
    /// Whether both are the same.
    Equal {}
    /// a < b.
    Less {}
    /// a <= b.
    LessOrEqual {}
    /// a > b.
    Greater {}
    /// a >= b.
    GreaterOrEqual {}
    /// Both.
    And {}
    /// Either, or both.
    Or {}
    /// One and not the other.
    Xor {}
    /// The second input where the first is true, else the third.
    Where {}
}

fn infer(inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
    let shape = broadcast_facts(inputs.iter())?;
    Ok(vec![Fact { element: Some(ElementType::Bool), shape, known: None }])
}

macro_rules! comparisons {
    ($($name:ident $operator:tt;)*) => {$(
        impl Operator for $name {
            fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                infer(inputs)
            }

            fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                let (a, b) = (inputs.required(0, "A")?, inputs.required(1, "B")?);
                if let (Tensor::Bool(a), Tensor::Bool(b)) = (a, b) {
                    return Ok(vec![zip(a, b, |a: bool, b: bool| a $operator b)?.into()]);
                }
                Ok(vec![same_number!(stringify!($name), &[a, b], x => {
                    zip(x[0], x[1], (|a, b| a $operator b) as fn(_, _) -> bool)?
                })])
            }
        }
    )*};
}

comparisons! {
    Equal ==;
    Less <;
    LessOrEqual <=;
    Greater >;
    GreaterOrEqual >=;
}

macro_rules! truths {
    ($($name:ident $operator:tt;)*) => {$(
        impl Operator for $name {
            fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
                infer(inputs)
            }

            fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
                let (a, b) = (inputs.array::<bool>(0, "A")?, inputs.array::<bool>(1, "B")?);
                Ok(vec![zip(a, b, |a: bool, b: bool| a $operator b)?.into()])
            }
        }
    )*};
}

truths! {
    And &;
    Or |;
    Xor ^;
}

impl Operator for Where {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let element = inputs.required(1, "X")?.element;
        Ok(vec![Fact { element, shape: broadcast_facts(inputs.iter())?, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let condition = inputs.array::<bool>(0, "condition")?;
        let (x, y) = (inputs.required(1, "X")?, inputs.required(2, "Y")?);
        let shape = broadcast(condition.shape(), &broadcast(x.shape(), y.shape())?)?;
        let condition = expand(condition, &shape)?;
        Ok(vec![same_type!(&[x, y], a => {
            let (x, y) = (expand(a[0], &shape)?, expand(a[1], &shape)?);
            let (x, y, condition) = (dense(&x), dense(&y), dense(&condition));
            let both = x.iter().zip(y.iter()).zip(condition.iter());
            array(&shape, both.map(|((&x, &y), &first)| if first { x } else { y }).collect())?
        })])
    }
}
