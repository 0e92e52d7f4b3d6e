//! Attention of several heads.

use fewbit::Accumulator;
use ndarray::{Array2, ArrayD, Axis};

use super::attention::attend;
use super::products::{Execution, biased};
use super::{
    AttentionMask, AttentionQuantizers, LayerError, QuantLinear, QuantValue, SequenceLayout,
};

/// The projections of queries, keys and values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InProjection {
    /// One product for all three, of weights `[3 E, E]`, for attention of a sequence to itself: they share the scales of
    /// their quantizers.
    Packed(Box<QuantLinear>),
    /// A layer for each: queries, keys, values.
    Separate(Box<[QuantLinear; 3]>),
}

/// Attention of several heads, between projections. Inputs have the axes of [`SequenceLayout`].
///
/// ```text
/// q, k, v = projections       q <- q / sqrt(E / heads)       y = output projection(attention(q, k, v) of each head)
/// ```
///
/// ```
/// use fewbit_models::layers::{AttentionMask, InProjection, LayerQuantizers, QuantLinear, QuantMultiheadAttention, SequenceLayout};
/// use fewbit_models::layers::AttentionQuantizers;
/// use ndarray::array;
/// let layer = |weight| QuantLinear::new(weight, None, LayerQuantizers::new());
/// let attention = QuantMultiheadAttention {
///     heads: 1,
///     in_projection: InProjection::Packed(Box::new(layer(array![[1.0], [1.0], [2.0]]))),
///     out_projection: layer(array![[10.0]]),
///     attention: AttentionQuantizers::new(),
///     layout: SequenceLayout::StepsFirst,
/// };
/// let x = array![[[1.0f32]]].into();
/// let (y, weights) = attention.forward([&x, &x, &x], &AttentionMask::None, None)?;
/// assert_eq!((y.values[[0, 0, 0]], weights[[0, 0, 0]]), (20.0, 1.0));
/// # Ok::<(), fewbit_models::layers::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantMultiheadAttention {
    /// The heads, a divisor of the features.
    pub heads: usize,
    /// The projections of the inputs.
    pub in_projection: InProjection,
    /// The projection of the output.
    pub out_projection: QuantLinear,
    /// The quantizers between the projections; that of the output has no place here.
    pub attention: AttentionQuantizers,
    /// The axes of inputs and outputs.
    pub layout: SequenceLayout,
}

impl QuantMultiheadAttention {
    /// The outputs in floats, of queries, keys and values, and the mean of the heads' attention weights, `[samples, L, S]`.
    ///
    /// A mask of three axes has one for each head of each sample; where `ignored` (`[samples, S]`) is true, nobody attends.
    ///
    /// # Errors
    /// Shapes that do not fit; several inputs for a packed projection; what a quantizer refuses.
    pub fn forward(
        &self,
        qkv: [&QuantValue; 3],
        mask: &AttentionMask,
        ignored: Option<&Array2<bool>>,
    ) -> Result<(QuantValue, ArrayD<f32>), LayerError> {
        self.run(qkv, mask, ignored, &mut Execution::Float)
    }

    /// The outputs with all products through an accumulator, and the overflow events of its stages; the softmax is one of
    /// floats, the output projection's own quantizer rounds its sums.
    ///
    /// # Errors
    /// As [`Self::forward`]; operands that are no codes of integers; keys or values with a zero point.
    pub fn forward_integer(
        &self,
        qkv: [&QuantValue; 3],
        mask: &AttentionMask,
        ignored: Option<&Array2<bool>>,
        accumulator: &Accumulator,
    ) -> Result<(QuantValue, Vec<u64>), LayerError> {
        let mut execution = Execution::integer(accumulator);
        let (output, _) = self.run(qkv, mask, ignored, &mut execution)?;
        Ok((output, execution.events()))
    }

