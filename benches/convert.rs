//! Bulk conversion against copying the same memory.
//!
//! `memory`: arrays far larger than the caches. `cache`: arrays that stay in the second-level cache.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fewbit::convert::{Code, Decoder, Encoder};
use fewbit::formats::{Format, NanPolicy, Overflow, Policy, Rounding, philox};

/// Elements: 256 MiB of f32, and 64 KiB.
const SIZES: [(&str, usize); 2] = [("memory", 1 << 26), ("cache", 1 << 14)];

fn values(n: usize) -> Vec<f32> {
    // Normally distributed enough: the sum of four uniform numbers.
    let uniform = |word: u32| (word as i32) as f32 * 2f32.powi(-30);
    let words = |i: usize| philox::philox4x32([i as u32, 0, 0, 0], [1, 2]);
    (0..n).map(|i| words(i % (1 << 20)).map(uniform).iter().sum()).collect()
}

fn encoder(format: Format, rounding: Rounding) -> Encoder {
    let policy = Policy::new(rounding, Overflow::Saturate).with_nan(NanPolicy::MlDtypes);
    Encoder::new(format, policy)
}

fn encode<C: Code>(c: &mut Criterion, x: &[f32], place: &str, format: Format, rounding: Rounding) {
    let encoder = encoder(format, rounding);
    let mut codes = vec![C::from_u32(1); x.len()];
    let name = format!("encode/{format}/{}", rounding.alias());
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(x.len() as u64)).sample_size(20);
    group.bench_function(BenchmarkId::from_parameter(place), |b| {
        b.iter(|| encoder.encode(black_box(x), black_box(&mut codes)));
    });
}

fn decode<C: Code>(c: &mut Criterion, x: &[f32], place: &str, format: Format) {
    let mut codes = vec![C::from_u32(1); x.len()];
    if encoder(format, Rounding::TiesEven).encode(x, &mut codes).is_err() {
        return;
    }
    let mut values = vec![1.0; x.len()];
    let decoder = Decoder::new(format);
    let mut group = c.benchmark_group(format!("decode/{format}"));
    group.throughput(Throughput::Elements(x.len() as u64)).sample_size(20);
    group.bench_function(BenchmarkId::from_parameter(place), |b| {
        b.iter(|| decoder.decode(black_box(&codes), black_box(&mut values)));
    });
}

fn copy(c: &mut Criterion, x: &[f32], place: &str) {
    let mut to = vec![1.0; x.len()];
    let mut group = c.benchmark_group("copy/f32");
    group.throughput(Throughput::Elements(x.len() as u64)).sample_size(20);
    group.bench_function(BenchmarkId::from_parameter(place), |b| {
        b.iter(|| to.copy_from_slice(black_box(x)));
    });
}

fn all(c: &mut Criterion) {
    use Rounding::{Stochastic, TiesEven, TowardZero};
    for (place, n) in SIZES {
        let x = values(n);
        copy(c, &x, place);
        for format in [Format::E4M3FN, Format::E5M2, Format::E2M1FN, Format::INT8] {
            encode::<u8>(c, &x, place, format, TiesEven);
            decode::<u8>(c, &x, place, format);
        }
        for format in [Format::BF16, Format::F16] {
            encode::<u16>(c, &x, place, format, TiesEven);
            decode::<u16>(c, &x, place, format);
        }
        encode::<u8>(c, &x, place, Format::E4M3FN, TowardZero);
        encode::<u8>(c, &x, place, Format::E4M3FNUZ, TiesEven);
        encode::<u8>(c, &x, place, Format::E4M3FN, Stochastic { bits: 16 });
        encode::<u8>(c, &x, place, Format::E4M3FN, Stochastic { bits: 32 });
        encode::<u16>(c, &x, place, Format::BF16, Stochastic { bits: 16 });
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
