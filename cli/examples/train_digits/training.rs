//! A multilayer perceptron trained by Adam on the squared hinge loss.
//!
//! ```text
//! y       = Wn relu(... relu(W1 x + b1) ...) + bn,   x = counts / 16
//! loss    = mean over images of  sum over classes of  max(0, 1 - t_c y_c)^2,   t_c = +1 for the class shown, else -1
//! step    = Adam (Kingma, Ba 2015) with decoupled weight decay (Loshchilov, Hutter 2019), the rate falling linearly
//! ```
//!
//! The squared hinge loss (Tang 2013) needs no exponential, so that every operation is exactly defined. The counts are
//! scaled within the first layer: its weights, as stored, take the counts themselves.

use fewbit_cli::digits::{CLASSES, Digits};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};

const LARGEST_COUNT: f32 = 16.0;

/// What the training is told.
pub(crate) struct Params {
    /// Of the starting weights and of the order of the images.
    pub(crate) seed: u64,
    /// Passes over the images.
    pub(crate) epochs: usize,
    /// Images per step.
    pub(crate) batch: usize,
    /// Adam's first rate; it falls linearly to 0.
    pub(crate) rate: f32,
    /// Share of each weight taken off per step, times the rate.
    pub(crate) decay: f32,
}

impl Default for Params {
    fn default() -> Self {
        Self { seed: 7, epochs: 60, batch: 32, rate: 2e-3, decay: 0.3 }
    }
}

/// A linear layer; the weights lie `[inputs, outputs]`, so that the loops run along the outputs.
pub(crate) struct Layer {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1), a multiple of 2^-23.
    fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
    }
}

