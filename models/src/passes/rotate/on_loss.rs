//! Rotations for a loss: descent on the cross entropy of the next token, through the whole quantized model.
//!
//! ```text
//! C' = C R along an axis of each constant C that makes or takes a stream        L = cross entropy of the next tokens, all products quantized
//! ∂L/∂R = sum over constants of (vectors of C)ᵀ (vectors of ∂L/∂C')            R <- Cayley step against it, all rotations at once
//! ```
//!
//! Quantizers hand gradients on where they do not clip. That is Brevitas's `optimize_rotations`, from the rotations that were fused
//! before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fewbit::algorithms::linalg::product;
use fewbit::algorithms::rotate::{CayleyParams, Rotation, cayley_sgd};
use fewbit::quantize::Quantizer;
use ndarray::{Array2, ArrayD, Axis};

use crate::gradient::{Gradient, Tape, cross_entropy};
use crate::graph::{Graph, NodeId, ValueId, products};
use crate::ops::Quantize;
use crate::tensor::Tensor;

use super::super::insert::insert_input_quantizers;
use super::super::weights::for_layout;
use super::super::{PassError, PassReport};
use super::blocks::rotated;
use super::params::{RotateParams, RotationKind};
use super::pass::{Fused, rotate_and_tell};

/// The input of a language model's graph with the places whose logits are computed.
const KEPT: &str = "logits_to_keep";

/// Descent on the loss of a language model.
#[derive(Clone, Debug)]
pub struct LossDescent<'a> {
    /// Of the inputs of products, if they are rounded; scales that a calibration would find come from each tensor.
    pub inputs: Option<&'a Quantizer>,
    /// Of weights.
    pub weights: &'a Quantizer,
    /// Products that stay in floats.
    pub except: &'a [NodeId],
    /// Windows of tokens, as the inputs of the model; the first input has the tokens.
    pub batches: &'a [Vec<Tensor>],
    /// Steps.
    pub steps: usize,
    /// Windows of a step, one after the other through all of them.
    pub batch: usize,
    /// The rate of the first step; it falls to 0.
    pub rate: f64,
}

/// [`rotate`](super::rotate), and then better rotations by descent on the cross entropy of the next token, with all products but some
/// quantized; those that leave more of it over all windows than there was are not kept.
///
/// # Errors
/// As [`rotate`](super::rotate); layerwise rotations, of which none is fused; no windows, or windows without tokens; an operator without
/// a gradient.
pub fn rotate_for_loss(
    graph: &mut Graph,
    params: &RotateParams,
    descent: &LossDescent<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    if params.kind == RotationKind::Layerwise {
        let problem = "only fused rotations are found by descent: expected fx or fused_no_fx";
        return Err(PassError::Missing(problem.into()));
    }
    if descent.batches.is_empty() {
        return Err(PassError::Missing("rotations for a loss need a calibration text".into()));
    }
    let (mut report, fused) = rotate_and_tell(graph, params)?;
    let trial = Trial::of(graph, &fused, descent)?;
    let [before, after] = trial.descend(graph, descent, progress)?;
    report.detail += &format!("; cross entropy of the next token from {before:.4} to {after:.4}");
    Ok(report)
}

/// A constant and the streams that it is rotated for, with the axes.
type Turned = (ValueId, BTreeMap<usize, usize>);

/// The quantized model, with what is known of its rotations.
struct Trial {
    graph: Graph,
    /// Channels of each rotation.
    blocks: Vec<usize>,
    constants: Vec<Turned>,
}

