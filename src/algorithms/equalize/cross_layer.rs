//! Cross-layer equalization (Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction").
//!
//! Between two layers with a function between them that commutes with positive factors (ReLU, PReLU, none), channel i may be
//! multiplied by `c_i` where it is made and divided where it is taken:
//!
//! ```text
//! W₂ f(W₁ x + b₁) = (W₂ C⁻¹) f(C W₁ x + C b₁)        c_i = r₂(i)^(1 - α) / r₁(i)^α
//! ```
//!
//! with `r₁(i)` the range of row i of W₁ and `r₂(i)` that of column i of W₂. For α of ½ both ranges become `√(r₁ r₂)`, which
//! minimises `(c r₁)² + (r₂ / c)²`. In a chain each pair disturbs its neighbours, so that the sweep is repeated.

use ndarray::{Array1, Array2, ArrayView1};

use super::ScaleValues;
use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;

/// A layer of a chain, `y = W x + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainLayer {
    /// `[out, in]`.
    pub weights: Array2<f32>,
    /// One per output.
    pub bias: Option<Array1<f32>>,
}

/// The range of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// `max |w|`.
    #[default]
    AbsMax,
    /// `max w - min w`, for quantizers with a zero point.
    MaxMin,
}

/// Parameters of [`equalize_layers`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossLayerParams {
    /// α, from 0 to 1.
    pub alpha: f64,
    /// What is evened out.
    pub range: Range,
    /// Sweeps at most.
    pub sweeps: usize,
    /// The sweep after which no `|1 - c|` reached this is the last.
    pub threshold: f64,
    /// Channels with a range of at most this on either side are left alone.
    pub least: f64,
    /// Which numbers the factors may be.
    pub values: ScaleValues,
}

impl Default for CrossLayerParams {
    fn default() -> Self {
        Self {
            alpha: 0.5,
            range: Range::AbsMax,
            sweeps: 10,
            threshold: 0.05,
            least: 1e-9,
            values: ScaleValues::Any,
        }
    }
}

/// What [`equalize_layers`] did.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossLayerInfo {
    /// The product of all factors, per pair of neighbours and channel.
    pub factors: Vec<Array1<f64>>,
    /// The greatest `|1 - c|` of each sweep.
    pub changes: Vec<f64>,
}

/// Evens out the ranges of a chain of layers in place.
///
/// ```
/// use fewbit::algorithms::equalize::{CrossLayerParams, ChainLayer, equalize_layers};
/// use ndarray::array;
/// let layer = |weights| ChainLayer { weights, bias: None };
/// let mut chain = [layer(array![[8.0, 4.0], [0.5, 0.25]]), layer(array![[2.0, 2.0]])];
/// equalize_layers(&mut chain, &CrossLayerParams::default())?;
/// assert_eq!(chain[0].weights, array![[4.0, 2.0], [1.0, 0.5]]); // c = sqrt(2 / 8), sqrt(2 / 0.5)
/// assert_eq!(chain[1].weights, array![[4.0, 1.0]]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// Fewer than two layers, shapes that do not fit, numbers that are not finite, a parameter out of its range; the layers are
/// then untouched.
pub fn equalize_layers(
    layers: &mut [ChainLayer],
    params: &CrossLayerParams,
) -> Result<CrossLayerInfo, AlgorithmError> {
    check(layers, params)?;
    let mut info = CrossLayerInfo {
        factors: layers.iter().map(|l| Array1::ones(l.weights.nrows())).collect(),
        changes: Vec::new(),
    };
    // Nothing follows the last layer.
    info.factors.pop();
    for _ in 0..params.sweeps {
        let mut change = 0f64;
        for (index, all) in info.factors.iter_mut().enumerate() {
            let [source, sink, ..] = &mut layers[index..] else { break };
            for (i, all) in all.iter_mut().enumerate() {
                let (r1, r2) = (
                    params.range.of(source.weights.row(i)),
                    params.range.of(sink.weights.column(i)),
                );
                if r1 <= params.least || r2 <= params.least {
                    continue;
                }
                let c = params.values.round(r2.powf(1.0 - params.alpha) / r1.powf(params.alpha));
                change = change.max((1.0 - f64::from(c)).abs());
                *all *= f64::from(c);
                source.weights.row_mut(i).mapv_inplace(|w| w * c);
                if let Some(bias) = &mut source.bias {
                    bias[i] *= c;
                }
                sink.weights.column_mut(i).mapv_inplace(|w| w / c);
            }
        }
        info.changes.push(change);
        if change < params.threshold {
            break;
        }
    }
    Ok(info)
}

fn check(layers: &[ChainLayer], params: &CrossLayerParams) -> Result<(), AlgorithmError> {
    if !(0.0..=1.0).contains(&params.alpha) {
        let (name, value, expected) = ("alpha", params.alpha, "from 0 to 1");
        return Err(AlgorithmError::Parameter { name, value, expected });
    }
    if layers.len() < 2 {
        return Err(AlgorithmError::Parameter {
            name: "the number of layers to equalize",
            value: layers.len() as f64,
            expected: "at least 2",
        });
    }
    for pair in layers.windows(2) {
        let (source, sink) = (&pair[0].weights, &pair[1].weights);
        let shape = (sink.nrows(), source.nrows());
        AlgorithmError::check_shape("the next layer's weights", sink.dim(), shape)?;
    }
    for layer in layers {
        let (rows, cols) = layer.weights.dim();
        if rows == 0 || cols == 0 {
            return Err(AlgorithmError::Empty { what: "a layer's weights", rows, cols });
        }
        check_finite("a layer's weights", layer.weights.view(), 0)?;
        if let Some(bias) = &layer.bias {
            AlgorithmError::check_shape("a bias", (bias.len(), 1), (rows, 1))?;
            check_finite("a bias", bias.view().insert_axis(ndarray::Axis(1)), 0)?;
        }
    }
    Ok(())
}

impl Range {
    fn of(self, w: ArrayView1<'_, f32>) -> f64 {
        let (low, high) = w
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), w| (low.min(*w), high.max(*w)));
        match self {
            Self::AbsMax => f64::from(high.max(-low)),
            Self::MaxMin => f64::from(high) - f64::from(low),
        }
    }
}
