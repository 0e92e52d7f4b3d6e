//! `Transpose`.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::set::attributes;
use super::shape::axes;
use super::typed::map_tensor;
use super::{Fact, Inputs, OpError, Operator};

attributes! {
    /// The axes in another order.
    Transpose {
        /// Which axis each one of the result is; empty for the reverse order.
        "perm" order: Vec<i64> = Vec::new();
    }
}

/// The axes in another order, in row-major order again.
pub(crate) fn permuted<T: Clone>(
    x: &ArcArray<T, IxDyn>,
    order: &[usize],
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let view = x.view().permuted_axes(IxDyn(order));
    Ok(view.as_standard_layout().into_owned().into_shared())
}

impl Transpose {
    /// The order for a tensor of so many axes.
    pub(crate) fn order(&self, rank: usize) -> Result<Vec<usize>, OpError> {
        if self.order.is_empty() {
            return Ok((0..rank).rev().collect());
        }
        if self.order.len() != rank {
            let problem = format!("{} axes for a tensor of {rank}", self.order.len());
            return Err(OpError::attribute("perm", problem));
        }
        axes(&self.order, rank)
    }
}

impl Operator for Transpose {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "data")?;
        let shape = match &x.shape {
            Some(shape) => {
                let order = self.order(shape.len())?;
                Some(order.into_iter().map(|axis| shape[axis].clone()).collect())
            }
            None => None,
        };
        Ok(vec![Fact { element: x.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "data")?;
        let order = self.order(x.shape().len())?;
        Ok(vec![map_tensor!(x, a => permuted(a, &order)?)])
    }
}
