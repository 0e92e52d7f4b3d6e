//! Requantization of int32 to int8 on one thread, from arrays far larger than the caches and from arrays that stay in
//! them, beside the loop that a user would write of the same formula (compiled for the running CPU), the scalar
//! reference, and the limit: a loop that moves the bytes and does nothing else.

mod support;

use std::hint::black_box;

use fewbit::Requantizer;
use fewbit::formats::{Format, IntFormat};
use fewbit::reference::requantize::element;
use fewbit::requantize::{PerChannel, Requantization, RequantizePolicy, ScaleParameters};
use support::{Bench, Contestant, Numbers, Unit, native, on_threads};

/// The share of the elements that the scalar reference takes.
const SCALAR_SHARE: usize = 256;

/// A scale of a layer; it is no power of two.
const SCALE: f64 = 0.0037;

native! {
    fn narrow(from: &[i32], to: &mut [i8]) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = from as i8;
        }
    }

    fn single(from: &[i32], multiplier: i32, shift: i32, to: &mut [i8]) {
        let round = 1i64 << (shift - 1);
        for (to, &x) in to.iter_mut().zip(from) {
            let scaled = (i64::from(x) * i64::from(multiplier) + round) >> shift;
            *to = (scaled as i32).clamp(-128, 127) as i8;
        }
    }

    fn double(from: &[i32], multiplier: i32, shift: i32, to: &mut [i8]) {
        let mask = (1i32 << shift) - 1;
        for (to, &x) in to.iter_mut().zip(from) {
            let high = ((i64::from(x) * i64::from(multiplier) + (1 << 30)) >> 31) as i32;
            let threshold = (mask >> 1) + i32::from(high < 0);
            let scaled = (high >> shift) + i32::from(high & mask > threshold);
            *to = scaled.clamp(-128, 127) as i8;
        }
    }

    fn float(from: &[i32], scale: f32, to: &mut [i8]) {
        for (to, &x) in to.iter_mut().zip(from) {
            *to = (x as f32 * scale).round_ties_even().clamp(-128.0, 127.0) as i8;
        }
    }
}

fn main() {
    let bench = Bench::from_args();
    let mut numbers = Numbers::new(1);
    on_threads(1, || {
        for (place, n) in [("cache", 1 << 14), ("memory", 1 << 24)] {
            println!("# {place}: {n} elements of int32, one thread");
            let x: Vec<i32> = (0..n).map(|_| (numbers.next() as i32 >> 14) - (1 << 16)).collect();
            all(&bench, place, &x);
        }
    });
}

fn int8() -> IntFormat {
    match Format::INT8 {
        Format::Int(format) => format,
        _ => unreachable!("int8 is an integer"),
    }
}

fn all(bench: &Bench, place: &str, x: &[i32]) {
    for name in [
        "tosa32",
        "tosa32-double",
        "gemmlowp",
        "tflite-single",
        "cmsis",
        "cmsis-single",
        "ruy",
        "onnx",
        "finn",
        "exact-ties-even",
    ] {
        let policy = policy(name);
        let scale = policy.parameters(&PerChannel::Tensor(SCALE)).unwrap_or_else(|e| panic!("{e}"));
        race(bench, &format!("{place}/{name}"), x, policy, scale);
        if ["tosa32", "gemmlowp", "onnx"].contains(&name) {
            let scales = PerChannel::Channels((1..=512).map(|i| SCALE / f64::from(i)).collect());
            let scale = policy.parameters(&scales).unwrap_or_else(|e| panic!("{e}"));
            race(bench, &format!("{place}/{name}-channels"), x, policy, scale);
        }
    }
    let shift = ScaleParameters::Shift(PerChannel::Tensor(8));
    race(bench, &format!("{place}/shift-ties-even"), x, policy("shift-ties-even"), shift);
    let thresholds = ScaleParameters::Thresholds {
        thresholds: PerChannel::Tensor((1..16).map(|t| t * 800).collect()),
        out_scale: 1,
        out_bias: 0,
    };
    race(bench, &format!("{place}/thresholds-15"), x, policy("thresholds"), thresholds);
}

fn policy(name: &str) -> RequantizePolicy {
    name.parse().unwrap_or_else(|e| panic!("{e}"))
}

fn race(bench: &Bench, case: &str, x: &[i32], policy: RequantizePolicy, scale: ScaleParameters) {
    let job = Requantization::new(policy, scale.clone(), int8()).unwrap_or_else(|e| panic!("{e}"));
    let by = Requantizer::new(job.clone());
    let [mut ours, mut limit, mut looped] = [(); 3].map(|()| vec![1i8; x.len()]);
    let few = &x[..x.len() / SCALAR_SHARE];
    let mut scalar = vec![1i8; few.len()];
    let mut contestants = vec![
        Contestant::peer("limit", x.len(), || narrow(black_box(x), &mut limit)),
        Contestant::peer("scalar", few.len(), || {
            for (index, (out, &x)) in scalar.iter_mut().zip(black_box(few)).enumerate() {
                *out = element(&job, index, x.into()).map_or(0, |value| value as i8);
            }
        }),
    ];
    let looped: Option<Box<dyn FnMut() + Send>> = match (policy, &scale) {
        (
            RequantizePolicy::Tosa32(_),
            &ScaleParameters::MultiplierShift {
                multiplier: PerChannel::Tensor(m),
                shift: PerChannel::Tensor(s),
            },
        ) => Some(Box::new(move || single(black_box(x), m, s, &mut looped))),
        (
            RequantizePolicy::Gemmlowp(_),
            &ScaleParameters::MultiplierShift {
                multiplier: PerChannel::Tensor(m),
                shift: PerChannel::Tensor(s),
            },
        ) => Some(Box::new(move || double(black_box(x), m, -s, &mut looped))),
        (RequantizePolicy::Onnx, &ScaleParameters::Float(PerChannel::Tensor(s))) => {
            Some(Box::new(move || float(black_box(x), s, &mut looped)))
        }
        _ => None,
    };
    if let Some(looped) = looped {
        contestants.push(Contestant::peer("loop", x.len(), looped));
    }
    contestants.push(Contestant::ours("fewbit", x.len(), || {
        by.run(black_box(x), &mut ours).unwrap_or_else(|e| panic!("{e}"));
    }));
    bench.race(case, Unit::Elements, contestants);
}
