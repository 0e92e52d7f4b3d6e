//! `Attention`.
//!
//! A few queries of a head at a time meet the keys that any of them sees: of a causal one, half of all.

use ndarray::{
    ArcArray, Array4, ArrayView2, ArrayViewD, ArrayViewMut2, Axis, IxDyn, ShapeBuilder, s,
};
use rayon::prelude::*;

use crate::tensor::Tensor;

use super::concat::concat;
use super::functions::tanh;
use super::heads::{HeadLayout, HeadShape, Heads};
use super::panels::Right;
use super::parallel::change;
use super::product::product;
use super::set::attributes;
use super::shape::elements;
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
}

type Array = ArcArray<f32, IxDyn>;

/// Queries that are computed together.
const BLOCK: usize = 32;
/// Keys of a block begin and end at a multiple of this, or at the last one.
const VECTOR: usize = 16;

/// `[batch, heads, places, size]`, of heads side by side too.
fn by_heads(x: &Array, heads: usize, name: &str) -> Result<Array, OpError> {
    let shape = HeadShape::of(x.shape(), heads, name)?;
    match shape.layout {
        HeadLayout::Axis => Ok(x.clone()),
        HeadLayout::SideBySide => {
            let HeadShape { batch, places, size, .. } = shape;
            let x = array(&[batch, places, heads, size], dense(x).into_owned())?;
            permuted(&x, &[0, 2, 1, 3])
        }
    }
}

/// What is added to the products, and which are not seen at all.
struct Mask<'a> {
    /// `[batch, heads, queries, keys]`, if there is one.
    added: Option<ArrayViewD<'a, f32>>,
    causal: bool,
    window: (i64, i64),
    /// For each batch, keys before its first query.
    offsets: Vec<i64>,
    /// For each batch, how many keys count.
    lengths: Option<Vec<i64>>,
    keys: usize,
}

impl Mask<'_> {
    /// The keys that places, lengths and windows leave to a query: from one to before another one.
    fn seen(&self, batch: usize, query: usize) -> (usize, usize) {
        let place = query as i64 + self.offsets[batch];
        let (left, right) = self.window;
        let (mut from, mut to) = (0, self.keys as i64);
        if self.causal {
            to = to.min(place.saturating_add(1));
        }
        if right >= 0 {
            to = to.min(place.saturating_add(right).saturating_add(1));
        }
        if left >= 0 {
            from = place.saturating_sub(left);
        }
        if let Some(lengths) = &self.lengths {
            to = to.min(lengths[batch]);
        }
        let to = to.max(0) as usize;
        ((from.max(0) as usize).min(to), to)
    }
}

/// The matrix that is added, not yet of the products' shape.
fn added(inputs: Inputs<'_, Tensor>, keys: usize) -> Result<Option<Array>, OpError> {
    let mask: Array = match inputs.optional(3) {
        None => return Ok(None),
        Some(Tensor::Bool(seen)) => {
            seen.mapv(|seen| if seen { 0.0 } else { f32::NEG_INFINITY }).into_shared()
        }
        Some(_) => inputs.array::<f32>(3, "attn_mask")?.clone(),
    };
    let width = mask.shape().last().copied().unwrap_or(1);
    if !(width < keys && width != 1 || (width == 1 && mask.ndim() == 1 && keys > 1)) {
        return Ok(Some(mask));
    }
    // Keys that the mask does not reach are not seen.
    let mut rest = mask.shape().to_vec();
    let last = rest.len() - 1;
    rest[last] = keys - width;
    elements(&rest)?;
    let rest = ArcArray::from_elem(IxDyn(&rest), f32::NEG_INFINITY);
    Ok(Some(concat(&[&mask, &rest], last)?))
}

/// What all heads have in common.
struct Job<'a> {
    op: &'a Attention,
    q: Heads<'a>,
    v: Heads<'a>,
    /// Of each batch and head of keys `[size, stride]`: scaled keys, a column each.
    columns: Vec<f32>,
    stride: usize,
    mask: Mask<'a>,
    /// The root of the factor of the products, which queries and keys have one each of.
    root: f32,
}

