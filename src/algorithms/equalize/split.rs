//! Outlier channel splitting (Zhao et al. 2019, "Improving neural network quantization without retraining using outlier
//! channel splitting").

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;

/// Weights with more inputs than before, some of which are copies.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// `[out, in + splits]`; copies come last.
    pub weights: Array2<f32>,
    /// The original input of each input.
    pub source: Vec<usize>,
}

/// Weights with more outputs than before, some of which are copies.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitOutputs {
    /// `[out + splits, in]`; copies come last.
    pub weights: Array2<f32>,
    /// Halved like the rows.
    pub bias: Option<Array1<f32>>,
    /// The original output of each output.
    pub source: Vec<usize>,
}

/// Splits inputs one by one: that with the greatest `|w|` is halved and a copy appended, `splits` times.
///
/// `W x` stays: `w x = w/2 x + w/2 x`, exactly where halving does not underflow.
///
/// ```
/// use fewbit::algorithms::equalize::split_channels;
/// use ndarray::array;
/// let split = split_channels(array![[1.0f32, 8.0], [2.0, 3.0]].view(), 2)?;
/// assert_eq!(split.weights, array![[1.0, 2.0, 4.0, 2.0], [2.0, 0.75, 1.5, 0.75]]);
/// assert_eq!(split.source, [0, 1, 1, 1]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// Weights that are empty or not finite.
pub fn split_channels(
    weights: ArrayView2<'_, f32>,
    splits: usize,
) -> Result<Split, AlgorithmError> {
    check(weights)?;
    let source = choose(weights, splits);
    let mut split = weights.select(Axis(1), &source);
    halve(&mut split, &source, Axis(1));
    Ok(Split { weights: split, source })
}

/// Splits outputs one by one: the row with the greatest `|w|` is halved with its bias and a copy appended, `splits` times.
///
/// The next layer takes [`SplitOutputs::consumer`]: `w₂ f(y) = w₂ f(y/2) + w₂ f(y/2)` for functions that commute with positive
/// factors, ReLU among them.
///
/// # Errors
/// Weights that are empty or not finite, a bias that does not fit.
pub fn split_outputs(
    weights: ArrayView2<'_, f32>,
    bias: Option<ArrayView1<'_, f32>>,
    splits: usize,
) -> Result<SplitOutputs, AlgorithmError> {
    check(weights)?;
    if let Some(bias) = bias {
        AlgorithmError::check_shape("the bias", (bias.len(), 1), (weights.nrows(), 1))?;
        check_finite("the bias", bias.insert_axis(Axis(1)), 0)?;
    }
    let source = choose(weights.t(), splits);
    let mut split = weights.select(Axis(0), &source);
    halve(&mut split, &source, Axis(0));
    let bias = bias.map(|bias| {
        let mut split = bias.select(Axis(0), &source).insert_axis(Axis(1));
        halve(&mut split, &source, Axis(0));
        split.remove_axis(Axis(1))
    });
    Ok(SplitOutputs { weights: split, bias, source })
}

fn check(weights: ArrayView2<'_, f32>) -> Result<(), AlgorithmError> {
    let (rows, cols) = weights.dim();
    if rows == 0 || cols == 0 {
        return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
    }
    check_finite("the weight matrix", weights, 0)
}

/// The original column of each column after splitting.
fn choose(weights: ArrayView2<'_, f32>, splits: usize) -> Vec<usize> {
    let mut source: Vec<usize> = (0..weights.ncols()).collect();
    let mut most: Vec<f32> = weights.columns().into_iter().map(absmax).collect();
    for _ in 0..splits {
        // Of equal ones the first.
        let greatest = (0..most.len()).reduce(|a, b| if most[b] > most[a] { b } else { a });
        let Some(at) = greatest else { break };
        most[at] /= 2.0;
        most.push(most[at]);
        source.push(source[at]);
    }
    source
}

/// Halves every part as often as it was split: the greatest one first, as [`choose`] did.
fn halve(split: &mut Array2<f32>, source: &[usize], axis: Axis) {
    let originals = originals(source);
    // How often each part was halved: a copy starts with what its origin had by then, the greatest part of that origin.
    let mut halvings = vec![0u32; source.len()];
    for (index, &origin) in source.iter().enumerate().skip(originals) {
        let parts = (0..index).filter(|&part| source[part] == origin);
        let Some(at) = parts.min_by_key(|&part| halvings[part]) else { continue };
        halvings[at] += 1;
        halvings[index] = halvings[at];
    }
    for (mut part, halvings) in split.axis_iter_mut(axis).zip(halvings) {
        for _ in 0..halvings {
            part.mapv_inplace(|w| w / 2.0);
        }
    }
}

/// Those come first, in order.
fn originals(source: &[usize]) -> usize {
    source.iter().enumerate().take_while(|(i, source)| i == *source).count()
}

fn absmax(w: ArrayView1<'_, f32>) -> f32 {
    w.iter().fold(0.0, |most, w| w.abs().max(most))
}

impl Split {
    /// The inputs that the new weights take: `X[:, source]`.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where X has another number of inputs than the original weights.
    pub fn inputs(&self, x: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlgorithmError> {
        AlgorithmError::check_shape("the inputs", x.dim(), (x.nrows(), self.original()))?;
        Ok(x.select(Axis(1), &self.source))
    }

    /// The layer that makes the inputs, with rows and bias repeated, in place of [`Self::inputs`] at run time.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where it has another number of outputs.
    pub fn producer(
        &self,
        weights: ArrayView2<'_, f32>,
        bias: Option<ArrayView1<'_, f32>>,
    ) -> Result<(Array2<f32>, Option<Array1<f32>>), AlgorithmError> {
        let shape = (self.original(), weights.ncols());
        AlgorithmError::check_shape("the producer's weights", weights.dim(), shape)?;
        if let Some(bias) = bias {
            AlgorithmError::check_shape("the bias", (bias.len(), 1), (self.original(), 1))?;
        }
        let bias = bias.map(|bias| bias.select(Axis(0), &self.source));
        Ok((weights.select(Axis(0), &self.source), bias))
    }

    /// The original weights: copies added up.
    pub fn merged(&self) -> Array2<f32> {
        let cols = self.original();
        let (first, copies) = self.weights.view().split_at(Axis(1), cols);
        let mut merged = first.to_owned();
        for (column, &source) in copies.columns().into_iter().zip(&self.source[cols..]) {
            let mut to = merged.column_mut(source);
            to += &column;
        }
        merged
    }

    fn original(&self) -> usize {
        originals(&self.source)
    }
}

impl SplitOutputs {
    /// The weights of the next layer, `W₂[:, source]`.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where it takes another number of inputs.
    pub fn consumer(&self, weights: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlgorithmError> {
        let shape = (weights.nrows(), originals(&self.source));
        AlgorithmError::check_shape("the next layer's weights", weights.dim(), shape)?;
        Ok(weights.select(Axis(1), &self.source))
    }
}