/// Adam's two moments of each parameter.
struct Adam {
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Adam {
    const MEAN: f32 = 0.9;
    const SQUARE: f32 = 0.999;
    const EPSILON: f32 = 1e-8;

    fn new(parameters: usize) -> Self {
        Self { mean: vec![0.0; parameters], square: vec![0.0; parameters] }
    }

    /// `powers`: `MEAN` and `SQUARE` to the number of the step.
    fn step(
        &mut self,
        values: &mut [f32],
        gradient: &[f32],
        rate: f32,
        decay: f32,
        powers: [f32; 2],
    ) {
        for (((value, &g), m), s) in
            values.iter_mut().zip(gradient).zip(&mut self.mean).zip(&mut self.square)
        {
            *m = Self::MEAN * *m + (1.0 - Self::MEAN) * g;
            *s = Self::SQUARE * *s + (1.0 - Self::SQUARE) * g * g;
            let mean = *m / (1.0 - powers[0]);
            let deviation = (*s / (1.0 - powers[1])).sqrt();
            *value -= rate * (mean / (deviation + Self::EPSILON) + decay * *value);
        }
    }
}

/// Trains a network of these widths, the inputs' first, on `digits`.
pub(crate) fn train(widths: &[usize], digits: &Digits, params: &Params) -> Vec<Layer> {
    let mut random = Random(params.seed);
    let mut network: Vec<Layer> = widths
        .windows(2)
        .map(|w| {
            let bound = (6.0 / w[0] as f32).sqrt(); // He et al. 2015, uniform
            let weights = (0..w[0] * w[1]).map(|_| bound * random.signed()).collect();
            Layer { inputs: w[0], outputs: w[1], weights, bias: vec![0.0; w[1]] }
        })
        .collect();
    let mut moments: Vec<[Adam; 2]> =
        network.iter().map(|l| [Adam::new(l.weights.len()), Adam::new(l.outputs)]).collect();
    let images: Vec<Vec<f32>> = digits
        .images
        .outer_iter()
        .map(|image| image.iter().map(|count| count / LARGEST_COUNT).collect())
        .collect();
    let mut order: Vec<usize> = (0..images.len()).collect();
    let steps = params.epochs * images.len().div_ceil(params.batch);
    let (mut step, mut powers) = (0usize, [1.0f32; 2]);
    for _ in 0..params.epochs {
        random.shuffle(&mut order);
        for batch in order.chunks(params.batch) {
            let mut gradients: Vec<[Vec<f32>; 2]> = network
                .iter()
                .map(|l| [vec![0.0; l.weights.len()], vec![0.0; l.outputs]])
                .collect();
            for &index in batch {
                back_propagate(&network, &images[index], digits.labels[index], &mut gradients);
            }
            let rate = params.rate * (steps - step) as f32 / steps as f32;
            powers = [powers[0] * Adam::MEAN, powers[1] * Adam::SQUARE];
            let share = 1.0 / batch.len() as f32;
            for ((layer, gradient), moment) in
                network.iter_mut().zip(&mut gradients).zip(&mut moments)
            {
                gradient.iter_mut().flatten().for_each(|g| *g *= share);
                moment[0].step(&mut layer.weights, &gradient[0], rate, params.decay, powers);
                moment[1].step(&mut layer.bias, &gradient[1], rate, 0.0, powers);
            }
            step += 1;
        }
    }
    network[0].weights.iter_mut().for_each(|w| *w /= LARGEST_COUNT);
    network
}

/// `x W + b`.
fn forward(layer: &Layer, x: &[f32]) -> Vec<f32> {
    let mut y = layer.bias.clone();
    for (&x, row) in x.iter().zip(layer.weights.chunks_exact(layer.outputs)) {
        for (y, w) in y.iter_mut().zip(row) {
            *y += x * w;
        }
    }
    y
}

fn relu(values: &[f32]) -> Vec<f32> {
    values.iter().map(|v| v.max(0.0)).collect()
}

/// Adds the gradient of one image's loss.
fn back_propagate(network: &[Layer], image: &[f32], label: u8, gradients: &mut [[Vec<f32>; 2]]) {
    let mut inputs = vec![image.to_vec()];
    let mut outputs = Vec::new();
    for (index, layer) in network.iter().enumerate() {
        outputs = forward(layer, &inputs[index]);
        inputs.push(relu(&outputs));
    }
    let mut slope: Vec<f32> = outputs
        .iter()
        .enumerate()
        .map(|(class, y)| {
            let target = if class == usize::from(label) { 1.0 } else { -1.0 };
            -2.0 * target * (1.0 - target * y).max(0.0)
        })
        .collect();
    for (index, layer) in network.iter().enumerate().rev() {
        let [weights, bias] = &mut gradients[index];
        bias.iter_mut().zip(&slope).for_each(|(b, s)| *b += s);
        let x = &inputs[index];
        let mut below = vec![0.0; layer.inputs];
        for (i, row) in layer.weights.chunks_exact(layer.outputs).enumerate() {
            // Where ReLU gave 0, neither this row's gradient nor the slope below counts.
            if x[i] > 0.0 {
                let gradient = &mut weights[i * layer.outputs..][..layer.outputs];
                let mut sum = 0.0;
                for ((g, s), w) in gradient.iter_mut().zip(&slope).zip(row) {
                    *g += x[i] * s;
                    sum += w * s;
                }
                below[i] = sum;
            }
        }
        slope = below;
    }
}

/// How many images the network recognizes.
pub(crate) fn count_right(network: &[Layer], digits: &Digits) -> usize {
    let recognized = |(image, &label): (ndarray::ArrayView1<'_, f32>, &u8)| {
        let mut values = image.to_vec();
        for (index, layer) in network.iter().enumerate() {
            values = forward(layer, &values);
            if index + 1 < network.len() {
                values = relu(&values);
            }
        }
        let best = (0..CLASSES).rev().max_by(|&a, &b| values[a].total_cmp(&values[b]));
        best == Some(usize::from(label))
    };
    digits.images.outer_iter().zip(&digits.labels).filter(|&pair| recognized(pair)).count()
}

/// The network as a `.safetensors` file: `fc1.weight` `[outputs, inputs]`, `fc1.bias`, and so on, float32.
pub(crate) fn to_safetensors(network: &[Layer]) -> Result<Vec<u8>, SafeTensorError> {
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let mut tensors = Vec::new();
    for (index, layer) in network.iter().enumerate() {
        let transposed: Vec<f32> = (0..layer.outputs)
            .flat_map(|o| (0..layer.inputs).map(move |i| layer.weights[i * layer.outputs + o]))
            .collect();
        let name = format!("fc{}", index + 1);
        tensors.push((
            format!("{name}.weight"),
            vec![layer.outputs, layer.inputs],
            bytes(&transposed),
        ));
        tensors.push((format!("{name}.bias"), vec![layer.outputs], bytes(&layer.bias)));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, data)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), data)?)))
        .collect::<Result<Vec<_>, SafeTensorError>>()?;
    safetensors::serialize(views, None)
}
