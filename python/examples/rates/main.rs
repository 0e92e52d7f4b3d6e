//! How fast the Rust calls are that the Python functions make: lines of a name and million elements per second.
//!
//! `python/bench.py` runs it and holds Python beside it.

use std::hint::black_box;
use std::time::Instant;

use fewbit::convert::{Caster, Code, Encoder};
use fewbit::formats::{Format, Policy, philox};
use rayon::{ThreadPool, ThreadPoolBuilder};

const ELEMENTS: usize = 1 << 24;
const ROUNDS: usize = 15;

/// The least seconds of some rounds.
fn least(mut run: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(once).fold(f64::INFINITY, f64::min)
}

/// The least seconds of encoding to fresh memory.
fn encoding<C: Code>(pool: &ThreadPool, encoder: &Encoder, x: &[f32]) -> f64 {
    least(|| {
        let mut codes = vec![C::default(); x.len()];
        pool.install(|| encoder.encode(x, &mut codes)).expect("values");
        black_box(&codes);
    })
}

fn main() {
    let of = |i| f64::from(philox::bits(1, i as u64)) * 2f64.powi(-29) - 4.0;
    let x: Vec<f32> = (0..ELEMENTS).map(|i| of(i) as f32).collect();
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        for name in ["e4m3fn", "int8", "bf16"] {
            let format: Format = name.parse().expect("a format");
            let policy = Policy::default_of(format);
            let (caster, encoder) = (Caster::new(format, policy), Encoder::new(format, policy));
            let mut out = vec![1f32; ELEMENTS];
            let reused = least(|| pool.install(|| caster.cast(&x, &mut out)).expect("values"));
            let fresh = least(|| {
                let mut out = vec![0f32; ELEMENTS];
                pool.install(|| caster.cast(&x, &mut out)).expect("values");
                black_box(&out);
            });
            let codes = match format.bits() {
                ..=8 => encoding::<u8>(&pool, &encoder, &x),
                _ => encoding::<u16>(&pool, &encoder, &x),
            };
            for (what, seconds) in [("cast-out", reused), ("cast", fresh), ("encode", codes)] {
                println!("{what} {name} {threads} {:.1}", ELEMENTS as f64 / seconds / 1e6);
            }
        }
    }
}
