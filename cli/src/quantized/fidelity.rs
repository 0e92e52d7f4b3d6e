//! How far values are from what they stand for.

use fewbit::tensor::AnyQuantTensor;
use fewbit_formats::Format;
use ndarray::ArrayD;
use rayon::prelude::*;
use serde::Serialize;

/// Elements of one task; the sums are added up in their order, so results do not depend on threads.
const CHUNK: usize = 1 << 14;

/// What quantization did to the values.
///
/// Only elements that are finite before and after count in the two errors.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Fidelity {
    /// `10 log10(sum x^2 / sum (x - value)^2)`, sums in f64; none where no value differs, or all are zero.
    pub(crate) sqnr_db: Option<f64>,
    /// `max |x - value|`.
    pub(crate) max_abs_error: f64,
    /// Finite elements beyond the largest value that their scale allows, or below the smallest.
    pub(crate) clipped: Option<u64>,
    /// Elements that are NaN or infinite before or after.
    pub(crate) not_finite: u64,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    signal: f64,
    noise: f64,
    most: f64,
    not_finite: u64,
}

impl Fidelity {
    /// Of an array with scales of any granularity.
    pub(crate) fn of_tensor(
        x: &ArrayD<f32>,
        values: &ArrayD<f32>,
        tensor: &AnyQuantTensor,
    ) -> Self {
        Self::of(x, values, Some(clipped_tensor(x, tensor)))
    }

    /// Of GGUF's blocks, whose codes are not looked at.
    pub(crate) fn of_blocks(x: &ArrayD<f32>, values: &ArrayD<f32>) -> Self {
        Self::of(x, values, None)
    }

    fn of(x: &ArrayD<f32>, values: &ArrayD<f32>, clipped: Option<u64>) -> Self {
        let (x, values) = (x.as_slice().unwrap_or_default(), values.as_slice().unwrap_or_default());
        let pairs = x.par_chunks(CHUNK).zip(values.par_chunks(CHUNK));
        let parts: Vec<Sums> = pairs.map(|(x, values)| sums(x, values)).collect();
        let total = parts.iter().fold(Sums::default(), |a, b| Sums {
            signal: a.signal + b.signal,
            noise: a.noise + b.noise,
            most: a.most.max(b.most),
            not_finite: a.not_finite + b.not_finite,
        });
        let ratio = total.signal / total.noise;
        let sqnr_db = (ratio > 0.0 && ratio.is_finite()).then(|| 10.0 * ratio.log10());
        Self { sqnr_db, max_abs_error: total.most, clipped, not_finite: total.not_finite }
    }
}

fn sums(x: &[f32], values: &[f32]) -> Sums {
    let mut sums = Sums::default();
    for (&x, &value) in x.iter().zip(values) {
        if !(x.is_finite() && value.is_finite()) {
            sums.not_finite += 1;
            continue;
        }
        let (x, error) = (f64::from(x), f64::from(x) - f64::from(value));
        sums.signal += x * x;
        sums.noise += error * error;
        sums.most = sums.most.max(error.abs());
    }
    sums
}

/// How many of `x` lie outside what their group can hold.
fn clipped_tensor(x: &ArrayD<f32>, tensor: &AnyQuantTensor) -> u64 {
    let range = range(tensor.format());
    let scale = tensor.expand(tensor.scale());
    let zero_point = tensor.zero_point().map(|zero_point| tensor.expand(zero_point));
    let zero_points = zero_point.as_ref().and_then(|zero_point| zero_point.as_slice());
    let pairs =
        x.as_slice().unwrap_or_default().par_iter().zip(scale.as_slice().unwrap_or_default());
    pairs
        .enumerate()
        .filter(|(index, (x, scale))| {
            let zero = zero_points.and_then(|zero_points| zero_points.get(*index)).copied();
            is_outside(**x, range, zero.unwrap_or(0.0), **scale)
        })
        .count() as u64
}

fn range(format: Format) -> (f64, f64) {
    (format.min_finite(), format.max_finite())
}

/// Exact in f64 for elements of up to 29 significant bits.
fn is_outside(x: f32, (least, most): (f64, f64), zero: f32, scale: f32) -> bool {
    let end = |value: f64| (value - f64::from(zero)) * f64::from(scale);
    let (a, b) = (end(least), end(most));
    x.is_finite() && (f64::from(x) < a.min(b) || f64::from(x) > a.max(b))
}
