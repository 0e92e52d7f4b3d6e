//! Products of matrices.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Ix2};

use crate::ops::matmul::shapes;
use crate::ops::panels::Right;
use crate::ops::product::product;
use crate::ops::typed::{array, dense};
use crate::ops::{Gemm, OpError};

use super::arithmetic::summed;
use super::call::{Call, Found, Gradient};

/// A matrix of elements that lie row by row.
fn matrix(data: &[f32], rows: usize, columns: usize) -> Result<ArrayView2<'_, f32>, OpError> {
    let wrong = |_| OpError::Shape(format!("{} elements for {rows} x {columns}", data.len()));
    ArrayView2::from_shape((rows, columns), data).map_err(wrong)
}

/// `out += a b`, where `out` lies row by row.
fn add_product(
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    out: &mut [f32],
) -> Result<(), OpError> {
    let wrong = |_| OpError::Shape("a product of another shape than its operands".into());
    let out = ArrayViewMut2::from_shape((a.nrows(), b.ncols()), out).map_err(wrong)?;
    product(1.0, a, Right::Matrix(b), 1.0, out);
    Ok(())
}

/// `Y = A B`: `dA = dY Bᵀ`, `dB = Aᵀ dY`, summed over the batches that share a matrix.
pub(super) fn matmul(call: &Call<'_>) -> Found {
    let (g, a, b) = (call.gradient()?, call.input(0)?, call.input(1)?);
    let shapes = shapes(a.shape(), b.shape())?;
    let (mut m, k, n, mut pairs) = (shapes.m, shapes.k, shapes.n, shapes.pairs);
    if pairs.iter().all(|pair| pair.1 == 0) && pairs.iter().enumerate().all(|(i, p)| p.0 == i) {
        // One matrix on the right for all batches: their rows are those of one matrix.
        m *= pairs.len();
        pairs = vec![(0, 0)];
    }
    let (shape_a, shape_b) = (a.shape(), b.shape());
    let (g, a, b) = (dense(g), dense(a), dense(b));
    let (mut by_a, mut by_b) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    if m * k * n > 0 {
        for (batch, &(at_a, at_b)) in pairs.iter().enumerate() {
            let (at_a, at_b) = (at_a * m * k, at_b * k * n);
            let g = matrix(&g[batch * m * n..][..m * n], m, n)?;
            if call.wants(0) {
                let b = matrix(&b[at_b..][..k * n], k, n)?;
                add_product(g, b.t(), &mut by_a[at_a..][..m * k])?;
            }
            if call.wants(1) {
                let a = matrix(&a[at_a..][..m * k], m, k)?;
                add_product(a.t(), g, &mut by_b[at_b..][..k * n])?;
            }
        }
    }
    Ok(vec![Some(array(shape_a, by_a)?), Some(array(shape_b, by_b)?)])
}

/// Both axes of a matrix, the other way round where it is transposed.
fn two(x: &Gradient, is_transposed: bool) -> Result<ArrayView2<'_, f32>, OpError> {
    let view = x.view().into_dimensionality::<Ix2>();
    let view = view.map_err(|_| OpError::Shape(format!("{:?}: 2 axes", x.shape())))?;
    Ok(if is_transposed { view.reversed_axes() } else { view })
}

/// `Y = alpha A B + beta C`.
pub(super) fn gemm(call: &Call<'_>, op: &Gemm) -> Found {
    let g = two(call.gradient()?, false)?;
    let (a, b) = (two(call.input(0)?, op.transpose_a)?, two(call.input(1)?, op.transpose_b)?);
    let times = |x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>| {
        let mut out = Array2::zeros((x.nrows(), y.ncols()));
        product(op.alpha, x, Right::Matrix(y), 0.0, out.view_mut());
        out.into_dyn().into_shared()
    };
    // The gradient by a matrix as it lies: that of a transposed one is transposed, (X Y)ᵀ = Yᵀ Xᵀ.
    let by_a = call.wants(0).then(|| match op.transpose_a {
        false => times(g, b.t()),
        true => times(b, g.t()),
    });
    let by_b = call.wants(1).then(|| match op.transpose_b {
        false => times(a.t(), g),
        true => times(g.t(), a),
    });
    let by_c = match call.wants(2) {
        true => {
            let all = call.gradient()?.mapv(|g| op.beta * g).into_shared();
            Some(summed(&all, call.input(2)?.shape()))
        }
        false => None,
    };
    Ok(vec![by_a, by_b, by_c])
}
