//! Attention, head by head.
//!
//! ```text
//! P = softmax(s Q Kᵀ + mask), Y = P V        dV = Pᵀ dY        dS = P (dY Vᵀ - rowsum(P dY Vᵀ))        dQ = s dS K        dK = s dSᵀ Q
//! ```
//!
//! Heads of queries that share one of keys add up in its gradient.

use ndarray::{Array2, Array3, Array4, ArrayView2, ArrayView4, Axis, Ix4, s};
use rayon::prelude::*;

use crate::ops::panels::Right;
use crate::ops::product::product;
use crate::ops::typed::{array, dense};
use crate::ops::{Attention, OpError, Operator};

use super::call::{Call, Found, Gradient};

/// `[batch, heads, places, size]`.
fn by_heads(x: &Gradient, heads: usize) -> Result<Array4<f32>, OpError> {
    let wrong = || OpError::Shape(format!("shape {:?} with {heads} heads", x.shape()));
    match *x.shape() {
        [_, _, _, _] => x.to_owned().into_dimensionality::<Ix4>().map_err(|_| wrong()),
        [batch, places, width] if heads > 0 && width % heads == 0 => {
            let split = (batch, places, heads, width / heads);
            let data = dense(x).into_owned();
            let split = Array4::from_shape_vec(split, data).map_err(|_| wrong())?;
            Ok(split.permuted_axes([0, 2, 1, 3]).as_standard_layout().into_owned())
        }
        _ => Err(wrong()),
    }
}

/// A gradient by heads as the input lies.
fn as_given(by_heads: Array4<f32>, shape: &[usize]) -> Result<Gradient, OpError> {
    let lies = match shape.len() {
        4 => by_heads.view(),
        _ => by_heads.view().permuted_axes([0, 2, 1, 3]),
    };
    array(shape, lies.iter().copied().collect())
}

fn four(x: &Gradient) -> Result<ArrayView4<'_, f32>, OpError> {
    let wrong = |_| OpError::Shape(format!("shape {:?}: 4 axes", x.shape()));
    x.view().into_dimensionality::<Ix4>().map_err(wrong)
}

/// Gradients of a head of keys, and of the heads of queries that share it.
struct Head {
    queries: Array3<f32>,
    keys: Array2<f32>,
    values: Array2<f32>,
}

pub(super) fn attention(call: &Call<'_>, op: &Attention) -> Found {
    call.only(3)?;
    if op.softcap > 0.0 {
        return Err(OpError::Unsupported(format!("a softcap of {}", op.softcap)));
    }
    // Keys and values by heads with those of the past, and what the softmax gave.
    let again = Attention { scores: 3, ..op.clone() }.run_first(4, call.inputs)?;
    let floats = |place: usize| -> Result<&Gradient, OpError> {
        let missing = OpError::Missing { index: place, name: "an output of attention" };
        let tensor = again.get(place).ok_or(missing)?;
        tensor.get::<f32>().map_err(|source| OpError::Input { name: "an output", source })
    };
    let (k, v, p) = (four(floats(1)?)?, four(floats(2)?)?, four(floats(3)?)?);
    let q = by_heads(call.input(0)?, op.query_heads)?;
    let g = by_heads(call.gradient()?, op.query_heads)?;
    let (batch, heads, queries, size) = q.dim();
    let (_, own, keys, width) = v.dim();
    let shared = heads / own.max(1);
    let scale = op.scale.unwrap_or(1.0 / (size as f32).sqrt());
    let head = |at: usize| {
        let (b, of_keys) = (at / own, at % own);
        let (k, v) = (k.slice(s![b, of_keys, .., ..]), v.slice(s![b, of_keys, .., ..]));
        let mut head = Head {
            queries: Array3::zeros((shared, queries, size)),
            keys: Array2::zeros((keys, size)),
            values: Array2::zeros((keys, width)),
        };
        for (i, mut to) in head.queries.outer_iter_mut().enumerate() {
            let h = of_keys * shared + i;
            let of = |x: &Array4<f32>| x.slice(s![b, h, .., ..]).to_owned();
            let (p, q, g) = (p.slice(s![b, h, .., ..]), of(&q), of(&g));
            product(1.0, p.t(), Right::Matrix(g.view()), 1.0, head.values.view_mut());
            let mut by_score = scores(p, g.view(), v);
            by_score.mapv_inplace(|x| x * scale);
            product(1.0, by_score.view(), Right::Matrix(k), 0.0, to.view_mut());
            product(1.0, by_score.t(), Right::Matrix(q.view()), 1.0, head.keys.view_mut());
        }
        head
    };
    let found: Vec<Head> = (0..batch * own).into_par_iter().map(head).collect();
    let mut by_q = Array4::zeros((batch, heads, queries, size));
    let (mut by_k, mut by_v) =
        (Array4::zeros((batch, own, keys, size)), Array4::zeros((batch, own, keys, width)));
    for (at, head) in found.into_iter().enumerate() {
        let (b, h) = (at / own, at % own);
        by_q.slice_mut(s![b, h * shared..(h + 1) * shared, .., ..]).assign(&head.queries);
        by_k.slice_mut(s![b, h, .., ..]).assign(&head.keys);
        by_v.slice_mut(s![b, h, .., ..]).assign(&head.values);
    }
    let places = |place: usize| -> Result<usize, OpError> {
        let shape = call.input(place)?.shape();
        Ok(shape[shape.len().saturating_sub(2)])
    };
    // Those of the past come first.
    let last = |all: Array4<f32>, count: usize| {
        all.slice_axis(Axis(2), (keys.saturating_sub(count)..keys).into()).to_owned()
    };
    Ok(vec![
        Some(as_given(by_q, call.input(0)?.shape())?),
        Some(as_given(last(by_k, places(1)?), call.input(1)?.shape())?),
        Some(as_given(last(by_v, places(2)?), call.input(2)?.shape())?),
    ])
}

/// The gradient by what the softmax is of.
fn scores(p: ArrayView2<'_, f32>, g: ArrayView2<'_, f32>, v: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut by_score = Array2::zeros(p.dim());
    product(1.0, g, Right::Matrix(v.t()), 0.0, by_score.view_mut());
    for (mut row, p) in by_score.outer_iter_mut().zip(p.outer_iter()) {
        let sum: f64 = row.iter().zip(&p).map(|(&x, &p)| f64::from(x) * f64::from(p)).sum();
        row.zip_mut_with(&p, |x, &p| *x = p * (*x - sum as f32));
    }
    by_score
}
