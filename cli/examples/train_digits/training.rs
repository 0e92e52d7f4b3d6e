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

use fewbit_cli::digits::Digits;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};

use crate::optimizer::{Adam, Params, Random, Schedule, best, hinge_slope};

const LARGEST_COUNT: f32 = 16.0;

/// What the training is told.
pub(crate) const PARAMS: Params = Params { seed: 7, epochs: 60, batch: 32, rate: 2e-3, decay: 0.3 };

/// A linear layer; the weights lie `[inputs, outputs]`, so that the loops run along the outputs.
pub(crate) struct Layer {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// Trains a network of these widths, the inputs' first, on `digits`.
pub(crate) fn train(widths: &[usize], digits: &Digits, params: &Params) -> Vec<Layer> {
    let mut random = Random(params.seed);
    let mut network: Vec<Layer> = widths
        .windows(2)
        .map(|w| {
            let weights = random.weights(w[0] * w[1], w[0]);
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
    let mut schedule = Schedule::new(*params, images.len());
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
            let rate = schedule.next();
            let share = 1.0 / batch.len() as f32;
            for ((layer, gradient), moment) in
                network.iter_mut().zip(&mut gradients).zip(&mut moments)
            {
                gradient.iter_mut().flatten().for_each(|g| *g *= share);
                moment[0].step(&mut layer.weights, &gradient[0], rate, params.decay, &schedule);
                moment[1].step(&mut layer.bias, &gradient[1], rate, 0.0, &schedule);
            }
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
    let mut slope = hinge_slope(&outputs, label);
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
        best(&values) == usize::from(label)
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
