//! A network by hand: two convolutions and two linear layers of 8 bits on the digits that the repository carries, in floats
//! as Brevitas computes them and in integers through accumulators of several widths.
//!
//! `cargo run --release -p fewbit-models --example manual_flow`

use std::{error::Error, io::Read};

use fewbit::Accumulator;
use fewbit_models::layers::{
    Activation, LayerQuantizers, QuantActivation, QuantConv, QuantLinear, QuantMaxPool, QuantValue,
};
use fewbit_models::ops::{Conv, MaxPool, Padding};
use ndarray::{Array1, Array2, Array4, Axis, Ix2};

/// The layers, each with the activation before it: identity for the image, ReLU behind a layer.
struct Network {
    activations: [QuantActivation; 4],
    convs: [QuantConv; 2],
    pool: QuantMaxPool,
    linears: [QuantLinear; 2],
}

impl Network {
    /// What enters layer `end`, with the layers before it in floats or through an accumulator; overflow events.
    fn until(
        &self,
        images: &QuantValue,
        end: usize,
        accumulator: Option<&Accumulator>,
    ) -> Result<(QuantValue, u64), Box<dyn Error>> {
        let (mut x, mut events) = (images.clone(), 0);
        for number in 0..end {
            let codes = self.activations[number].forward(&x)?;
            let sums = match (accumulator, number) {
                (None, 0 | 1) => Err(self.convs[number].forward(&codes)?),
                (None, _) => Err(self.linears[number - 2].forward(&codes)?),
                (Some(by), 0 | 1) => Ok(self.convs[number].forward_integer(&codes, by)?),
                (Some(by), _) => Ok(self.linears[number - 2].forward_integer(&codes, by)?),
            };
            events += sums.iter().flat_map(|(_, stages)| stages).sum::<u64>();
            x = sums.map(|(sums, _)| sums.values().into()).unwrap_or_else(|floats| floats);
            x = if number == 0 { self.pool.forward(&x)? } else { x.flatten()? };
        }
        Ok((x, events))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // 1. The digits: 8x8 pixels from 0 to 16 and a label; every third image is held out.
    let mut text = String::new();
    let packed = &include_bytes!("../../data/digits/digits.csv.gz")[..];
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text)?;
    let line = |line: &str| line.split(',').map(str::parse).collect::<Result<Vec<f32>, _>>();
    let rows = text.lines().map(line).collect::<Result<Vec<_>, _>>()?;
    let set = |keep: fn(usize) -> bool| {
        let rows: Vec<_> = (0..rows.len()).filter(|&n| keep(n % 3)).map(|n| &rows[n]).collect();
        let pixel = |(n, _, y, x): (usize, usize, usize, usize)| rows[n][8 * y + x] / 16.0;
        let images = QuantValue::from(Array4::from_shape_fn((rows.len(), 1, 8, 8), pixel));
        (images, rows.iter().map(|row| row[64]).collect::<Vec<_>>())
    };
    let ((training, classes), (images, labels)) = (set(|n| n < 2), set(|n| n == 2));

    // 2. Layers of fixed random weights, quantized per tensor; biases in the scale of the sums.
    let mut state = 12u64;
    let mut random = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / 2f32.powi(23) - 1.0
    };
    let by = LayerQuantizers::new().weight("Int8WeightPerTensorFloat")?.bias("Int32Bias")?;
    let mut conv = |out: usize, inputs: usize| {
        let weight = Array4::from_shape_simple_fn((out, inputs, 3, 3), &mut random).into_dyn();
        let padding = Padding { pads: vec![1; 4], ..Padding::default() };
        let op = Conv { padding, ..Conv::default() };
        QuantConv::new(op, weight, Some(Array1::zeros(out)), by.clone())
    };
    let convs = [conv(8, 1), conv(16, 8)];
    let op = MaxPool { kernel: vec![2, 2], strides: vec![2, 2], ..MaxPool::default() };
    let hidden = Array2::from_shape_simple_fn((160, 256), random);
    let linears = [hidden, Array2::zeros((10, 160))].map(|w| QuantLinear::new(w, None, by.clone()));
    let relu = QuantActivation::new(Activation::Relu, Some("Uint8ActPerTensorFloat"))?;
    let image = QuantActivation::new(Activation::Identity, Some("Int8ActPerTensorFloat"))?;
    let activations = [image, relu.clone(), relu.clone(), relu];
    let mut network = Network { activations, convs, pool: QuantMaxPool { op }, linears };

    // 3. Calibration, layer after layer: the scale of the training images becomes the scale of all images.
    for number in 0..4 {
        let (x, _) = network.until(&training, number, None)?;
        let codes = network.activations[number].forward(&x)?.codes.ok_or("no quantizer")?;
        let given = serde_json::json!({ "given": codes.scale()[[]] });
        let activation = network.activations[number].clone();
        network.activations[number] = activation.set("scale.source", given)?;
    }

    // 4. The last layer learns by the delta rule, on what the quantized layers before it give.
    let x = network.activations[3].forward(&network.until(&training, 3, None)?.0)?.values;
    let x = x.into_dimensionality::<Ix2>()?;
    let norm = x.mapv(|x| x * x).sum() / x.nrows() as f32;
    for (row, class) in (0..40).flat_map(|_| x.rows().into_iter().zip(&classes)) {
        let weight = &mut network.linears[1].weight;
        let target = Array1::from_shape_fn(10, |digit| f32::from(u8::from(digit as f32 == *class)));
        let step = (target - weight.dot(&row)) * (0.3 / norm);
        *weight += &step.insert_axis(Axis(1)).dot(&row.insert_axis(Axis(0)));
    }

    // 5. Held-out images: floats, then integers through accumulators.
    for name in ["floats", "exact", "int24-wrap", "int18-sat", "int18-wrap", "int16-sat"] {
        let accumulator = (name != "floats").then(|| name.parse::<Accumulator>()).transpose()?;
        let (logits, events) = network.until(&images, 4, accumulator.as_ref())?;
        let right = logits
            .values
            .axis_iter(Axis(0))
            .zip(&labels)
            .filter(|(row, label)| row.iter().all(|&logit| logit <= row[**label as usize]));
        let percent = 100.0 * right.count() as f64 / labels.len() as f64;
        println!("{name:12} {percent:6.2} %   {events} overflow events");
    }
    Ok(())
}