impl Trial {
    fn of(graph: &Graph, fused: &[Fused], descent: &LossDescent<'_>) -> Result<Self, PassError> {
        let mut constants: BTreeMap<ValueId, BTreeMap<usize, usize>> = BTreeMap::new();
        for (index, stream) in fused.iter().enumerate() {
            for place in &stream.uses {
                let Some(id) = place.constant(graph) else { continue };
                let before = constants.entry(id).or_default().insert(place.axis, index);
                if before.is_some_and(|before| before != index) {
                    let name = graph.name_of(id);
                    let problem = format!("`{name}` has two rotations along one axis");
                    return Err(PassError::Missing(problem));
                }
            }
        }
        let mut trial = graph.clone();
        if let Some(quantizer) = descent.inputs {
            insert_input_quantizers(&mut trial, quantizer, descent.except)?;
        }
        for product in products(&trial) {
            if descent.except.contains(&product.node) {
                continue;
            }
            let name = trial.name_of(product.weight).to_owned();
            let quantizer = for_layout(descent.weights, &product);
            let op = Quantize::new(quantizer.map_err(PassError::quantize(&name))?);
            let output = trial.add(&format!("{name}.quantizer"), op, &[product.weight]);
            trial.node_mut(product.node).inputs[1] = Some(output);
        }
        trial.sort()?;
        let blocks = fused.iter().map(|stream| stream.block).collect();
        Ok(Self { graph: trial, blocks, constants: constants.into_iter().collect() })
    }

