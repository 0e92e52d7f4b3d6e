//! `Attention` and `RotaryEmbedding`.

use ndarray::{ArcArray, ArrayView2, ArrayViewMut2, IxDyn};
use rayon::prelude::*;

use crate::tensor::Tensor;

use super::broadcast::expand;
use super::concat::concat;
use super::product::product;
use super::set::attributes;
use super::shape::{broadcast, elements};
use super::softmax::softmax;
use super::transpose::permuted;
use super::typed::{array, dense};
use super::{Dim, Fact, Inputs, OpError, Operator};

attributes! {
    /// softmax(Q K' scale + mask) V, head by head: inputs Q, K, V, mask, past keys and values, lengths of keys.
    ///
    /// Tensors of three axes have the heads side by side in the last one. Where there are less heads of keys than of queries,
    /// neighbours share one. A query that may see no key gives zeros.
    Attention {
        /// Whether a query sees no key behind its own place.
        "is_causal" causal: bool = false;
        /// Heads of keys and values, for three axes.
        "kv_num_heads" key_heads: usize = 0;
        /// Heads of queries, for three axes.
        "q_num_heads" query_heads: usize = 0;
        /// What the fourth output is: 0 and 1 the products, 2 with the mask, 3 behind the softmax.
        "qk_matmul_output_mode" scores: usize = 0;
        /// The factor of the products; none for 1 / sqrt(size of a head).
        "scale" scale: Option<f32> = None;
        /// Products are softly kept within this, where it is not 0.
        "softcap" softcap: f32 = 0.0;
        /// ONNX's number of the type that the softmax is computed in; `float` here.
        "softmax_precision" precision: i64 = 0;
        /// Keys before its own place that a query sees; -1 for all.
        "left_window_size" left: i64 = -1;
        /// Keys behind its own place that a query sees; -1 for all.
        "right_window_size" right: i64 = -1;
    }
    /// Pairs of elements turned by the angle of their place: inputs X, cosines, sines, and places.
    RotaryEmbedding {
        /// Whether pairs are neighbours, and not half a head apart.
        "interleaved" interleaved: bool = false;
        /// Heads, for three axes.
        "num_heads" heads: usize = 0;
        /// Elements of a head that are turned; 0 for all.
        "rotary_embedding_dim" size: usize = 0;
    }
}

type Array = ArcArray<f32, IxDyn>;

/// `[batch, heads, places, size]`, of heads side by side too.
fn by_heads(x: &Array, heads: usize, name: &str) -> Result<Array, OpError> {
    match *x.shape() {
        [_, _, _, _] => Ok(x.clone()),
        [batch, places, size] if heads > 0 && size % heads == 0 => {
            let x = array(&[batch, places, heads, size / heads], dense(x).into_owned())?;
            permuted(&x, &[0, 2, 1, 3])
        }
        _ => Err(OpError::Shape(format!("{name} of shape {:?} with {heads} heads", x.shape()))),
    }
}

/// What is added to the products, and which are not seen at all.
struct Mask {
    /// `[batch, heads, queries, keys]`, if there is one.
    added: Option<Array>,
    causal: bool,
    window: (i64, i64),
    /// For each batch, keys before its first query.
    offsets: Vec<i64>,
    /// For each batch, how many keys count.
    lengths: Option<Vec<i64>>,
}

impl Mask {
    fn at(&self, [batch, head, query, key]: [usize; 4]) -> f32 {
        let apart = query as i64 + self.offsets[batch] - key as i64;
        let (left, right) = self.window;
        let hidden = (self.causal && apart < 0)
            || (left >= 0 && apart > left)
            || (right >= 0 && -apart > right)
            || self.lengths.as_ref().is_some_and(|lengths| key as i64 >= lengths[batch]);
        match (&self.added, hidden) {
            (_, true) => f32::NEG_INFINITY,
            (Some(added), false) => added[[batch, head, query, key].as_slice()],
            (None, false) => 0.0,
        }
    }
}

