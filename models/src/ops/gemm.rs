//! `Gemm`.

use ndarray::{ArcArray, ArrayView2, ArrayViewMut2, Ix2, IxDyn};

use crate::tensor::Tensor;

use super::broadcast::expand;
use super::packed::Packed;
use super::panels::{Panels, Right};
use super::parallel::{change_all, change_all_with, change_with, rows_of};
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
        self.compute(inputs, None)
    }
}

impl Gemm {
    /// B of every product, copied once; none where it is used as it lies.
    pub(super) fn pack(&self, b: &Tensor) -> Option<Packed> {
        let b = b.get::<f32>().ok().filter(|_| self.transpose_b)?;
        let view = matrix(b, "B", true).ok()?;
        Some(Packed::new(b.clone(), Panels::of(view)))
    }

    /// The output, with panels of B if there are.
    pub(super) fn compute(
        &self,
        inputs: Inputs<'_, Tensor>,
        packed: Option<&Packed>,
    ) -> Result<Vec<Tensor>, OpError> {
        let a = matrix(inputs.array(0, "A")?, "A", self.transpose_a)?;
        let given = inputs.array(1, "B")?;
        let b = matrix(given, "B", self.transpose_b)?;
        let ((m, k), (p, n)) = (a.dim(), b.dim());
        if k != p {
            return Err(OpError::Shape(format!("A has {k} columns and B has {p} rows")));
        }
        let mut out = vec![0.0; elements(&[m, n])?];
        if let Ok(out) = ArrayViewMut2::from_shape((m, n), &mut out) {
            let panels = packed.and_then(|packed| packed.panels_of(given));
            product(1.0, a, panels.map_or(Right::Matrix(b), Right::Panels), 0.0, out);
        }
        let (alpha, beta) = (self.alpha, self.beta);
        match inputs.optional(2) {
            Some(_) if beta != 0.0 => {
                let c = inputs.array::<f32>(2, "C")?;
                let sum = move |sum, c| alpha * sum + beta * c;
                if c.shape() == [n] {
                    let c = dense(c);
                    rows_of(&mut out, n, |_, row| change_with(row, &c, sum));
                } else {
                    change_all_with(&mut out, &dense(&expand(c, &[m, n])?), sum);
                }
            }
            _ if alpha != 1.0 => change_all(&mut out, move |sum| alpha * sum),
            _ => {}
        }
        Ok(vec![array(&[m, n], out)?.into()])
    }
}
