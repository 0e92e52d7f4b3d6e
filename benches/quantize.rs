//! Quantizers of a 4096 x 4096 matrix beside a plain loop and beside encoding alone, on one thread and on all.
//!
//! For each quantizer: elements per second of `Quantizer::quantize` (scales and codes), of a loop as anyone would write it,
//! of encoding the same values without scales, and the two ratios. Each is the least of some runs by turns.

use std::hint::black_box;
use std::time::{Duration, Instant};

use fewbit::convert::Encoder;
use fewbit::formats::{Format, Overflow, Policy, Rounding, philox};
use fewbit::quantize::{Preset, Recipe};
use ndarray::Array2;

const N: usize = 4096;
const RUNS: usize = 5;

fn matrix() -> Array2<f32> {
    // Normally distributed enough: the sum of four uniform numbers.
    let uniform = |word: u32| (word as i32) as f32 * 2f32.powi(-30);
    let words = |i: usize| philox::philox4x32([i as u32, 0, 0, 0], [1, 2]);
    Array2::from_shape_fn((N, N), |(row, col)| {
        words((row * N + col) % (1 << 20)).map(uniform).iter().sum()
    })
}

fn timed(job: impl FnOnce()) -> Duration {
    let start = Instant::now();
    job();
    start.elapsed()
}

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
        for (x, code) in x.iter().zip(codes) {
            *code = match format {
                Format::Int(_) => (x / scale).round_ties_even().clamp(-127.0, 127.0) as i8 as u8,
                _ => format.encode(x / scale, &policy, 0).map_or(0, |encoded| encoded.code as u8),
            };
        }
    }
}

fn measure(x: &Array2<f32>, name: &str, group: usize, power_of_two: bool, threads: usize) {
    let Some(Ok(Recipe::Quantizer(quantizer))) = Preset::find(name).map(Preset::recipe) else {
        panic!("{name} is no quantizer");
    };
    let format = quantizer.scheme().format;
    let encoder = Encoder::new(format, *quantizer.policy());
    let flat: Vec<f32> = x.iter().copied().collect();
    let mut codes = vec![0u8; flat.len()];
    let mut best = [Duration::MAX; 3];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.unwrap_or_else(|error| panic!("{error}"));
    pool.install(|| {
        for _ in 0..RUNS {
            let ours =
                timed(|| assert!(black_box(quantizer.quantize(&black_box(x).view())).is_ok()));
            let loops = timed(|| naive(black_box(&flat), group, format, power_of_two, &mut codes));
            let bulk = timed(|| assert!(encoder.encode(black_box(&flat), &mut codes).is_ok()));
            for (best, time) in best.iter_mut().zip([ours, loops, bulk]) {
                *best = (*best).min(time);
            }
        }
    });
    let rate = |time: Duration| flat.len() as f64 / time.as_secs_f64() / 1e6;
    let [ours, loops, bulk] = best.map(rate);
    println!(
        "{name}, {threads} thread(s): {ours:.0} M element/s; plain loop {loops:.0} ({:.1} times); encoding alone {bulk:.0} \
         ({:.2} of it)",
        ours / loops,
        ours / bulk
    );
}

fn main() {
    let x = matrix();
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, all] {
        for (name, group, power_of_two) in [
            ("Int8WeightPerChannelFloat", N, false),
            ("MXInt8Weight", 32, true),
            ("MXFloat8e4m3Weight", 32, true),
            ("MXFloat4e2m1Weight", 32, true),
        ] {
            measure(&x, name, group, power_of_two, threads);
        }
    }
}
