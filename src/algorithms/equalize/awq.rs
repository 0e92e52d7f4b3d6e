//! Activation-aware scales and clips (Lin et al. 2023, "AWQ: activation-aware weight quantization"), searched for on the
//! Gram matrix of the inputs.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::error::energy;
use super::{Smoothing, output_error};
use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;

/// Parameters of [`awq_scale`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AwqParams {
    /// n: the exponents `0, 1/n, .. (n - 1)/n` are tried.
    pub grid: usize,
    /// The least scale before normalisation.
    pub floor: f64,
}

impl Default for AwqParams {
    fn default() -> Self {
        Self { grid: 20, floor: 1e-4 }
    }
}

/// The result of [`awq_scale`].
#[derive(Clone, Debug, PartialEq)]
pub struct AwqScale {
    /// Weights are multiplied by it before they are quantized, inputs divided.
    pub smoothing: Smoothing,
    /// The exponent chosen.
    pub ratio: f64,
    /// `|X (W - Q(W diag s) diag s⁻¹)ᵀ|²` of each exponent.
    pub errors: Vec<f64>,
}

/// The best of the scales `s_j = mean|X_j|^r`, held to `floor` and divided by `√(max s min s)`, for
/// `|X (W - Q(W diag s) diag s⁻¹)ᵀ|²`; r of 0, no scaling, is among the candidates.
///
/// `mean_abs` is `mean |X_j|` and `gram` is `XᵀX`; `quantize` gives the values of quantized weights.
///
/// # Errors
/// Those of `quantize`; shapes that do not fit, numbers that are not finite, a grid of 0.
pub fn awq_scale<E: From<AlgorithmError>>(
    weights: ArrayView2<'_, f32>,
    mean_abs: ArrayView1<'_, f64>,
    gram: ArrayView2<'_, f64>,
    params: &AwqParams,
    mut quantize: impl FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
) -> Result<AwqScale, E> {
    check(weights, gram)?;
    let inputs = weights.ncols();
    AlgorithmError::check_shape("the means of the inputs", (1, mean_abs.len()), (1, inputs))?;
    if let Some((col, &value)) =
        mean_abs.iter().enumerate().find(|(_, x)| !x.is_finite() || **x < 0.0)
    {
        let what = "the means of the inputs";
        return Err(AlgorithmError::NotFinite { what, row: 0, col, value }.into());
    }
    at_least_one("the number of exponents", params.grid)?;
    if !(params.floor > 0.0 && params.floor.is_finite()) {
        let (name, value, expected) = ("the floor", params.floor, "finite and above 0");
        return Err(AlgorithmError::Parameter { name, value, expected }.into());
    }
    let mut best: Option<(f64, Smoothing, f64)> = None;
    let mut errors = Vec::with_capacity(params.grid);
    for step in 0..params.grid {
        let ratio = step as f64 / params.grid as f64;
        let raw: Array1<f64> = mean_abs.mapv(|x| x.powf(ratio).max(params.floor));
        let (low, high) =
            raw.iter().fold((f64::INFINITY, 0f64), |(low, high), x| (low.min(*x), high.max(*x)));
        let norm = (low * high).sqrt();
        let smoothing = Smoothing { scale: raw.mapv(|x| (x / norm) as f32) };
        let mut values = quantize(smoothing.weights(weights)?.view())?;
        check_quantized(values.view(), weights)?;
        smoothing.scale_inputs(values.view_mut())?;
        let error = output_error(weights, values.view(), gram)?;
        errors.push(error);
        if best.as_ref().is_none_or(|(least, ..)| error < *least) {
            best = Some((error, smoothing, ratio));
        }
    }
    let unscaled = || (0.0, Smoothing { scale: Array1::ones(inputs) }, 0.0);
    let (_, smoothing, ratio) = best.unwrap_or_else(unscaled);
    Ok(AwqScale { smoothing, ratio, errors })
}

/// Parameters of [`awq_clip`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipParams {
    /// n: clips at `1 - i/n` of the greatest magnitude are tried.
    pub grid: usize,
    /// How far the greatest magnitude may shrink, from 0 up to, not including, 1.
    pub shrink: f64,
}

impl Default for ClipParams {
    fn default() -> Self {
        Self { grid: 20, shrink: 0.5 }
    }
}

/// The result of [`awq_clip`].
#[derive(Clone, Debug, PartialEq)]
pub struct AwqClip {
    /// The clipped weights.
    pub weights: Array2<f32>,
    /// Share of the greatest magnitude that is left, per row and group.
    pub clip: Array2<f32>,
}

