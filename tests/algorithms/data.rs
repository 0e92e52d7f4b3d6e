//! Data for the tests of the algorithms: correlated inputs, and a seeded generator that owes nothing to fewbit.

pub(crate) use fewbit_testkit::Random;
use ndarray::{Array1, Array2, ArrayView2};

/// Random matrices.
pub(crate) trait Matrices {
    fn matrix(&mut self, rows: usize, cols: usize) -> Array2<f32>;
}

impl Matrices for Random {
    fn matrix(&mut self, rows: usize, cols: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, cols), |_| self.normal() as f32)
    }
}

/// A layer with correlated float inputs X, noisy inputs X̃, and weights.
pub(crate) struct Layer {
    pub(crate) weights: Array2<f32>,
    pub(crate) float: Array2<f32>,
    pub(crate) quantized: Array2<f32>,
}

impl Layer {
    pub(crate) fn new(
        seed: u64,
        outputs: usize,
        inputs: usize,
        samples: usize,
        noise: f32,
    ) -> Self {
        let mut random = Random(seed);
        let mixing = random.matrix(inputs, inputs) / (inputs as f32).sqrt() * 0.7
            + Array2::<f32>::eye(inputs);
        let float = random.matrix(samples, inputs).dot(&mixing);
        let quantized = &float + &(random.matrix(samples, inputs) * noise);
        Self { weights: random.matrix(outputs, inputs), float, quantized }
    }
}

/// Scales `absmax / 7`, one per row.
pub(crate) fn channel_scales(weights: ArrayView2<'_, f32>, levels: f32) -> Array1<f32> {
    weights
        .rows()
        .into_iter()
        .map(|r| r.iter().fold(0f32, |m, x| m.max(x.abs())) / levels)
        .collect()
}

/// `|X Wᵀ - X̃ Qᵀ| / |X Wᵀ|` in f64.
pub(crate) fn relative_error(
    x: &Array2<f32>,
    xq: &Array2<f32>,
    w: &Array2<f32>,
    q: &Array2<f32>,
) -> f64 {
    let double = |m: &Array2<f32>| m.mapv(f64::from);
    let wanted = double(x).dot(&double(w).t());
    let got = double(xq).dot(&double(q).t());
    ((&got - &wanted).mapv(|e| e * e).sum() / wanted.mapv(|e| e * e).sum()).sqrt()
}
