//! Scaled dot-product attention.

use fewbit::Accumulator;
use ndarray::{ArrayD, IxDyn};

use crate::ops::Softmax;

use super::products::{Execution, matmul, run};
use super::quantizers::{apply, apply_to};
use super::{AttentionQuantizers, LayerError, QuantValue};

/// What a query may attend to.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum AttentionMask {
    /// Every key.
    #[default]
    None,
    /// The keys up to its own place.
    Causal,
    /// The keys where this is true; it broadcasts to `[..., queries, keys]`.
    Allowed(ArrayD<bool>),
    /// What is added to the products; it broadcasts to `[..., queries, keys]`.
    Added(ArrayD<f32>),
}

impl AttentionMask {
    /// What is added to products of this shape.
    pub(super) fn added(&self, shape: &[usize]) -> Result<Option<ArrayD<f32>>, LayerError> {
        let wrong = |found: &[usize]| {
            LayerError::Shape(format!("a mask of {found:?} for products of {shape:?}"))
        };
        let forbidden = |allowed: bool| if allowed { 0.0 } else { f32::NEG_INFINITY };
        let added = match self {
            Self::None => return Ok(None),
            Self::Causal => {
                let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
                ArrayD::from_shape_fn(vec![rows, columns], |at| forbidden(at[1] <= at[0]))
            }
            Self::Allowed(mask) => mask.mapv(forbidden),
            Self::Added(mask) => mask.clone(),
        };
        let whole = added.broadcast(IxDyn(shape)).ok_or_else(|| wrong(added.shape()))?;
        Ok(Some(whole.to_owned()))
    }
}

/// `softmax(q k' scale + mask) v`: queries `[..., L, E]`, keys `[..., S, E]`, values `[..., S, Ev]`.
///
/// ```text
/// s = q(q scale) q(k') + mask      a = q(softmax(q(s)))      y = q(a q(v))
/// ```
///
/// ```
/// use fewbit_models::layers::{AttentionMask, QuantScaledDotProductAttention};
/// use ndarray::array;
/// let attention = QuantScaledDotProductAttention::default();
/// let x = array![[1.0f32], [3.0]].into();
/// let y = attention.forward([&x, &x, &x], &AttentionMask::Causal)?;
/// assert_eq!(y.values[[0, 0]], 1.0); // the first query sees the first value alone
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantScaledDotProductAttention {
    /// The factor of the queries; `1 / sqrt(E)` unless given.
    pub scale: Option<f32>,
    /// The quantizers.
    pub quantizers: AttentionQuantizers,
}

impl QuantScaledDotProductAttention {
    /// The outputs in floats, of queries, keys and values.
    ///
    /// # Errors
    /// Shapes that do not fit; what a quantizer refuses.
    pub fn forward(
        &self,
        qkv: [&QuantValue; 3],
        mask: &AttentionMask,
    ) -> Result<QuantValue, LayerError> {
        self.run(qkv, mask, &mut Execution::Float)
    }

    /// The outputs with both products through an accumulator, and the overflow events of its stages; the softmax is one of
    /// floats.
    ///
    /// # Errors
    /// As [`Self::forward`]; operands that are no codes of integers with one scale; keys or values with a zero point.
    pub fn forward_integer(
        &self,
        qkv: [&QuantValue; 3],
        mask: &AttentionMask,
        accumulator: &Accumulator,
    ) -> Result<(QuantValue, Vec<u64>), LayerError> {
        let mut execution = Execution::integer(accumulator);
        let output = self.run(qkv, mask, &mut execution)?;
        Ok((output, execution.events()))
    }

    fn run(
        &self,
        [q, k, v]: [&QuantValue; 3],
        mask: &AttentionMask,
        execution: &mut Execution<'_>,
    ) -> Result<QuantValue, LayerError> {
        let axes = q.values.ndim();
        if axes < 2 || k.values.ndim() != axes || v.values.ndim() != axes {
            let shapes = [q, k, v].map(|value| value.values.shape().to_vec());
            return Err(LayerError::Shape(format!("an attention over {shapes:?}")));
        }
        let features = q.values.shape()[axes - 1];
        let scale = self.scale.unwrap_or_else(|| (1.0 / (features as f64).sqrt()) as f32);
        let (output, _) = attend(
            [q.values.mapv(|q| q * scale).into(), k.clone(), v.clone()],
            mask,
            &self.quantizers,
            execution,
        )?;
        apply_to("attention's output", self.quantizers.sdpa_output.as_ref(), output)
    }
}

/// Output and attention weights for queries that are scaled already.
pub(super) fn attend(
    [q, k, v]: [QuantValue; 3],
    mask: &AttentionMask,
    by: &AttentionQuantizers,
    execution: &mut Execution<'_>,
) -> Result<(ArrayD<f32>, ArrayD<f32>), LayerError> {
    let q = apply("scaled queries", by.q_scaled.as_ref(), &q)?;
    let mut order: Vec<usize> = (0..k.values.ndim()).collect();
    let last = order.len() - 1;
    order.swap(last, last - 1);
    let k = apply("transposed keys", by.k_transposed.as_ref(), &k.permute(&order)?)?;
    let mut products = matmul(("queries", &q), ("keys", &k), execution)?;
    if let Some(mask) = mask.added(products.shape())? {
        products += &mask;
    }
    let products = apply_to("softmax's input", by.softmax_input.as_ref(), products)?;
    let softmax = Softmax { axis: -1, ..Softmax::default() };
    let weights = run(&softmax.into(), &[&products.values])?;
    let weights = apply_to("attention weights", by.attn_output_weights.as_ref(), weights)?;
    let v = apply("values", by.v.as_ref(), &v)?;
    let output = matmul(("attention weights", &weights), ("values", &v), execution)?;
    Ok((output, weights.values))
}