/// Clips each run of `group` columns of each row at the share of its greatest magnitude that is best for the output of
/// those columns alone, `|X_g (w_g - Q(clip(w_g)))ᵀ|²`; no clipping is among the candidates.
///
/// With one group per row the error of the whole output does not rise either, where `quantize` treats rows by themselves.
///
/// # Errors
/// Those of `quantize`; shapes that do not fit, numbers that are not finite, a parameter out of its range.
pub fn awq_clip<E: From<AlgorithmError>>(
    weights: ArrayView2<'_, f32>,
    gram: ArrayView2<'_, f64>,
    group: usize,
    params: &ClipParams,
    mut quantize: impl FnMut(ArrayView2<'_, f32>) -> Result<Array2<f32>, E>,
) -> Result<AwqClip, E> {
    check(weights, gram)?;
    at_least_one("the group size", group)?;
    at_least_one("the number of clips", params.grid)?;
    if !(0.0..1.0).contains(&params.shrink) {
        let (name, value, expected) = ("the shrinkage", params.shrink, "at least 0 and below 1");
        return Err(AlgorithmError::Parameter { name, value, expected }.into());
    }
    let (rows, cols) = weights.dim();
    let runs = cols.div_ceil(group);
    let mut clip = Array2::<f32>::ones((rows, runs));
    let mut least = Array2::<f64>::from_elem((rows, runs), f64::INFINITY);
    for step in 0..params.grid {
        let share = (1.0 - params.shrink * step as f64 / params.grid as f64) as f32;
        let clipped = clipped(weights, group, |_, _| share);
        let values = quantize(clipped.view())?;
        check_quantized(values.view(), weights)?;
        for run in 0..runs {
            let columns = run * group..((run + 1) * group).min(cols);
            let part = s![.., columns.clone()];
            let block = gram.slice(s![columns.clone(), columns.clone()]);
            let (w, q) = (weights.slice(part), values.slice(part));
            for row in 0..rows {
                let difference = w.row(row).mapv(f64::from) - q.row(row).mapv(f64::from);
                let error = energy(difference.view().insert_axis(Axis(0)), block);
                if error < least[[row, run]] {
                    least[[row, run]] = error;
                    clip[[row, run]] = share;
                }
            }
        }
    }
    Ok(AwqClip { weights: clipped(weights, group, |row, run| clip[[row, run]]), clip })
}

fn clipped(
    weights: ArrayView2<'_, f32>,
    group: usize,
    share: impl Fn(usize, usize) -> f32,
) -> Array2<f32> {
    let mut result = weights.to_owned();
    for (row, mut all) in result.rows_mut().into_iter().enumerate() {
        for (run, mut w) in all.axis_chunks_iter_mut(Axis(0), group).enumerate() {
            let most = w.iter().fold(0f32, |most, w| w.abs().max(most)) * share(row, run);
            w.mapv_inplace(|w| w.clamp(-most, most));
        }
    }
    result
}

fn check(weights: ArrayView2<'_, f32>, gram: ArrayView2<'_, f64>) -> Result<(), AlgorithmError> {
    let (rows, cols) = weights.dim();
    if rows == 0 || cols == 0 {
        return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
    }
    check_finite("the weight matrix", weights, 0)?;
    AlgorithmError::check_shape("the Gram matrix", gram.dim(), (cols, cols))?;
    check_gram(gram)
}

fn check_quantized(
    values: ArrayView2<'_, f32>,
    weights: ArrayView2<'_, f32>,
) -> Result<(), AlgorithmError> {
    AlgorithmError::check_shape("the quantized weights", values.dim(), weights.dim())?;
    check_finite("the quantized weights", values, 0)
}

pub(super) fn check_gram(gram: ArrayView2<'_, f64>) -> Result<(), AlgorithmError> {
    match gram.indexed_iter().find(|(_, x)| !x.is_finite()) {
        None => Ok(()),
        Some(((row, col), &value)) => {
            let (what, row) = ("the Gram matrix", row as u64);
            Err(AlgorithmError::NotFinite { what, row, col, value })
        }
    }
}

fn at_least_one(name: &'static str, value: usize) -> Result<(), AlgorithmError> {
    match value {
        0 => Err(AlgorithmError::Parameter { name, value: 0.0, expected: "at least 1" }),
        _ => Ok(()),
    }
}
