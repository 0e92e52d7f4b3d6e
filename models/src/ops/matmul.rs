//! `MatMul`.

use ndarray::{ArcArray, ArrayView2, ArrayViewMut2, IxDyn};

use crate::tensor::Tensor;

use super::panels::Right;
use super::product::product;
use super::set::attributes;
use super::shape::{Odometer, broadcast, broadcast_dims, elements};
use super::typed::{array, dense};
use super::{Dim, Fact, Inputs, OpError, Operator};

attributes! {
    /// A B, of matrices, or of batches of them that broadcast; one axis is a row on the left and a column on the right.
    MatMul {}
}

/// The shapes of a product's operands and result.
pub(crate) struct Shapes {
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
    /// Per batch of the result, which batch of each operand.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// That of the result.
    pub(crate) out: Vec<usize>,
}

/// Shapes of a product, checked.
pub(crate) fn shapes(a: &[usize], b: &[usize]) -> Result<Shapes, OpError> {
    let wrong = || OpError::Shape(format!("{a:?} times {b:?}"));
    if a.is_empty() || b.is_empty() {
        return Err(wrong());
    }
    let (row, column) = (a.len() == 1, b.len() == 1);
    let (batch_a, m, k) = match a {
        [k] => (&[][..], 1, *k),
        [batch @ .., m, k] => (batch, *m, *k),
        [] => return Err(wrong()),
    };
    let (batch_b, p, n) = match b {
        [p] => (&[][..], *p, 1),
        [batch @ .., p, n] => (batch, *p, *n),
        [] => return Err(wrong()),
    };
    if k != p {
        return Err(wrong());
    }
    let batch = broadcast(batch_a, batch_b)?;
    let place = |own: &[usize], at: &[usize]| {
        let at = &at[at.len() - own.len()..];
        own.iter().zip(at).fold(0, |i, (&size, &at)| i * size + if size == 1 { 0 } else { at })
    };
    let count = elements(&batch)?;
    let mut odometer = Odometer::new(&batch);
    let pairs = (0..count)
        .map(|_| {
            let pair = (place(batch_a, &odometer.at), place(batch_b, &odometer.at));
            odometer.step();
            pair
        })
        .collect();
    let mut out = batch.clone();
    out.extend((!row).then_some(m));
    out.extend((!column).then_some(n));
    Ok(Shapes { m, k, n, pairs, out })
}

/// The product of batches of matrices.
pub(crate) fn matmul(
    a: &ArcArray<f32, IxDyn>,
    b: &ArcArray<f32, IxDyn>,
) -> Result<ArcArray<f32, IxDyn>, OpError> {
    let shapes = shapes(a.shape(), b.shape())?;
    let Shapes { mut m, k, n, .. } = shapes;
    let mut out = vec![0.0f32; elements(&shapes.out)?];
    let mut pairs = shapes.pairs;
    if pairs.iter().all(|pair| pair.1 == 0) && pairs.iter().enumerate().all(|(i, p)| p.0 == i) {
        // One matrix on the right for all batches: their rows are those of one matrix.
        m *= pairs.len();
        pairs = vec![(0, 0)];
    }
    let (a, b) = (dense(a), dense(b));
    if m * n > 0 {
        super::parallel::rows(&mut out, m * n, m * n * k, |batch, out| {
            let (at_a, at_b) = pairs[batch];
            let a = ArrayView2::from_shape((m, k), &a[at_a * m * k..][..m * k]);
            let data = &b[at_b * k * n..][..k * n];
            let b = Right::Rows { data, stride: n, depth: k, columns: n };
            let out = ArrayViewMut2::from_shape((m, n), out);
            if let (Ok(a), Ok(out)) = (a, out) {
                product(1.0, a, b, 0.0, out);
            }
        });
    }
    array(&shapes.out, out)
}

/// The shape of a product, from those of its operands.
pub(crate) fn infer_matmul(a: &Fact, b: &Fact) -> Result<Option<Vec<Dim>>, OpError> {
    let (Some(a), Some(b)) = (&a.shape, &b.shape) else { return Ok(None) };
    if a.is_empty() || b.is_empty() {
        return Err(OpError::Shape("a product of a number without axes".into()));
    }
    let (k, p) = (&a[a.len() - 1], &b[b.len().saturating_sub(2)]);
    if let (Dim::Size(k), Dim::Size(p)) = (k, p)
        && k != p
    {
        return Err(OpError::Shape(format!("{k} columns times {p} rows")));
    }
    let batch = |x: &[Dim]| x[..x.len().saturating_sub(2)].to_vec();
    let mut shape = broadcast_dims(&batch(a), &batch(b))?;
    shape.extend((a.len() > 1).then(|| a[a.len() - 2].clone()));
    shape.extend((b.len() > 1).then(|| b[b.len() - 1].clone()));
    Ok(Some(shape))
}

impl Operator for MatMul {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (a, b) = (inputs.required(0, "A")?, inputs.required(1, "B")?);
        Ok(vec![Fact { element: a.element, shape: infer_matmul(a, b)?, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs.array::<f32>(0, "A")?, inputs.array::<f32>(1, "B")?);
        Ok(vec![matmul(a, b)?.into()])
    }
}
