//! The fast Hadamard transform against copying the same memory, on one thread and on all.
//!
//! Times are criterion's; besides, a line for each case gives the best time, that of a copy by turns with it, their ratio,
//! and the ratio per pass, of which a transform without blocks in cache would take log2 n.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use fewbit::algorithms::rotate::{Direction, Hadamard};
use ndarray::{Array2, Axis};
use rayon::ThreadPool;
use rayon::prelude::*;

/// Numbers that a thread copies at a time.
const CHUNK: usize = 1 << 16;

fn measure(
    c: &mut Criterion,
    pool: &ThreadPool,
    name: &str,
    size: (usize, usize),
    order: usize,
    axis: Axis,
) {
    let transform = Hadamard::new(order).unwrap_or_else(|error| panic!("{error}"));
    let mut m = Array2::<f32>::ones(size);
    let mut copy = Array2::<f32>::ones(size);
    let job = |m: &mut Array2<f32>| {
        let done = pool.install(|| match axis {
            Axis(1) => transform.transform_rows(m.view_mut(), Direction::Forward),
            _ => transform.transform_columns(m.view_mut(), Direction::Forward),
        });
        assert!(done.is_ok());
        black_box(&m);
    };
    let time = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        f();
        start.elapsed()
    };
    let (mut best, mut best_copy) = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        m.fill(1.0);
        best = best.min(time(&mut || job(&mut m)));
        best_copy = best_copy.min(time(&mut || {
            let (from, to) = (m.as_slice().unwrap_or_default(), copy.as_slice_mut());
            let pairs = to.unwrap_or_default().par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK));
            pool.install(|| pairs.for_each(|(to, from)| to.copy_from_slice(from)));
            black_box(&copy);
        }));
    }
    let ratio = best.as_secs_f64() / best_copy.as_secs_f64();
    let passes = (order as f64).log2();
    println!(
        "{name}: {:.2} ms, copy {:.2} ms, ratio {ratio:.2}, per pass of {passes:.1} {:.3}",
        best.as_secs_f64() * 1e3,
        best_copy.as_secs_f64() * 1e3,
        ratio / passes
    );
    let mut group = c.benchmark_group("hadamard");
    group.sample_size(10).measurement_time(Duration::from_secs(1));
    group.bench_function(name, |b| {
        b.iter_batched_ref(|| Array2::<f32>::ones(size), &job, criterion::BatchSize::LargeInput)
    });
}

fn benches(c: &mut Criterion) {
    let side = 4096;
    for threads in [1, 0] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let Ok(pool) = pool else { continue };
        let count = pool.current_num_threads();
        let square = (side, side);
        for (name, size, order, axis) in [
            ("rows/4096x4096", square, side, Axis(1)),
            ("columns/4096x4096", square, side, Axis(0)),
            ("groups of 32/4096x4096", square, 32, Axis(1)),
            ("rows/1024x11008", (1024, 11008), 11008, Axis(1)),
        ] {
            measure(c, &pool, &format!("{name}/{count} threads"), size, order, axis);
        }
    }
}

criterion_group!(all, benches);
criterion_main!(all);