    /// Moves the rotations, and puts the constants that they make into the graph; the loss before and behind.
    fn descend(
        &self,
        graph: &mut Graph,
        descent: &LossDescent<'_>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<[f64; 2], PassError> {
        let start: Vec<Array2<f64>> = self.blocks.iter().map(|&n| Array2::eye(n)).collect();
        let before = self.mean_loss(descent, &start)?;
        let (mut turns, windows) = (start, descent.batches.len());
        for step in 0..descent.steps {
            progress(step, descent.steps);
            let drawn =
                (0..descent.batch.max(1)).map(|i| (step * descent.batch.max(1) + i) % windows);
            let gradients = self.gradients(descent, &turns, drawn)?;
            let rate = descent.rate * (1.0 - step as f64 / descent.steps as f64);
            let params = CayleyParams { rate, steps: 1, ..CayleyParams::default() };
            for (turn, gradient) in turns.iter_mut().zip(&gradients) {
                // One step of a linear function with this gradient.
                let linear = |x: ndarray::ArrayView2<'_, f64>, _: usize| {
                    ((gradient * &x).sum(), gradient.clone())
                };
                let found = cayley_sgd(turn.view(), &params, linear);
                *turn = found.map_err(PassError::algorithm("a rotation"))?.0;
            }
        }
        progress(descent.steps, descent.steps);
        let after = self.mean_loss(descent, &turns)?;
        if after < before {
            for (id, tensor) in self.turned(&turns)? {
                graph.set_data(id, tensor);
            }
        }
        Ok([before, after.min(before)])
    }

    /// A constant along all its axes but one.
    fn along(
        &self,
        (id, axes): &Turned,
        turns: &[Array2<f64>],
        except: Option<usize>,
    ) -> Result<ArrayD<f32>, PassError> {
        let name = self.graph.name_of(*id);
        let missing = || PassError::Missing(format!("`{name}` is no initializer"));
        let data = self.graph.data(*id).cloned().ok_or_else(missing)?;
        let mut array: ArrayD<f32> = data.try_into().map_err(PassError::tensor(name))?;
        let wrong = PassError::algorithm(name);
        for (&axis, &stream) in axes.iter().filter(|(axis, _)| Some(**axis) != except) {
            let rotation = Rotation::dense(turns[stream].clone()).map_err(&wrong)?;
            array = rotated(&array, &BTreeSet::from([axis]), &rotation).map_err(&wrong)?;
        }
        Ok(array)
    }

    fn turned(&self, turns: &[Array2<f64>]) -> Result<HashMap<ValueId, ArrayD<f32>>, PassError> {
        let of = |constant: &Turned| Ok((constant.0, self.along(constant, turns, None)?));
        self.constants.iter().map(of).collect()
    }

    /// The run on a window.
    fn tape(
        &self,
        window: &[Tensor],
        constants: &HashMap<ValueId, Tensor>,
    ) -> Result<Tape<'_>, PassError> {
        let mut given = constants.clone();
        let places = window.first().and_then(|tokens| tokens.shape().last().copied());
        let places = (0..places.unwrap_or(0) as i64).collect();
        // Of a graph that gives the logits of chosen places, those of all.
        let all = Tensor::vector(places);
        let input = |(&id, tensor): (&ValueId, &Tensor)| match self.graph.name_of(id) {
            KEPT => (id, all.clone()),
            _ => (id, tensor.clone()),
        };
        given.extend(self.graph.inputs().iter().zip(window).map(input));
        Ok(Tape::run(&self.graph, self.graph.order(), given)?)
    }

    /// The mean loss over all windows.
    fn mean_loss(
        &self,
        descent: &LossDescent<'_>,
        turns: &[Array2<f64>],
    ) -> Result<f64, PassError> {
        let constants = as_tensors(self.turned(turns)?);
        let mut sum = 0.0;
        for window in descent.batches {
            sum += self.loss(window, &self.tape(window, &constants)?)?.1;
        }
        Ok(sum / descent.batches.len() as f64)
    }

    /// The logits, their loss and gradient.
    fn loss(
        &self,
        window: &[Tensor],
        tape: &Tape<'_>,
    ) -> Result<(ValueId, f64, Gradient), PassError> {
        let missing = || PassError::Missing("the model gives no logits".into());
        let &output = self.graph.outputs().first().ok_or_else(missing)?;
        let logits = tape.value(output)?.get::<f32>();
        let logits = logits.map_err(PassError::tensor(self.graph.name_of(output)))?;
        let tokens = window.first().ok_or_else(missing)?;
        let wrong = PassError::tensor("the tokens of a window");
        let (loss, gradient) =
            next_tokens(logits, tokens.shape(), &tokens.integers().map_err(wrong)?)?;
        Ok((output, loss, gradient))
    }

    /// The gradients by the rotations, over some windows.
    fn gradients(
        &self,
        descent: &LossDescent<'_>,
        turns: &[Array2<f64>],
        windows: impl Iterator<Item = usize>,
    ) -> Result<Vec<Array2<f64>>, PassError> {
        let constants = as_tensors(self.turned(turns)?);
        let wanted: Vec<ValueId> = self.constants.iter().map(|constant| constant.0).collect();
        let mut sums: Vec<Array2<f64>> =
            self.blocks.iter().map(|&n| Array2::zeros((n, n))).collect();
        for window in windows {
            let window = &descent.batches[window];
            let tape = self.tape(window, &constants)?;
            let (output, _, gradient) = self.loss(window, &tape)?;
            let found = tape.backward(vec![(output, gradient)], &wanted)?;
            for (constant, gradient) in self.constants.iter().zip(&found) {
                for (&axis, &stream) in &constant.1 {
                    let others = self.along(constant, turns, Some(axis))?;
                    sums[stream] += &by_rotation(&others, gradient, axis, self.blocks[stream]);
                }
            }
        }
        Ok(sums)
    }
}

fn as_tensors(arrays: HashMap<ValueId, ArrayD<f32>>) -> HashMap<ValueId, Tensor> {
    arrays.into_iter().map(|(id, array)| (id, array.into())).collect()
}

