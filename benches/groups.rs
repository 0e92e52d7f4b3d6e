//! Groups against copying the same memory, on one thread.
//!
//! Times are criterion's; besides, a line for each benchmark gives its rate and its share of the rate of a copy of the
//! values, both the best of some runs by turns. `memory`: far larger than the caches. `cache`: within the second level.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fewbit::convert::{GroupDecoder, GroupEncoder, GroupLayout};
use fewbit::formats::{BlockScale, GroupFormat, Preset, philox};

/// Elements: 256 MiB of f32, and 64 KiB.
const SIZES: [(&str, usize); 2] = [("memory", 1 << 26), ("cache", 1 << 14)];
const ROW: usize = 1 << 12;

fn values(n: usize) -> Vec<f32> {
    // Normally distributed enough: the sum of four uniform numbers.
    let uniform = |word: u32| (word as i32) as f32 * 2f32.powi(-30);
    let words = |i: usize| philox::philox4x32([i as u32, 0, 0, 0], [1, 2]);
    (0..n).map(|i| words(i % (1 << 20)).map(uniform).iter().sum()).collect()
}

/// Runs one job as a benchmark, and beside copies of `x`.
fn measure(c: &mut Criterion, name: &str, place: &str, x: &[f32], mut job: impl FnMut()) {
    let mut copy = vec![1.0; x.len()];
    let repeats = ((1 << 24) / x.len()).max(1);
    let time = |job: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..repeats).for_each(|_| job());
        start.elapsed() / repeats as u32
    };
    let (mut best, mut best_copy) = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        best = best.min(time(&mut job));
        best_copy = best_copy.min(time(&mut || black_box(&mut copy).copy_from_slice(black_box(x))));
    }
    let rate = x.len() as f64 / best.as_secs_f64() / 1e9;
    let share = best_copy.as_secs_f64() / best.as_secs_f64();
    println!("{name}/{place}: {rate:.2} G element/s, {share:.2} of a copy");
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(x.len() as u64)).sample_size(10);
    group.bench_function(BenchmarkId::from_parameter(place), |b| b.iter(&mut job));
}

fn format(c: &mut Criterion, x: &[f32], place: &str, name: &str, preset: &str, behind: usize) {
    let (Ok(format), Ok(preset)) = (name.parse::<GroupFormat>(), preset.parse::<Preset>()) else {
        panic!("{name} or {preset} is not known");
    };
    let policy = preset.group_policy(&format);
    let layout = GroupLayout { before: x.len() / ROW, length: ROW / behind, behind };
    let encoder = GroupEncoder::new(format, policy).unwrap_or_else(|error| panic!("{error}"));
    let mut codes = vec![1u8; x.len()];
    let mut scales = vec![BlockScale::default(); layout.groups(&format)];
    let axis = if behind == 1 { "rows" } else { "columns" };
    measure(c, &format!("encode/{name}/{preset}/{axis}"), place, x, || {
        let outer = encoder.outer(black_box(x), layout).unwrap_or_default();
        let done = encoder.encode(black_box(x), layout, &outer, black_box(&mut codes), &mut scales);
        assert!(done.is_ok());
    });
    let decoder = GroupDecoder::new(format);
    let mut decoded = vec![1.0; x.len()];
    measure(c, &format!("decode/{name}/{preset}/{axis}"), place, x, || {
        let done = decoder.decode(black_box(&codes), layout, &scales, black_box(&mut decoded));
        assert!(done.is_ok());
    });
}

fn all(c: &mut Criterion) {
    // Everything runs on this thread.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
    assert!(pool.is_ok(), "one thread");
    for (place, n) in SIZES {
        let x = values(n);
        for (name, preset, behind) in [
            ("mxfp8e4m3", "ocp-1.0", 1),
            ("mxfp4", "ocp-1.0", 1),
            ("mxfp4", "torchao-0.13-rceil", 1),
            ("mxint8", "ocp-1.0", 1),
            ("mxfp8e4m3", "ocp-1.0", 64),
            ("nvfp4", "torchao-0.13-nvfp4", 1),
            ("mx(int4,f16,32)", "ocp-1.0", 1),
            ("mx(uint4,f16,32,zero-point)", "ocp-1.0", 1),
        ] {
            format(c, &x, place, name, preset, behind);
        }
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
