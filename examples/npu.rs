//! A small NPU, modelled cycle by cycle: an output-stationary array of 16 x 16 multiply-accumulate units with a register of the
//! stated accumulator each, a requantizer behind it, and the three layers of the carried digits network.
//!
//!     cargo run --release -p fewbit --example npu                    # int16-sat
//!     cargo run --release -p fewbit --example npu -- int14-wrap
//!     cargo run --release -p fewbit --example npu -- int12-sat/16,int18-sat 64
//!
//! The second argument is the number of images. In a cycle, a column of activations and a row of weights enter; the unit of row
//! i and column j takes its product i + j cycles later, so a tile of depth K occupies the array for K + 15 + 15 cycles, and its
//! outputs leave row by row in 16 more. Printed are cycles, utilisation (products per unit and cycle), overflow events, a map of
//! them over the units, and what the network recognizes. Every output is compared with `matmul`.

use std::error::Error;
use std::io::Read;

use fewbit::formats::{Format, Overflow, Policy, Rounding};
use fewbit::machine::MachineArray;
use fewbit::reference::requantize::element;
use fewbit::requantize::{PerChannel, Requantization, RequantizePolicy};
use fewbit::{Accumulator, MatmulOptions, ReportLevel, matmul};
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use safetensors::SafeTensors;

/// Units in a row and in a column.
const SIDE: usize = 16;

/// A layer in integers.
struct Layer {
    /// `[outputs, inputs]`
    weights: Array2<i8>,
    /// In units of the accumulator: what the registers start from.
    bias: Vec<i64>,
    /// From the accumulator to the next layer's activations.
    requantization: Requantization,
}

/// What happened on the array.
#[derive(Clone, Debug, Default)]
struct Counts {
    cycles: u64,
    products: u64,
    /// Events of the innermost stage, unit by unit.
    events: Array2<u64>,
}

impl Counts {
    fn utilisation(&self) -> f64 {
        self.products as f64 / (self.cycles as f64 * (SIDE * SIDE) as f64)
    }
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let (words, _) = file.tensor(name)?.data().as_chunks::<4>();
    Ok(words.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
}

/// The largest magnitude over so many steps: a scale.
fn scale<'a>(values: impl IntoIterator<Item = &'a f32>, steps: f32) -> f32 {
    values.into_iter().fold(0.0f32, |most, x| most.max(x.abs())) / steps
}

/// Images as rows of pixels from 0 to 16, and the digits shown.
fn images() -> Result<(Array2<f32>, Vec<usize>), Box<dyn Error>> {
    let mut text = String::new();
    let packed = include_bytes!("../data/digits/digits.csv.gz");
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text)?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let numbers: Vec<f32> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let (label, image) = numbers.split_last().ok_or("an empty line")?;
        pixels.extend_from_slice(image);
        labels.push(*label as usize);
    }
    Ok((Array2::from_shape_vec((labels.len(), 64), pixels)?, labels))
}

/// The network in int8 weights and uint8 activations; scales from the weights, and from what the float network computes.
fn network(pixels: &Array2<f32>) -> Result<(Vec<Layer>, f32), Box<dyn Error>> {
    let file = SafeTensors::deserialize(include_bytes!("../data/digits/mlp.safetensors"))?;
    let nearest = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let Format::Int(uint8) = Format::UINT8 else { return Err("uint8 is an integer".into()) };
    let tosa: RequantizePolicy = "tosa32".parse()?;
    let input_scale = scale(pixels, 255.0);
    let (mut x, mut step, mut layers) = (pixels.clone(), input_scale, Vec::new());
    for index in 1..=3 {
        let bias = floats(&file, &format!("fc{index}.bias"))?;
        let weights = floats(&file, &format!("fc{index}.weight"))?;
        let weights = Array2::from_shape_vec((bias.len(), weights.len() / bias.len()), weights)?;
        x = (x.dot(&weights.t()) + &Array1::from(bias.clone())).mapv(|y| y.max(0.0));
        let (weight_step, out_step) = (scale(&weights, 127.0), scale(&x, 255.0));
        let codes: Vec<i8> = weights
            .iter()
            .map(|w| Format::INT8.encode(w / weight_step, &nearest, 0).map(|e| e.code as u8 as i8))
            .collect::<Result<_, _>>()?;
        let real = f64::from(step) * f64::from(weight_step) / f64::from(out_step);
        let numbers = tosa.parameters(&PerChannel::Tensor(real))?;
        layers.push(Layer {
            weights: Array2::from_shape_vec(weights.dim(), codes)?,
            bias: bias.iter().map(|b| (b / (step * weight_step)).round() as i64).collect(),
            requantization: Requantization::new(tosa, numbers, uint8)?,
        });
        step = out_step;
    }
    Ok((layers, input_scale))
}

