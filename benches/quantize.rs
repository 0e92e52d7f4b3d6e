//! Quantizers of a 4096 x 4096 matrix beside a plain loop and beside encoding alone, on one thread and on all.
//!
//! For each quantizer: elements per second of `Quantizer::quantize` (scales and codes), beside a loop as anyone would write
//! it, compiled for the running CPU, over a share of the rows, and beside encoding the same values without scales.

mod support;

use std::hint::black_box;

use fewbit::convert::Encoder;
use fewbit::formats::{Format, Overflow, Policy, Rounding};
use fewbit::quantize::{Preset, Recipe};
use ndarray::Array2;
use support::{Bench, Contestant, Unit, native, normal_values, on_threads};

const N: usize = 4096;
/// The share of the rows that the loop takes.
const SHARE: usize = 16;

native! {
    /// What anyone would write: the largest magnitude of each group, a scale, one element after the other.
    fn naive(x: &[f32], group: usize, format: Format, power_of_two: bool, codes: &mut [u8]) {
        let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
        for (x, codes) in x.chunks(group).zip(codes.chunks_mut(group)) {
            let most = x.iter().fold(0f32, |most, x| most.max(x.abs()));
            let (most, threshold) = match power_of_two {
                true => {
                    (most.log2().floor().exp2(), (format.max_finite() as f32).log2().floor().exp2())
                }
                false => (most, format.max_finite() as f32),
            };
            let scale = most / threshold;
            if let Format::Int(_) = format {
                for (x, code) in x.iter().zip(codes) {
                    *code = (x / scale).round_ties_even().clamp(-127.0, 127.0) as i8 as u8;
                }
            } else {
                for (x, code) in x.iter().zip(codes) {
                    let encoded = format.encode(x / scale, &policy, 0);
                    *code = encoded.map_or(0, |encoded| encoded.code as u8);
                }
            }
        }
    }
}

fn measure(
    bench: &Bench,
    x: &Array2<f32>,
    name: &str,
    (group, power_of_two): (usize, bool),
    threads: usize,
) {
    let Ok(Ok(Recipe::Quantizer(quantizer))) = name.parse::<&Preset>().map(Preset::recipe) else {
        panic!("{name} is no quantizer");
    };
    let format = quantizer.scheme().format;
    let encoder = Encoder::new(format, *quantizer.policy());
    let flat = x.as_slice().unwrap_or_default();
    let part = &flat[..flat.len() / SHARE];
    let [mut looped, mut bulk] = [(); 2].map(|()| vec![0u8; flat.len()]);
    let contestants = vec![
        Contestant::peer("loop", part.len(), || {
            naive(black_box(part), group, format, power_of_two, &mut looped);
        }),
        Contestant::ours("encoding-alone", flat.len(), || {
            encoder.encode(black_box(flat), &mut bulk).unwrap_or_else(|e| panic!("{e}"));
        }),
        Contestant::ours("quantize", flat.len(), || {
            assert!(black_box(quantizer.quantize(&black_box(x).view())).is_ok());
        }),
    ];
    on_threads(threads, || {
        bench.race(&format!("{name}/{threads}t"), Unit::Elements, contestants);
    });
}

fn main() {
    let bench = Bench::from_args();
    println!("# {N} x {N}");
    let x = Array2::from_shape_vec((N, N), normal_values(N * N)).unwrap_or_else(|e| panic!("{e}"));
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, all] {
        for (name, kind) in [
            ("Int8WeightPerChannelFloat", (N, false)),
            ("MXInt8Weight", (32, true)),
            ("MXFloat8e4m3Weight", (32, true)),
            ("MXFloat4e2m1Weight", (32, true)),
        ] {
            measure(&bench, &x, name, kind, threads);
        }
    }
}
