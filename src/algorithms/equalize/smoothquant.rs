//! Activation equalization: SmoothQuant (arXiv 2211.10438).

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2};

use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::algorithms::linalg::Scalar;

/// Which numbers the scales may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScaleValues {
    /// Any f32: the float function stays up to rounding.
    #[default]
    Any,
    /// The nearest power of two: it stays exactly, barring underflow.
    PowersOfTwo,
}

impl ScaleValues {
    pub(super) fn round(self, scale: f64) -> f32 {
        let scale = match self {
            Self::Any => scale,
            Self::PowersOfTwo => scale.log2().round_ties_even().exp2(),
        };
        // Both a factor and a divisor.
        (scale as f32).clamp(f32::MIN_POSITIVE, 1.0 / f32::MIN_POSITIVE)
    }
}

/// Parameters of [`smoothquant`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothParams {
    /// How much of the range of activations moves into the weights, from 0 to 1.
    pub alpha: f64,
    /// Which numbers the scales may be.
    pub values: ScaleValues,
}

impl Default for SmoothParams {
    fn default() -> Self {
        Self { alpha: 0.5, values: ScaleValues::Any }
    }
}

/// A positive factor per input: weights are multiplied by it, inputs divided.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoothing {
    /// One per input.
    pub scale: Array1<f32>,
}

/// The scales `s_j = max|X_j|^α / max|W_j|^(1 - α)`, the maximum over samples and over all rows of all matrices that take
/// these inputs; 1 where either is zero.
///
/// `abs_max` is `max |X_j|`, as [`Moments::abs_max`](crate::algorithms::Moments::abs_max) has it.
///
/// ```
/// use fewbit::algorithms::equalize::{SmoothParams, smoothquant};
/// use ndarray::array;
/// let w = array![[1.0f32, -0.5], [0.25, 4.0]];
/// let smoothing = smoothquant(&[w.view()], array![64.0, 1.0].view(), &SmoothParams::default())?;
/// assert_eq!(smoothing.scale, array![8.0, 0.5]); // sqrt(64 / 1), sqrt(1 / 4)
/// assert_eq!(smoothing.weights(w.view())?, array![[8.0, -0.25], [2.0, 2.0]]);
/// assert_eq!(smoothing.inputs(array![[64.0f32, 1.0]].view())?, array![[8.0, 2.0]]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
///
/// # Errors
/// No weights, shapes that do not fit, numbers that are not finite, alpha outside 0 to 1.
pub fn smoothquant(
    weights: &[ArrayView2<'_, f32>],
    abs_max: ArrayView1<'_, f64>,
    params: &SmoothParams,
) -> Result<Smoothing, AlgorithmError> {
    if !(0.0..=1.0).contains(&params.alpha) {
        let (name, value, expected) = ("alpha", params.alpha, "from 0 to 1");
        return Err(AlgorithmError::Parameter { name, value, expected });
    }
    let inputs = abs_max.len();
    if weights.is_empty() || inputs == 0 {
        let what = "the list of weight matrices";
        return Err(AlgorithmError::Empty { what, rows: weights.len(), cols: inputs });
    }
    if let Some((col, &value)) =
        abs_max.iter().enumerate().find(|(_, x)| !x.is_finite() || **x < 0.0)
    {
        return Err(AlgorithmError::NotFinite {
            what: "the maxima of the inputs",
            row: 0,
            col,
            value,
        });
    }
    let mut most = Array1::<f64>::zeros(inputs);
    for matrix in weights {
        let shape = (matrix.nrows(), inputs);
        AlgorithmError::check_shape("a weight matrix", matrix.dim(), shape)?;
        check_finite("a weight matrix", *matrix, 0)?;
        for row in matrix.rows() {
            most.zip_mut_with(&row, |most, w| *most = most.max(f64::from(w.abs())));
        }
    }
    let scale = abs_max.iter().zip(&most).map(|(&x, &w)| match x > 0.0 && w > 0.0 {
        true => params.values.round(x.powf(params.alpha) / w.powf(1.0 - params.alpha)),
        false => 1.0,
    });
    Ok(Smoothing { scale: scale.collect() })
}

impl Smoothing {
    /// `W diag(s)`.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where W has another number of inputs.
    pub fn weights(&self, weights: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlgorithmError> {
        let mut result = weights.to_owned();
        self.scale_weights(result.view_mut())?;
        Ok(result)
    }

    /// `W <- W diag(s)`.
    ///
    /// # Errors
    /// As [`Self::weights`].
    pub fn scale_weights(&self, mut weights: ArrayViewMut2<'_, f32>) -> Result<(), AlgorithmError> {
        self.check(weights.dim())?;
        weights.rows_mut().into_iter().for_each(|mut row| row *= &self.scale);
        Ok(())
    }

    /// `X diag(s)⁻¹`, by division.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where X has another number of inputs.
    pub fn inputs(&self, inputs: ArrayView2<'_, f32>) -> Result<Array2<f32>, AlgorithmError> {
        let mut result = inputs.to_owned();
        self.scale_inputs(result.view_mut())?;
        Ok(result)
    }

    /// `X <- X diag(s)⁻¹`.
    ///
    /// # Errors
    /// As [`Self::inputs`].
    pub fn scale_inputs(&self, mut inputs: ArrayViewMut2<'_, f32>) -> Result<(), AlgorithmError> {
        self.check(inputs.dim())?;
        inputs.rows_mut().into_iter().for_each(|mut row| row /= &self.scale);
        Ok(())
    }

    /// The rows of the layer that makes the inputs, and its bias, divided by s: the fused form.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where the layer has another number of outputs.
    pub fn scale_producer(
        &self,
        mut weights: ArrayViewMut2<'_, f32>,
        bias: Option<&mut Array1<f32>>,
    ) -> Result<(), AlgorithmError> {
        let shape = (self.scale.len(), weights.ncols());
        AlgorithmError::check_shape("the producer's weights", weights.dim(), shape)?;
        for (mut row, &scale) in weights.rows_mut().into_iter().zip(&self.scale) {
            row /= scale;
        }
        if let Some(bias) = bias {
            AlgorithmError::check_shape("the bias", (bias.len(), 1), (self.scale.len(), 1))?;
            *bias /= &self.scale;
        }
        Ok(())
    }

    /// `diag(s)⁻¹ H diag(s)⁻¹`: the Gram matrix of the scaled inputs.
    ///
    /// # Errors
    /// [`AlgorithmError::Shape`] where H is of another size.
    pub fn gram<T: Scalar>(&self, h: ArrayView2<'_, T>) -> Result<Array2<T>, AlgorithmError> {
        let n = self.scale.len();
        AlgorithmError::check_shape("the Gram matrix", h.dim(), (n, n))?;
        let inverse: Vec<T> = self.scale.iter().map(|&s| T::one() / T::of(s.into())).collect();
        Ok(Array2::from_shape_fn((n, n), |(i, j)| h[[i, j]] * inverse[i] * inverse[j]))
    }

    fn check(&self, dim: (usize, usize)) -> Result<(), AlgorithmError> {
        AlgorithmError::check_shape("the matrix to scale", dim, (dim.0, self.scale.len()))
    }
}
