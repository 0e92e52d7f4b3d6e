//! The fast Hadamard transform beside copying the same memory, on one thread and on all.
//!
//! A transform without blocks in cache would take log2 n passes over memory: that many times as long as the copy.

mod support;

use std::hint::black_box;

use fewbit::algorithms::rotate::{Direction, Hadamard};
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use support::{Bench, Contestant, Unit, on_threads};

/// Numbers that a thread copies at a time.
const CHUNK: usize = 1 << 16;

fn measure(bench: &Bench, case: &str, size: (usize, usize), order: usize, axis: Axis) {
    let transform = Hadamard::new(order).unwrap_or_else(|error| panic!("{error}"));
    let numbers = size.0 * size.1;
    let mut m = Array2::<f32>::ones(size);
    let (from, mut to) = (vec![1.0f32; numbers], vec![1.0f32; numbers]);
    let contestants = vec![
        Contestant::peer("copy", numbers, || {
            let pairs = to.par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK));
            pairs.for_each(|(to, from)| to.copy_from_slice(from));
            black_box(&to);
        }),
        // Orthogonal: the numbers stay of the same size however often.
        Contestant::ours("hadamard", numbers, || {
            let done = match axis {
                Axis(1) => transform.transform_rows(m.view_mut(), Direction::Forward),
                _ => transform.transform_columns(m.view_mut(), Direction::Forward),
            };
            assert!(done.is_ok());
            black_box(&m);
        }),
    ];
    bench.race(case, Unit::Elements, contestants);
}

fn main() {
    let bench = Bench::from_args();
    let side = 4096;
    let square = (side, side);
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, all] {
        on_threads(threads, || {
            for (name, size, order, axis) in [
                ("rows-4096x4096", square, side, Axis(1)),
                ("columns-4096x4096", square, side, Axis(0)),
                ("groups-of-32-4096x4096", square, 32, Axis(1)),
                ("rows-1024x11008", (1024, 11008), 11008, Axis(1)),
            ] {
                measure(&bench, &format!("{name}/{threads}t"), size, order, axis);
            }
        });
    }
}
