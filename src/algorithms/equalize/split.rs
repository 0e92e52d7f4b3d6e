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
    let (rows, cols) = weights.dim();
    if rows == 0 || cols == 0 {
        return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
    }
    check_finite("the weight matrix", weights, 0)?;
    let mut columns: Vec<Array1<f32>> =
        weights.columns().into_iter().map(|c| c.to_owned()).collect();
    let mut source: Vec<usize> = (0..cols).collect();
    let mut most: Vec<f32> = columns.iter().map(|c| absmax(c.view())).collect();
    for _ in 0..splits {
        // Of equal ones the first.
        let greatest = (0..most.len()).reduce(|a, b| if most[b] > most[a] { b } else { a });
        let Some(at) = greatest else { break };
        columns[at].mapv_inplace(|w| w / 2.0);
        most[at] /= 2.0;
        columns.push(columns[at].clone());
        most.push(most[at]);
        source.push(source[at]);
    }
    let weights = Array2::from_shape_fn((rows, columns.len()), |(i, j)| columns[j][i]);
    Ok(Split { weights, source })
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
        // The originals come first, in order.
        self.source.iter().enumerate().take_while(|(i, source)| i == *source).count()
    }
}
