//! Convolutions of a batch of images through an exact sum, a register that wraps and one that saturates and counts its
//! events, on one thread and on all, beside the loop that a user would write (compiled for the running CPU): per output row
//! and weight, a row of the padded input times the weight.

mod support;

use std::hint::black_box;

use fewbit::{Accumulator, Conv2d, MatmulOptions, ReportLevel, conv2d, conv2d_into};
use ndarray::Array4;
use rayon::prelude::*;
use support::{Bench, Contestant, Numbers, Unit, native, on_threads};

/// Name, input channels, outputs, kernel, rows (and columns), groups.
const LAYERS: [(&str, usize, usize, usize, usize, usize); 5] = [
    ("3x3-1-16-at-28", 1, 16, 3, 28, 1),
    ("3x3-16-32-at-14", 16, 32, 3, 14, 1),
    ("1x1-32-64-at-14", 32, 64, 1, 14, 1),
    ("depthwise-3x3-64-at-14", 64, 64, 3, 14, 64),
    ("3x3-64-64-at-7", 64, 64, 3, 7, 1),
];

const ACCUMULATORS: [(&str, &str, ReportLevel); 3] = [
    ("exact", "exact", ReportLevel::None),
    ("wrap", "int32-wrap", ReportLevel::None),
    ("saturate-events", "int16-sat", ReportLevel::Events),
];

native! {
    /// One image, whose rows are padded to `width`, and all its outputs.
    fn convolve_image(
        padded: &[u8],
        plane: (usize, usize),
        w: &[i8],
        shape: (usize, usize, usize),
        channels: usize,
        out: &mut [i32],
    ) {
        let ((rows, width), (outputs, depth, kernel)) = (plane, shape);
        let cols = width + 1 - kernel;
        let per_group = outputs / (channels / depth);
        for (o, out) in out.chunks_exact_mut((rows + 1 - kernel) * cols).enumerate() {
            let first = o / per_group * depth;
            for (row, out) in out.chunks_exact_mut(cols).enumerate() {
                out.fill(0);
                let weights = &w[o * depth * kernel * kernel..];
                for c in 0..depth {
                    for u in 0..kernel {
                        let line = &padded[((first + c) * rows + row + u) * width..][..width];
                        for v in 0..kernel {
                            let weight = i32::from(weights[(c * kernel + u) * kernel + v]);
                            for (to, &x) in out.iter_mut().zip(&line[v..]) {
                                *to += i32::from(x) * weight;
                            }
                        }
                    }
                }
            }
        }
    }
}

fn main() {
    let bench = Bench::from_args();
    let images = if bench.is_quick() { 64 } else { 256 };
    let all = rayon::current_num_threads();
    for threads in if all > 1 { vec![1, all] } else { vec![1] } {
        println!("# {images} images, {threads} thread(s)");
        on_threads(threads, || {
            for layer in LAYERS {
                race(&bench, threads, images, layer, ("", 8, 30.0));
                race(&bench, threads, images, layer, ("-w4", 4, 2.5));
            }
        });
    }
}

fn race(
    bench: &Bench,
    threads: usize,
    images: usize,
    (name, channels, outputs, kernel, rows, groups): (&str, usize, usize, usize, usize, usize),
    (weights, bits, deviation): (&str, i32, f64),
) {
    let mut numbers = Numbers::new(1);
    let depth = channels / groups;
    // Codes of activations after a rectifier, and of weights.
    let x = Array4::from_shape_simple_fn((images, channels, rows, rows), || {
        (40.0 * numbers.normal().max(0.0)) as u8
    });
    let limit = 2f64.powi(bits - 1);
    let w = Array4::from_shape_simple_fn((outputs, depth, kernel, kernel), || {
        (deviation * numbers.normal()).clamp(-limit, limit - 1.0) as i8
    });
    let padding = [(kernel / 2, kernel / 2); 2];
    let conv = Conv2d { padding, groups, ..Conv2d::default() };
    let amount = images * outputs * rows * rows * depth * kernel * kernel;
    let mut sums = Array4::<i32>::zeros((images, outputs, rows, rows));
    let mut contestants = Vec::new();
    for (name, text, report) in ACCUMULATORS {
        let acc: Accumulator = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let options = MatmulOptions { report, ..MatmulOptions::default() };
        let (x, w) = (&x, &w);
        contestants.push(Contestant::ours(name, amount, move || {
            black_box(conv2d(x.view(), w.view(), &conv, &acc, &options).is_ok());
        }));
        let acc: Accumulator = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let mut out = Array4::<i32>::zeros((images, outputs, rows, rows));
        contestants.push(Contestant::ours(format!("{name}-into-i32"), amount, move || {
            let out = out.view_mut();
            black_box(conv2d_into(x.view(), w.view(), &conv, &acc, &options, out).is_ok());
        }));
    }
    contestants.push(Contestant::peer("loop", amount, || convolve(&x, &w, &mut sums)));
    bench.race(&format!("{name}{weights}/{threads}-threads"), Unit::Products, contestants);
}

/// The sums of all outputs, with padding such that they have the size of the input.
fn convolve(x: &Array4<u8>, w: &Array4<i8>, out: &mut Array4<i32>) {
    let (outputs, depth, kernel, _) = w.dim();
    let before = kernel / 2;
    let images: Vec<_> = x.outer_iter().zip(out.outer_iter_mut()).collect();
    images.into_par_iter().for_each(|(x, out)| {
        let (channels, rows, cols) = x.dim();
        let (height, width) = (rows + 2 * before, cols + 2 * before);
        let mut padded = vec![0; channels * height * width];
        for (line, from) in x.rows().into_iter().enumerate() {
            let (channel, row) = (line / rows, line % rows);
            let start = (channel * height + row + before) * width + before;
            for (to, &from) in padded[start..start + cols].iter_mut().zip(from) {
                *to = from;
            }
        }
        if let (Some(w), Some(out)) = (w.as_slice(), out.into_slice()) {
            convolve_image(&padded, (height, width), w, (outputs, depth, kernel), channels, out);
        }
    });
}