impl Attention {
    fn mask(
        &self,
        inputs: Inputs<'_, Tensor>,
        [batch, heads, queries, keys]: [usize; 4],
        past: usize,
    ) -> Result<Mask, OpError> {
        let lengths = inputs.integers(6, "nonpad_kv_seqlen")?;
        if lengths.as_ref().is_some_and(|lengths| lengths.len() != batch) {
            return Err(OpError::Shape(format!("{lengths:?} lengths for {batch} in a batch")));
        }
        let offsets = match (&lengths, inputs.optional(4)) {
            (Some(lengths), None) => lengths.iter().map(|n| n - queries as i64).collect(),
            _ => vec![past as i64; batch],
        };
        let added = match inputs.optional(3) {
            None => None,
            Some(mask) => {
                let mask: Array = match mask {
                    Tensor::Bool(seen) => {
                        seen.mapv(|seen| if seen { 0.0 } else { f32::NEG_INFINITY }).into_shared()
                    }
                    _ => inputs.array::<f32>(3, "attn_mask")?.clone(),
                };
                let width = mask.shape().last().copied().unwrap_or(1);
                let mask = if width < keys && width != 1 || (width == 1 && mask.ndim() == 1) {
                    // Keys that the mask does not reach are not seen.
                    let mut rest = mask.shape().to_vec();
                    let last = rest.len() - 1;
                    rest[last] = keys - width;
                    elements(&rest)?;
                    let rest = ArcArray::from_elem(IxDyn(&rest), f32::NEG_INFINITY);
                    concat(&[&mask, &rest], last)?
                } else {
                    mask
                };
                Some(expand(&mask, &[batch, heads, queries, keys])?)
            }
        };
        let window = (self.left, self.right);
        Ok(Mask { added, causal: self.causal, window, offsets, lengths })
    }
}

impl Operator for Attention {
    fn since(&self) -> i64 {
        if (self.left, self.right) == (-1, -1) { 23 } else { 25 }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (q, v) = (inputs.required(0, "Q")?, inputs.required(2, "V")?);
        let shape = match (q.shape.as_deref(), v.shape.as_deref()) {
            (Some([b, h, n, _]), Some([.., size])) => {
                Some(vec![b.clone(), h.clone(), n.clone(), size.clone()])
            }
            (Some([b, n, _]), Some([.., size])) if self.key_heads > 0 => {
                let size = size.size().map(|size| size / self.key_heads * self.query_heads);
                Some(vec![b.clone(), n.clone(), size.map_or(Dim::Unknown, Dim::Size)])
            }
            _ => None,
        };
        let unknown = Fact { element: q.element, ..Fact::default() };
        let y = Fact { shape, ..unknown.clone() };
        Ok(vec![y, unknown.clone(), unknown.clone(), unknown])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let flat = inputs.required(0, "Q")?.shape().len() == 3;
        let q = by_heads(inputs.array(0, "Q")?, self.query_heads, "Q")?;
        let mut k = by_heads(inputs.array(1, "K")?, self.key_heads, "K")?;
        let mut v = by_heads(inputs.array(2, "V")?, self.key_heads, "V")?;
        let mut past = 0;
        if inputs.optional(4).is_some() {
            let (keys, values) =
                (inputs.array::<f32>(4, "past_key")?, inputs.array(5, "past_value")?);
            if keys.ndim() != 4 || values.ndim() != 4 {
                return Err(OpError::Shape("past keys and values have 4 axes".into()));
            }
            past = keys.shape()[2];
            (k, v) = (concat(&[keys, &k], 2)?, concat(&[values, &v], 2)?);
        }
        let (&[batch, heads, queries, size], &[kb, own, keys, ks], &[vb, vh, vk, width]) =
            (q.shape(), k.shape(), v.shape())
        else {
            return Err(OpError::Shape("Q, K and V have 3 or 4 axes".into()));
        };
        if [kb, vb] != [batch; 2] || vh != own || vk != keys || ks != size {
            let (q, k, v) = (q.shape(), k.shape(), v.shape());
            return Err(OpError::Shape(format!("Q of shape {q:?}, K of {k:?}, V of {v:?}")));
        }
        if own == 0 || heads % own != 0 {
            return Err(OpError::Shape(format!("{heads} heads of queries, {own} of keys")));
        }
        let mask = self.mask(inputs, [batch, heads, queries, keys], past)?;
        let root = self.scale.unwrap_or(1.0 / (size as f32).sqrt()).sqrt();
        let scaled = |x: &Array| x.mapv(|x| x * root).into_shared();
        let (q, scaled_k) = (scaled(&q), scaled(&k));
        let (q, k_data, v_data) = (dense(&q), dense(&scaled_k), dense(&v));
        let mut scores = vec![0.0f32; elements(&[batch, heads, queries, keys])?];
        let mut out = vec![0.0f32; elements(&[batch, heads, queries, width])?];
        let one = |(at, (scores, out)): (usize, (&mut [f32], &mut [f32]))| {
            let (b, h) = (at / heads, at % heads);
            let of_keys = b * own + h / (heads / own);
            let views = (
                ArrayView2::from_shape(
                    (queries, size),
                    &q[at * queries * size..][..queries * size],
                ),
                ArrayView2::from_shape(
                    (keys, size),
                    &k_data[of_keys * keys * size..][..keys * size],
                ),
                ArrayView2::from_shape(
                    (keys, width),
                    &v_data[of_keys * keys * width..][..keys * width],
                ),
            );
            let (Ok(q), Ok(k), Ok(v)) = views else { return };
            if let Ok(scores) = ArrayViewMut2::from_shape((queries, keys), &mut *scores) {
                product(1.0, q, k.t(), 0.0, scores);
            }
            let mut weights = scores.to_vec();
            for (query, row) in weights.chunks_mut(keys).enumerate() {
                let mut hidden = true;
                for (key, score) in row.iter_mut().enumerate() {
                    if self.softcap > 0.0 {
                        *score = (*score / self.softcap).tanh() * self.softcap;
                    }
                    let bias = mask.at([b, h, query, key]);
                    hidden &= bias == f32::NEG_INFINITY;
                    if self.scores < 2 {
                        scores[query * keys + key] = *score;
                    }
                    *score += bias;
                    if self.scores == 2 {
                        scores[query * keys + key] = *score;
                    }
                }
                if hidden { row.fill(0.0) } else { softmax(row) }
            }
            if self.scores == 3 {
                scores.copy_from_slice(&weights);
            }
            let weights = ArrayView2::from_shape((queries, keys), &weights);
            if let (Ok(weights), Ok(out)) =
                (weights, ArrayViewMut2::from_shape((queries, width), out))
            {
                product(1.0, weights, v, 0.0, out);
            }
        };
        if !scores.is_empty() && !out.is_empty() {
            let scores = scores.par_chunks_mut(queries * keys);
            scores.zip(out.par_chunks_mut(queries * width)).enumerate().for_each(one);
        }
        let mut y = array(&[batch, heads, queries, width], out)?;
        if flat {
            let data = dense(&permuted(&y, &[0, 2, 1, 3])?).into_owned();
            y = array(&[batch, queries, heads * width], data)?;
        }
        let scores = array(&[batch, heads, queries, keys], scores)?;
        Ok(vec![y.into(), k.into(), v.into(), scores.into()])
    }
}