    fn run(
        &self,
        qkv: [&QuantValue; 3],
        mask: &AttentionMask,
        ignored: Option<&Array2<bool>>,
        execution: &mut Execution<'_>,
    ) -> Result<(QuantValue, ArrayD<f32>), LayerError> {
        let steps_first = |x: &QuantValue| match (self.layout, x.values.ndim()) {
            (_, axes) if axes != 3 => {
                let found = x.values.shape();
                Err(LayerError::Shape(format!("a sequence of {found:?}: expected 3 axes")))
            }
            (SequenceLayout::StepsFirst, _) => Ok(x.clone()),
            (SequenceLayout::BatchFirst, _) => x.permute(&[1, 0, 2]),
        };
        let [q, k, v] = self.projected(qkv, &steps_first, execution)?;
        let &[queries, samples, features] = q.shape() else { return Err(odd(&[])) };
        let keys = k.shape()[0];
        if self.heads == 0 || features % self.heads != 0 || k.shape() != v.shape() {
            return Err(odd(&[&q, &k, &v]));
        }
        let (heads, width) = (self.heads, features / self.heads);
        let by_head = |x: ArrayD<f32>| -> Result<QuantValue, LayerError> {
            let steps = x.shape()[0];
            QuantValue::from(x).reshape(&[steps, samples * heads, width])?.permute(&[1, 0, 2])
        };
        // A number of the precision that torch divides by.
        let root = (width as f64).sqrt() as f32;
        let (q, k, v) = (by_head(q.mapv(|q| q / root))?, by_head(k)?, by_head(v)?);
        let mask = self.mask(mask, ignored, [samples, queries, keys])?;
        let (output, weights) = attend([q, k, v], &mask, &self.attention, execution)?;
        let output = QuantValue::from(output).permute(&[1, 0, 2])?;
        let output = output.reshape(&[queries, samples, features])?;
        let output = project(&self.out_projection, &output, execution)?;
        let output = match self.layout {
            SequenceLayout::StepsFirst => output,
            SequenceLayout::BatchFirst => output.permute(&[1, 0, 2])?,
        };
        let weights = QuantValue::from(weights).reshape(&[samples, heads, queries, keys])?.values;
        Ok((output, weights.sum_axis(Axis(1)) / heads as f32))
    }

    /// Queries, keys and values, steps first.
    fn projected(
        &self,
        [q, k, v]: [&QuantValue; 3],
        steps_first: &impl Fn(&QuantValue) -> Result<QuantValue, LayerError>,
        execution: &mut Execution<'_>,
    ) -> Result<[ArrayD<f32>; 3], LayerError> {
        match &self.in_projection {
            InProjection::Packed(layer) => {
                if q != k || k != v {
                    return Err(LayerError::Shape(
                        "a packed projection takes one sequence three times: use separate ones"
                            .into(),
                    ));
                }
                let all = project(layer, &steps_first(q)?, execution)?.values;
                let features = layer.weight.nrows() / 3;
                let part = |i: usize| -> Result<ArrayD<f32>, LayerError> {
                    let all = QuantValue::from(all.clone());
                    Ok(all.slice(2, i * features, (i + 1) * features)?.values)
                };
                Ok([part(0)?, part(1)?, part(2)?])
            }
            InProjection::Separate(layers) => {
                let [of_q, of_k, of_v] = &**layers;
                Ok([
                    project(of_q, &steps_first(q)?, execution)?.values,
                    project(of_k, &steps_first(k)?, execution)?.values,
                    project(of_v, &steps_first(v)?, execution)?.values,
                ])
            }
        }
    }

    /// The mask of every head of every sample.
    fn mask(
        &self,
        mask: &AttentionMask,
        ignored: Option<&Array2<bool>>,
        [samples, queries, keys]: [usize; 3],
    ) -> Result<AttentionMask, LayerError> {
        let Some(ignored) = ignored else { return Ok(mask.clone()) };
        if ignored.dim() != (samples, keys) {
            let found = ignored.dim();
            return Err(LayerError::Shape(format!(
                "keys to ignore {found:?}: expected {:?}",
                (samples, keys)
            )));
        }
        let shape = [samples * self.heads, queries, keys];
        let mut added = mask.added(&shape)?.unwrap_or_else(|| ArrayD::zeros(&shape[..]));
        for (at, added) in added.indexed_iter_mut() {
            if ignored[[at[0] / self.heads, at[2]]] {
                *added = f32::NEG_INFINITY;
            }
        }
        Ok(AttentionMask::Added(added))
    }
}

/// A linear layer in either execution.
fn project(
    layer: &QuantLinear,
    x: &QuantValue,
    execution: &mut Execution<'_>,
) -> Result<QuantValue, LayerError> {
    let Execution::Integer { accumulator, events } = execution else { return layer.forward(x) };
    let (sums, more) = layer.forward_integer(x, accumulator)?;
    events.resize(events.len().max(more.len()), 0);
    events.iter_mut().zip(more).for_each(|(all, more)| *all += more);
    let values = QuantValue::from(biased(sums, None)?);
    super::quantizers::apply("output", layer.quantizers.output.as_ref(), &values)
}

fn odd(found: &[&ArrayD<f32>]) -> LayerError {
    let shapes: Vec<&[usize]> = found.iter().map(|x| x.shape()).collect();
    LayerError::Shape(format!("an attention of heads that do not divide the features {shapes:?}"))
}
