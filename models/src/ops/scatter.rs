//! `ScatterND` and `ScatterElements`.

use crate::tensor::Tensor;

use super::gather::{element_places, part_places};
use super::set::{attributes, words};
use super::typed::{array, dense, same_type};
use super::{Fact, Inputs, OpError, Operator};

words! {
    /// What is done with an element that is there.
    Reduction {
        /// It is replaced.
        Replace = "none";
        /// The update is added.
        Add = "add";
        /// It is multiplied.
        Mul = "mul";
        /// The greater one stays.
        Max = "max";
        /// The lesser one stays.
        Min = "min";
    }
}

attributes! {
    /// The data with parts replaced, at the places that the last axis of the indices counts out.
    ScatterND {
        /// What is done with what is there.
        "reduction" reduction: Reduction = Reduction::Replace;
    }
    /// The data with elements replaced, each in its own place on the other axes.
    ScatterElements {
        /// The axis.
        "axis" axis: i64 = 0;
        /// What is done with what is there.
        "reduction" reduction: Reduction = Reduction::Replace;
    }
}

/// The data with updates at places, each of so many elements.
fn scatter(
    data: &Tensor,
    updates: &Tensor,
    places: &[usize],
    size: usize,
    reduction: Reduction,
) -> Result<Tensor, OpError> {
    if updates.len() != places.len() * size {
        let (n, m) = (updates.len(), places.len() * size);
        return Err(OpError::Shape(format!("{n} updates for {m} elements")));
    }
    if reduction == Reduction::Replace {
        return Ok(same_type!(&[data, updates], a => {
            let (mut out, updates) = (dense(a[0]).into_owned(), dense(a[1]));
            for (i, &at) in places.iter().enumerate() {
                out[at..at + size].copy_from_slice(&updates[i * size..][..size]);
            }
            array(a[0].shape(), out)?
        }));
    }
    Ok(super::typed::same_number!("a reduction", &[data, updates], a => {
        use super::binary::Number;
        let (mut out, updates) = (dense(a[0]).into_owned(), dense(a[1]));
        for (i, &at) in places.iter().enumerate() {
            for (x, &y) in out[at..at + size].iter_mut().zip(&updates[i * size..][..size]) {
                *x = match reduction {
                    Reduction::Replace => y,
                    Reduction::Add => Number::add(*x, y),
                    Reduction::Mul => Number::mul(*x, y),
                    Reduction::Max => Number::greatest(*x, y),
                    Reduction::Min => Number::least(*x, y),
                };
            }
        }
        array(a[0].shape(), out)?
    }))
}

fn infer(inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
    Ok(vec![inputs.required(0, "data")?.clone().without_known()])
}

fn indices(inputs: Inputs<'_, Tensor>) -> Result<Vec<i64>, OpError> {
    let indices = inputs.integers(1, "indices")?;
    indices.ok_or(OpError::Missing { index: 1, name: "indices" })
}

impl Reduction {
    /// The operator set that has it.
    fn since(self) -> i64 {
        match self {
            Self::Replace => 11,
            Self::Add | Self::Mul => 16,
            Self::Max | Self::Min => 18,
        }
    }
}

impl Operator for ScatterND {
    fn since(&self) -> i64 {
        self.reduction.since()
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        infer(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (x, updates) = (inputs.required(0, "data")?, inputs.required(2, "updates")?);
        let places = inputs.required(1, "indices")?.shape();
        let (found, size) = part_places(x.shape(), places, &indices(inputs)?, 0)?;
        Ok(vec![scatter(x, updates, &found, size, self.reduction)?])
    }
}

impl Operator for ScatterElements {
    fn since(&self) -> i64 {
        self.reduction.since()
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        infer(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (x, updates) = (inputs.required(0, "data")?, inputs.required(2, "updates")?);
        let places = inputs.required(1, "indices")?.shape();
        let found = element_places(x.shape(), places, &indices(inputs)?, self.axis)?;
        Ok(vec![scatter(x, updates, &found, 1, self.reduction)?])
    }
}
