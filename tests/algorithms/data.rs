//! Data for the tests of the algorithms: correlated inputs, and a seeded generator that owes nothing to fewbit.

use ndarray::{Array1, Array2, ArrayView2};

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The sum of twelve uniform variables, less 6.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    pub(crate) fn matrix(&mut self, rows: usize, cols: usize) -> Array2<f32> {
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
