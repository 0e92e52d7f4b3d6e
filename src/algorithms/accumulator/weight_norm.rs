//! The quantizer that A2Q and A2Q+ train through, and where they start: weights as a norm times a direction.

use ndarray::{Array2, ArrayView2};

use super::project_l1;
use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::quantize::a2q::{self, centre};
use crate::quantize::{A2qBits, Centring};

/// Weights per row as a norm `g` and a direction `v`: `w = g v / |v|_1`.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightNorm {
    /// `v`, `[out, in]`.
    pub directions: Array2<f64>,
    /// `g`, one per row, in the units of the weights.
    pub norms: Vec<f64>,
}

/// The start that A2Q+ proposes (EP-init): each row's nearest point in the L1 ball of radius `step * budget`, as direction and
/// norm. A row inside the ball stays as it is.
///
/// `budget` is that of [`l1_budget`](super::l1_budget) or [`published_l1_budget`](super::published_l1_budget); there is one
/// step per row. With [`Centring::Mean`] the row's mean is taken off first.
///
/// # Errors
/// Weights that are not finite; another number of steps than rows; a step or a budget that is not positive.
///
/// ```
/// use fewbit::algorithms::ep_init;
/// use fewbit::quantize::Centring;
/// use ndarray::array;
/// let start = ep_init(array![[3.0, -1.0, 0.5]].view(), &[0.5], 4.0, Centring::None)?; // radius 2
/// assert_eq!((start.directions, start.norms), (array![[2.0, -0.0, 0.0]], vec![2.0]));
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
pub fn ep_init(
    weights: ArrayView2<'_, f32>,
    steps: &[f64],
    budget: f64,
    centring: Centring,
) -> Result<WeightNorm, AlgorithmError> {
    check_finite("the weight matrix", weights, 0)?;
    check(weights.nrows(), steps, budget)?;
    let mut directions = weights.mapv(f64::from);
    let mut norms = Vec::with_capacity(steps.len());
    for (mut row, step) in directions.rows_mut().into_iter().zip(steps) {
        let mut v = row.to_vec();
        project(&mut v, step * budget, centring);
        norms.push(v.iter().map(|v| v.abs()).sum());
        row.iter_mut().zip(&v).for_each(|(to, v)| *to = *v);
    }
    Ok(WeightNorm { directions, norms })
}

impl WeightNorm {
    /// The integers that A2Q's quantizer makes of the weights, per row
    ///
    /// ```text
    /// v <- v - mean(v)                                    A2Q+
    /// q = clip(trunc(min(g / step, T) v / |v|_1), low, high)
    /// ```
    ///
    /// with `T` the budget. `|q|_1 <= T` whatever direction and norm are: truncation and clipping only take away. With
    /// [`A2qBits::Brevitas`] up to the rounding of f32 sums; then the codes are those of
    /// [`Normalization::Accumulator`](crate::quantize::Normalization).
    ///
    /// # Errors
    /// Numbers that are not finite; other numbers of norms or steps than rows; a step or a budget that is not positive; a range
    /// without 0.
    ///
    /// ```
    /// use fewbit::algorithms::WeightNorm;
    /// use fewbit::quantize::{A2qBits, Centring};
    /// use ndarray::array;
    /// let weights = WeightNorm { directions: array![[3.0, -1.0]], norms: vec![100.0] };
    /// let q = weights.quantize(&[0.5], 9.0, Centring::None, -7..=7, A2qBits::Paper)?; // 6.75, -2.25
    /// assert_eq!(q, array![[6, -2]]);
    /// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
    /// ```
    pub fn quantize(
        &self,
        steps: &[f64],
        budget: f64,
        centring: Centring,
        range: std::ops::RangeInclusive<i64>,
        bits: A2qBits,
    ) -> Result<Array2<i64>, AlgorithmError> {
        let rows = self.directions.nrows();
        check(rows, steps, budget)?;
        AlgorithmError::check_shape("the list of norms", (self.norms.len(), 1), (rows, 1))?;
        let (low, high) = (*range.start(), *range.end());
        if low > 0 || high < 0 {
            let reason =
                format!("the integers {low}..={high} do not hold 0, which A2Q rounds toward");
            return Err(AlgorithmError::Constraint(reason));
        }
        let finite = self.directions.iter().chain(&self.norms).all(|x| x.is_finite());
        if !finite {
            let reason = "directions and norms of weights must be finite".to_owned();
            return Err(AlgorithmError::Constraint(reason));
        }
        let mut integers = Array2::zeros(self.directions.dim());
        let rows = self.directions.rows().into_iter().zip(integers.rows_mut());
        for (((v, mut q), norm), step) in rows.zip(&self.norms).zip(steps) {
            let (v, norm) = (v.to_vec(), norm.abs());
            let exact = match bits {
                A2qBits::Paper => a2q::paper(&v, norm / step, budget, centring),
                A2qBits::Brevitas => {
                    let v: Vec<f32> = v.iter().map(|v| *v as f32).collect();
                    let norm = norm as f32 / *step as f32;
                    let exact = a2q::brevitas(&v, norm, budget as f32, centring);
                    exact.into_iter().map(f64::from).collect()
                }
            };
            for (q, exact) in q.iter_mut().zip(exact) {
                // NaN, of a direction of zeros, becomes 0.
                *q = (exact.trunc() as i64).clamp(low, high);
            }
        }
        Ok(integers)
    }
}

/// The nearest point of the L1 ball of `radius`, the mean taken off first where that is wanted.
pub(super) fn project(v: &mut [f64], radius: f64, centring: Centring) {
    if centring == Centring::Mean {
        centre(v);
    }
    project_l1(v, radius);
}

fn check(rows: usize, steps: &[f64], budget: f64) -> Result<(), AlgorithmError> {
    AlgorithmError::check_shape("the list of steps", (steps.len(), 1), (rows, 1))?;
    let positive = |name, value: f64| match value > 0.0 {
        true => Ok(()),
        false => Err(AlgorithmError::Parameter { name, value, expected: "positive" }),
    };
    positive("the budget", budget)?;
    steps
        .iter()
        .try_for_each(|step| positive("a step", if step.is_finite() { *step } else { -1.0 }))
}
