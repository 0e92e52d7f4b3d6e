//! Losses, with their gradients.

use crate::ops::typed::{array, dense};

use super::GradientError;
use super::call::Gradient;

/// The sum of squared differences, and its gradient `2 (y - target)`.
///
/// # Errors
/// Shapes that differ.
pub fn squared_error(y: &Gradient, target: &Gradient) -> Result<(f64, Gradient), GradientError> {
    if y.shape() != target.shape() {
        return Err(GradientError::Target(format!(
            "a target of shape {:?} for an output of shape {:?}",
            target.shape(),
            y.shape()
        )));
    }
    let mut gradient = y.to_owned();
    let mut sum = 0.0;
    gradient.zip_mut_with(target, |y, target| {
        let difference = *y - target;
        sum += f64::from(difference) * f64::from(difference);
        *y = 2.0 * difference;
    });
    Ok((sum, gradient.into_shared()))
}

/// The mean of `-ln softmax(logits)[class]` over rows, and its gradient `(softmax - one hot) / rows`; classes lie along the last
/// axis.
///
/// ```
/// use fewbit_models::gradient::cross_entropy;
/// use ndarray::arr2;
/// let (loss, gradient) = cross_entropy(&arr2(&[[0.0, 0.0]]).into_dyn().into_shared(), &[1])?;
/// assert_eq!((loss, gradient), (2.0f64.ln(), arr2(&[[0.5, -0.5]]).into_dyn().into_shared()));
/// # Ok::<(), fewbit_models::gradient::GradientError>(())
/// ```
///
/// # Errors
/// Another number of classes than rows; a class that there is not.
pub fn cross_entropy(
    logits: &Gradient,
    classes: &[usize],
) -> Result<(f64, Gradient), GradientError> {
    let count = logits.shape().last().copied().unwrap_or(0);
    let wrong = |problem: String| GradientError::Target(problem);
    if count == 0 || logits.len() / count != classes.len() || classes.is_empty() {
        let (shape, found) = (logits.shape(), classes.len());
        return Err(wrong(format!("{found} classes for logits of shape {shape:?}")));
    }
    let rows = classes.len() as f64;
    let mut gradient = dense(logits).into_owned();
    let mut loss = 0.0;
    for (row, &class) in gradient.chunks_exact_mut(count).zip(classes) {
        let Some(&chosen) = row.get(class) else {
            return Err(wrong(format!("class {class} of {count}")));
        };
        let greatest = row.iter().fold(f32::NEG_INFINITY, |most, &x| most.max(x));
        let sum: f64 = row.iter().map(|&x| f64::from(x - greatest).exp()).sum();
        loss += sum.ln() - f64::from(chosen - greatest);
        for (at, x) in row.iter_mut().enumerate() {
            let share = f64::from(*x - greatest).exp() / sum;
            let hot = if at == class { 1.0 } else { 0.0 };
            *x = ((share - hot) / rows) as f32;
        }
    }
    let gradient = array(logits.shape(), gradient);
    let gradient = gradient.map_err(|error| wrong(error.to_string()))?;
    Ok((loss / rows, gradient))
}