impl Job<'_> {
    /// Keys as columns, of rows that are whole vectors.
    fn transpose(k: &Heads<'_>, root: f32, stride: usize) -> Result<Vec<f32>, OpError> {
        let HeadShape { batch, heads, places, size, .. } = k.shape;
        let mut columns = vec![0.0; elements(&[batch * heads, size, stride])?];
        if columns.is_empty() {
            return Ok(columns);
        }
        columns.par_chunks_mut(size * stride).enumerate().for_each(|(at, out)| {
            for start in (0..places).step_by(VECTOR) {
                let rows = start..places.min(start + VECTOR);
                let rows: Vec<&[f32]> =
                    rows.map(|place| k.row(at / heads, at % heads, place)).collect();
                for (element, out) in out.chunks_exact_mut(stride).enumerate() {
                    for (to, row) in out[start..].iter_mut().zip(&rows) {
                        *to = row[element] * root;
                    }
                }
            }
        });
        Ok(columns)
    }

    /// A head's outputs; `scores` has no row where they are not wanted.
    fn head(
        &self,
        (b, h): (usize, usize),
        mut out: ArrayViewMut2<'_, f32>,
        mut scores: ArrayViewMut2<'_, f32>,
    ) {
        let HeadShape { heads, places: queries, size, .. } = self.q.shape;
        let (own, keys, width) = (self.v.shape.heads, self.v.shape.places, self.v.shape.size);
        let of_keys = h / (heads / own);
        let all = scores.nrows() > 0;
        let columns = &self.columns[(b * own + of_keys) * size * self.stride..];
        let mut scaled = vec![0.0; BLOCK.min(queries) * size];
        let mut block = vec![0.0; BLOCK.min(queries) * self.stride];
        for start in (0..queries).step_by(BLOCK) {
            let rows = start..queries.min(start + BLOCK);
            let seen: Vec<(usize, usize)> =
                rows.clone().map(|query| self.mask.seen(b, query)).collect();
            let from = seen.iter().map(|seen| seen.0).min().unwrap_or(0) / VECTOR * VECTOR;
            let to = seen.iter().map(|seen| seen.1).max().unwrap_or(0);
            let (from, to) = if all { (0, keys) } else { (from, to) };
            let mut out = out.slice_mut(s![rows.clone(), ..]);
            if from >= to {
                out.fill(0.0);
                continue;
            }
            // Columns behind the last key are zeros.
            let stride = (to - from).next_multiple_of(VECTOR);
            for (query, to) in rows.clone().zip(scaled.chunks_exact_mut(size.max(1))) {
                let row = self.q.row(b, h, query);
                to.iter_mut().zip(row).for_each(|(to, x)| *to = x * self.root);
            }
            let right = Right::Rows {
                data: columns.get(from..).unwrap_or_default(),
                stride: self.stride,
                depth: size,
                columns: stride,
            };
            let block = &mut block[..rows.len() * stride];
            let q = ArrayView2::from_shape((rows.len(), size), &scaled[..rows.len() * size]);
            let products = ArrayViewMut2::from_shape((rows.len(), stride), &mut *block);
            if let (Ok(q), Ok(products)) = (q, products) {
                product(1.0, q, right, 0.0, products);
            }
            for ((query, seen), row) in rows.clone().zip(seen).zip(block.chunks_exact_mut(stride)) {
                let scores = all.then(|| scores.row_mut(query));
                let scores = scores.and_then(|row| row.into_slice()).unwrap_or_default();
                self.weigh([b, h, query], seen, from, &mut row[..to - from], scores);
            }
            let (data, apart) = self.v.from(b, of_keys, from);
            let right = Right::Rows { data, stride: apart, depth: to - from, columns: width };
            let shape = (rows.len(), to - from).strides((stride, 1));
            if let Ok(weights) = ArrayView2::from_shape(shape, &*block) {
                product(1.0, weights, right, 0.0, out);
            }
        }
    }

    /// Products of a query, with the keys from one on, become weights; those of the fourth output are copied, where there is a
    /// place for them.
    fn weigh(
        &self,
        [b, h, query]: [usize; 3],
        (first, last): (usize, usize),
        from: usize,
        row: &mut [f32],
        scores: &mut [f32],
    ) {
        let mode = self.op.scores;
        let copy = |to: &mut [f32], row: &[f32]| {
            to.iter_mut().zip(row).for_each(|(to, x)| *to = *x);
        };
        let cap = self.op.softcap;
        if cap > 0.0 {
            change(row, move |x| tanh(x / cap) * cap);
        }
        if mode < 2 {
            copy(scores, row);
        }
        let (before, rest) = row.split_at_mut(first - from);
        let (visible, behind) = rest.split_at_mut(last - first);
        before.fill(f32::NEG_INFINITY);
        behind.fill(f32::NEG_INFINITY);
        let mut is_hidden = visible.is_empty();
        if let Some(added) = &self.mask.added {
            let added = added.slice(s![b, h, query, first..last]);
            is_hidden = added.iter().all(|&x| x == f32::NEG_INFINITY);
            visible.iter_mut().zip(added).for_each(|(x, added)| *x += added);
        }
        if mode == 2 {
            copy(scores, row);
        }
        let (before, rest) = row.split_at_mut(first - from);
        let (visible, behind) = rest.split_at_mut(last - first);
        before.fill(0.0);
        behind.fill(0.0);
        if is_hidden {
            visible.fill(0.0)
        } else {
            softmax(visible)
        }
        if mode == 3 {
            copy(scores, row);
        }
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
        self.run_first(4, inputs)
    }

    /// Keys and values by heads, and products, only where they are wanted.
    fn run_first(
        &self,
        outputs: usize,
        inputs: Inputs<'_, Tensor>,
    ) -> Result<Vec<Tensor>, OpError> {
        let q = Heads::of(inputs.array(0, "Q")?, self.query_heads, "Q")?;
        let (mut k, mut v) = (inputs.array(1, "K")?.clone(), inputs.array(2, "V")?.clone());
        let mut past = 0;
        if outputs > 1 || inputs.optional(4).is_some() {
            (k, v) = (by_heads(&k, self.key_heads, "K")?, by_heads(&v, self.key_heads, "V")?);
        }
        if inputs.optional(4).is_some() {
            let (keys, values) =
                (inputs.array::<f32>(4, "past_key")?, inputs.array(5, "past_value")?);
            if keys.ndim() != 4 || values.ndim() != 4 {
                return Err(OpError::Shape("past keys and values have 4 axes".into()));
            }
            past = keys.shape()[2];
            (k, v) = (concat(&[keys, &k], 2)?, concat(&[values, &v], 2)?);
        }
        let of_keys = Heads::of(&k, self.key_heads, "K")?;
        let of_values = Heads::of(&v, self.key_heads, "V")?;
        let HeadShape { layout, batch, heads, places: queries, size } = q.shape;
        let (key, value) = (of_keys.shape, of_values.shape);
        let (own, keys, width) = (value.heads, value.places, value.size);
        let fit = [key.batch, value.batch] == [batch; 2]
            && [key.heads, key.places, key.size] == [own, keys, size];
        if !fit {
            let q = inputs.required(0, "Q")?.shape();
            let (k, v) = (k.shape(), v.shape());
            return Err(OpError::Shape(format!("Q of shape {q:?}, K of {k:?}, V of {v:?}")));
        }
        if own == 0 || heads % own != 0 {
            return Err(OpError::Shape(format!("{heads} heads of queries, {own} of keys")));
        }
        let lengths = inputs.integers(6, "nonpad_kv_seqlen")?;
        if lengths.as_ref().is_some_and(|lengths| lengths.len() != batch) {
            return Err(OpError::Shape(format!("{lengths:?} lengths for {batch} in a batch")));
        }
        let offsets = match (&lengths, inputs.optional(4)) {
            (Some(lengths), None) => lengths.iter().map(|n| n - queries as i64).collect(),
            _ => vec![past as i64; batch],
        };
        let all = [batch, heads, queries, keys];
        let given = added(inputs, keys)?;
        let added = match &given {
            Some(mask) => Some(mask.broadcast(IxDyn(&all)).ok_or_else(|| {
                let found = mask.shape();
                OpError::Shape(format!("{found:?} does not broadcast to {all:?}"))
            })?),
            None => None,
        };
        let window = (self.left, self.right);
        let mask = Mask { added, causal: self.causal, window, offsets, lengths, keys };
        let root = self.scale.unwrap_or(1.0 / (size as f32).sqrt()).sqrt();
        let stride = keys.next_multiple_of(VECTOR);
        let columns = Job::transpose(&of_keys, root, stride)?;
        let job = Job { op: self, q, v: of_values, columns, stride, mask, root };
        let shape = match layout {
            HeadLayout::Axis => vec![batch, heads, queries, width],
            HeadLayout::SideBySide => vec![batch, queries, heads * width],
        };
        let split = match layout {
            HeadLayout::Axis => [batch, heads, queries, width],
            HeadLayout::SideBySide => [batch, queries, heads, width],
        };
        elements(&split)?;
        let mut y = Array4::<f32>::zeros(split);
        let wanted = if outputs > 3 { queries } else { 0 };
        elements(&[batch, heads, wanted, keys])?;
        let mut scores = Array4::<f32>::zeros([batch, heads, wanted, keys]);
        if keys > 0 && !y.is_empty() {
            let mut by_head = y.view_mut();
            if layout == HeadLayout::SideBySide {
                by_head.swap_axes(1, 2);
            }
            let batches = by_head.axis_iter_mut(Axis(0)).into_par_iter();
            let batches = batches.zip(scores.axis_iter_mut(Axis(0)).into_par_iter());
            batches.enumerate().for_each(|(b, (mut y, mut scores))| {
                let heads = y.axis_iter_mut(Axis(0)).into_par_iter();
                let heads = heads.zip(scores.axis_iter_mut(Axis(0)).into_par_iter());
                heads.enumerate().for_each(|(h, (y, scores))| job.head((b, h), y, scores));
            });
        }
        let (y, _) = y.into_raw_vec_and_offset();
        let mut found: Vec<Tensor> = vec![array(&shape, y)?.into()];
        if outputs > 1 {
            found.extend([k.clone().into(), v.clone().into()]);
        }
        if outputs > 3 {
            found.push(scores.into_dyn().into_shared().into());
        }
        Ok(found)
    }
}