/// The mean loss of logits `[batch, places, vocabulary]` at the tokens behind each place; the last place has none.
fn next_tokens(
    logits: &Gradient,
    shape: &[usize],
    tokens: &[i64],
) -> Result<(f64, Gradient), PassError> {
    let (batch, places) = match *shape {
        [batch, places] if places > 1 => (batch, places),
        _ => return Err(PassError::Missing(format!("a window of tokens of shape {shape:?}"))),
    };
    let width = logits.len() / (batch * places).max(1);
    let flat = logits.to_shape((batch, places, width));
    let wrong = |_| PassError::Missing(format!("logits of shape {:?}", logits.shape()));
    let flat = flat.map_err(wrong)?;
    let some = flat.slice_axis(Axis(1), (0..places - 1).into());
    let some = some.to_owned().into_dyn().into_shared();
    let next = tokens.chunks_exact(places).flat_map(|row| &row[1..]);
    let next: Vec<usize> =
        next.map(|&token| usize::try_from(token).unwrap_or(usize::MAX)).collect();
    let (loss, found) = cross_entropy(&some, &next)?;
    let mut gradient = ndarray::Array3::zeros((batch, places, width));
    gradient.slice_axis_mut(Axis(1), (0..places - 1).into()).into_dyn().assign(&found);
    let gradient = gradient.into_shape_with_order(logits.raw_dim());
    Ok((loss, gradient.map_err(wrong)?.into_shared()))
}

/// The gradient by R, of vectors that become `v R` along an axis; a vector without a gradient adds nothing.
fn by_rotation(array: &ArrayD<f32>, gradient: &Gradient, axis: usize, block: usize) -> Array2<f64> {
    let (mut rows, mut slopes) = (Vec::new(), Vec::new());
    let vectors = array.lanes(Axis(axis)).into_iter().zip(gradient.lanes(Axis(axis)));
    for (vector, slope) in vectors {
        if slope.iter().any(|&g| g != 0.0) {
            rows.extend(vector.iter().map(|&x| f64::from(x)));
            slopes.extend(slope.iter().map(|&g| f64::from(g)));
        }
    }
    let count = rows.len() / block.max(1);
    let rows = Array2::from_shape_vec((count, block), rows).unwrap_or_default();
    let slopes = Array2::from_shape_vec((count, block), slopes).unwrap_or_default();
    match count {
        0 => Array2::zeros((block, block)),
        _ => product(rows.t(), slopes.view()),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{arr2, arr3};

    use super::*;

    #[test]
    fn gradients_by_a_rotation_by_hand() {
        // c' = c R, so that the derivative of g · c' by R[i, j] is c[i] g[j].
        let (c, g) = (arr2(&[[1.0f32, 2.0]]).into_dyn(), arr2(&[[3.0f32, 5.0]]).into_dyn());
        let expected = arr2(&[[3.0, 5.0], [6.0, 10.0]]);
        assert_eq!(by_rotation(&c, &g.clone().into_shared(), 1, 2), expected);
        // Along the first axis of the transposed matrix, and over two blocks of which one has no gradient.
        let turned = by_rotation(&c.t().to_owned(), &g.t().to_owned().into_shared(), 0, 2);
        assert_eq!(turned, expected);
        let wide = arr2(&[[1.0f32, 2.0, 7.0, 8.0], [9.0, 9.0, 9.0, 9.0]]).into_dyn();
        let slope = arr2(&[[3.0f32, 5.0, 0.0, 0.0], [0.0; 4]]).into_dyn().into_shared();
        assert_eq!(by_rotation(&wide, &slope, 1, 2), expected);
    }

    #[test]
    fn a_place_predicts_the_token_behind_it() {
        let logits = arr3(&[[[0.0f32, 0.0], [0.0, 0.0], [9.0, 1.0]]]).into_dyn().into_shared();
        let (loss, gradient) = next_tokens(&logits, &[1, 3], &[0, 1, 0]).expect("a loss");
        assert!((loss - 2.0f64.ln()).abs() < 1e-12);
        // Half of each place's gradient, for it is a mean of two; that of the last place is 0.
        let expected = arr3(&[[[0.25f32, -0.25], [-0.25, 0.25], [0.0, 0.0]]]).into_dyn();
        assert_eq!(gradient, expected);
        assert!(next_tokens(&logits, &[3], &[0, 1, 0]).is_err());
        assert!(next_tokens(&logits, &[1, 3], &[0, 1, 2]).is_err());
    }
}