/// One tile: as many rows of `x` and of `weights` as the array has, `[K]` each.
fn tile(
    array: &mut MachineArray,
    x: ArrayView2<'_, u8>,
    (weights, bias): (ArrayView2<'_, i8>, &[i64]),
    counts: &mut Counts,
) -> Result<Array2<i64>, Box<dyn Error>> {
    let ((rows, depth), cols) = (x.dim(), weights.nrows());
    let starts = Array2::from_shape_fn((SIDE, SIDE), |(_, j)| bias.get(j).copied().unwrap_or(0));
    array.reset(Some(starts.view()))?;
    let (mut column, mut row) = ([0i32; SIDE], [0i32; SIDE]);
    for k in 0..depth {
        column.iter_mut().zip(x.column(k)).for_each(|(to, &code)| *to = code.into());
        row.iter_mut().zip(weights.column(k)).for_each(|(to, &code)| *to = code.into());
        array.push_outer(&column, &row)?;
    }
    let values = array.drain().slice(s![..rows, ..cols]).mapv(|value| value as i64);
    counts.cycles += (depth + 2 * (SIDE - 1) + SIDE) as u64;
    counts.products += (rows * cols * depth) as u64;
    counts.events += &array.events(0);
    Ok(values)
}

/// A layer, tile by tile.
fn layer(
    array: &mut MachineArray,
    layer: &Layer,
    x: &Array2<u8>,
    acc: &Accumulator,
) -> Result<(Array2<i64>, Counts), Box<dyn Error>> {
    let outputs = layer.weights.nrows();
    let mut sums = Array2::zeros((x.nrows(), outputs));
    let mut counts = Counts { events: Array2::zeros((SIDE, SIDE)), ..Counts::default() };
    for (i, rows) in x.axis_chunks_iter(Axis(0), SIDE).enumerate() {
        for (j, weights) in layer.weights.axis_chunks_iter(Axis(0), SIDE).enumerate() {
            let bias = &layer.bias[j * SIDE..(j * SIDE + weights.nrows())];
            let values = tile(array, rows, (weights, bias), &mut counts)?;
            let (rows, cols) =
                (i * SIDE..i * SIDE + values.nrows(), j * SIDE..j * SIDE + values.ncols());
            sums.slice_mut(s![rows, cols]).assign(&values);
        }
    }
    // The specification's own product, in one piece.
    let starts = Array2::from_shape_fn(sums.dim(), |(_, j)| layer.bias[j]);
    let options = MatmulOptions {
        report: ReportLevel::Events,
        init: Some(starts.view()),
        ..MatmulOptions::default()
    };
    let product = matmul(x.view(), layer.weights.t(), acc, &options)?;
    let events: u64 = product.events.iter().flatten().take(1).map(|stage| stage.events).sum();
    if product.values != sums || events != counts.events.sum() {
        return Err("the array and `matmul` disagree".into());
    }
    Ok((sums, counts))
}

/// The units' events, from few (`.`) to many (`@`).
fn map(events: &Array2<u64>) -> String {
    let most = events.iter().copied().max().unwrap_or(0).max(1);
    let shade = |count: u64| match count {
        0 => ' ',
        n => char::from(b".:-=+*#%@"[(n * 9).div_ceil(most) as usize - 1]),
    };
    let rows = events.rows().into_iter().map(|row| {
        let cells: String = row.iter().flat_map(|&count| [shade(count); 2]).collect();
        format!("    |{cells}|\n")
    });
    rows.collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let acc: Accumulator = arguments.next().as_deref().unwrap_or("int16-sat").parse()?;
    let (pixels, labels) = images()?;
    let count = arguments.next().map_or(Ok(256), |n| n.parse())?.clamp(1, labels.len());
    let (layers, step) = network(&pixels)?;
    let pixels = pixels.slice(s![..count, ..]);
    let mut x = pixels.mapv(|pixel| (pixel / step).round() as u8);
    let mut array = acc.machine_array(SIDE, SIDE)?;
    println!("{count} images, {SIDE} x {SIDE} units of {acc}");
    let mut guesses = vec![0; count];
    for (index, of) in layers.iter().enumerate() {
        let (sums, counts) = layer(&mut array, of, &x, &acc)?;
        println!(
            "layer {}: {} x {} x {}, {} cycles, {:.1} % utilisation, {} events",
            index + 1,
            x.nrows(),
            x.ncols(),
            sums.ncols(),
            counts.cycles,
            100.0 * counts.utilisation(),
            counts.events.sum(),
        );
        print!("{}", map(&counts.events));
        let outputs: Vec<u8> = sums
            .iter()
            .enumerate()
            .map(|(i, &sum)| element(&of.requantization, i, sum).map(|code| code as u8))
            .collect::<Result<_, _>>()?;
        for (guess, row) in guesses.iter_mut().zip(sums.rows()) {
            *guess = row
                .iter()
                .enumerate()
                .max_by_key(|&(j, sum)| (sum, usize::MAX - j))
                .map_or(0, |(j, _)| j);
        }
        x = Array2::from_shape_vec(sums.dim(), outputs)?;
    }
    let right = guesses.iter().zip(&labels).filter(|(guess, label)| guess == label).count();
    println!("{right} of {count} recognized ({:.1} %)", 100.0 * right as f64 / count as f64);
    Ok(())
}