impl Operator for RotaryEmbedding {
    fn since(&self) -> i64 {
        23
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        Ok(vec![inputs.required(0, "X")?.clone().without_known()])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let given = inputs.array::<f32>(0, "X")?;
        let x = by_heads(given, self.heads, "X")?;
        let &[batch, heads, places, size] = x.shape() else {
            return Err(OpError::Shape(format!("X of shape {:?}: 3 or 4 axes", x.shape())));
        };
        let turned = if self.size == 0 { size } else { self.size };
        let half = turned / 2;
        if turned > size || turned % 2 != 0 {
            return Err(OpError::Shape(format!("{turned} of {size} elements to turn")));
        }
        let (cos, sin) =
            (inputs.array::<f32>(1, "cos_cache")?, inputs.array::<f32>(2, "sin_cache")?);
        // One row of angles per place of each batch.
        let ids = inputs.integers(3, "position_ids")?;
        let rows = |cache: &Array, name: &str| -> Result<Vec<f32>, OpError> {
            let wrong = || OpError::Shape(format!("{name} of shape {:?}", cache.shape()));
            let data = dense(cache);
            match &ids {
                Some(ids) if ids.len() == batch * places && cache.ndim() == 2 => {
                    let &[count, width] = cache.shape() else { return Err(wrong()) };
                    if width != half {
                        return Err(wrong());
                    }
                    let mut all = Vec::with_capacity(ids.len() * half);
                    for &id in ids {
                        let at = super::gather::index(id, count)?;
                        all.extend_from_slice(&data[at * half..][..half]);
                    }
                    Ok(all)
                }
                Some(_) => Err(wrong()),
                None => {
                    let shape = broadcast(cache.shape(), &[batch, places, half])?;
                    if shape != [batch, places, half] {
                        return Err(wrong());
                    }
                    Ok(dense(&expand(cache, &shape)?).into_owned())
                }
            }
        };
        let (cos, sin) = (rows(cos, "cos_cache")?, rows(sin, "sin_cache")?);
        let mut out = dense(&x).into_owned();
        for (row, x) in out.chunks_mut(size.max(1)).enumerate() {
            let (b, place) = (row / places / heads.max(1), row % places);
            let at = (b * places + place) * half;
            for i in 0..half {
                let (one, two) = match self.interleaved {
                    true => (2 * i, 2 * i + 1),
                    false => (i, half + i),
                };
                let (cos, sin, a, b) = (cos[at + i], sin[at + i], x[one], x[two]);
                (x[one], x[two]) = (cos * a - sin * b, sin * a + cos * b);
            }
        }
        let mut y = array(x.shape(), out)?;
        if given.ndim() == 3 {
            y = array(given.shape(), dense(&permuted(&y, &[0, 2, 1, 3])?).into_owned())?;
        }
        Ok(vec![y.into()])
    }
}
