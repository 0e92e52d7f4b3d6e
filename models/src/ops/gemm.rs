//! `Gemm`.

use ndarray::{ArcArray, ArrayView2, ArrayViewMut2, Ix2, IxDyn};

use crate::tensor::Tensor;

use super::broadcast::expand;
use super::product::product;
use super::set::attributes;
use super::shape::elements;
use super::typed::{array, dense};
use super::{Dim, Fact, Inputs, OpError, Operator};

attributes! {
    /// alpha A B + beta C, of matrices.
    Gemm {
        /// The factor of the product.
        "alpha" alpha: f32 = 1.0;
        /// The factor of C.
        "beta" beta: f32 = 1.0;
        /// Whether A is transposed first.
        "transA" transpose_a: bool = false;
        /// Whether B is transposed first.
        "transB" transpose_b: bool = false;
    }
}

/// A matrix, transposed if asked for.
fn matrix<'a>(
    array: &'a ArcArray<f32, IxDyn>,
    name: &str,
    transpose: bool,
) -> Result<ArrayView2<'a, f32>, OpError> {
    let found = array.shape();
    let view = array.view().into_dimensionality::<Ix2>();
    let view = view.map_err(|_| OpError::Shape(format!("{name} of shape {found:?}: 2 axes")))?;
    Ok(if transpose { view.reversed_axes() } else { view })
}

impl Operator for Gemm {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (a, b) = (inputs.required(0, "A")?, inputs.required(1, "B")?);
        let shape = match (a.shape.as_deref(), b.shape.as_deref()) {
            (Some([m, k]), Some([p, n])) => {
                let (m, k) = if self.transpose_a { (k, m) } else { (m, k) };
                let (p, n) = if self.transpose_b { (n, p) } else { (p, n) };
                if let (Dim::Size(k), Dim::Size(p)) = (k, p)
                    && k != p
                {
                    return Err(OpError::Shape(format!("A has {k} columns and B has {p} rows")));
                }
                Some(vec![m.clone(), n.clone()])
            }
            (None, _) | (_, None) => None,
            _ => return Err(OpError::Shape("A and B have 2 axes each".into())),
        };
        Ok(vec![Fact { element: a.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let a = matrix(inputs.array(0, "A")?, "A", self.transpose_a)?;
        let b = matrix(inputs.array(1, "B")?, "B", self.transpose_b)?;
        let ((m, k), (p, n)) = (a.dim(), b.dim());
        if k != p {
            return Err(OpError::Shape(format!("A has {k} columns and B has {p} rows")));
        }
        let mut out = match inputs.optional(2) {
            Some(_) if self.beta != 0.0 => {
                dense(&expand(inputs.array::<f32>(2, "C")?, &[m, n])?).into_owned()
            }
            _ => vec![0.0; elements(&[m, n])?],
        };
        let keep = if inputs.optional(2).is_some() { self.beta } else { 0.0 };
        if let Ok(out) = ArrayViewMut2::from_shape((m, n), &mut out) {
            product(self.alpha, a, b, keep, out);
        }
        Ok(vec![array(&[m, n], out)?.into()])
    }
}
