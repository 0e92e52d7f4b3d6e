//! Bulk conversion on one thread, from arrays far larger than the caches and from arrays that stay in them, beside what
//! a user would otherwise run: the `half` crate where it has the format, and a loop over the scalar function.
//!
//! Every contestant runs in turn, again and again; a line gives the median rate in 10^9 elements per second, its share of
//! the limit that this machine sets in the same run, and its ratio to the other contestants. The limit of a conversion is
//! that of moving its bytes: a loop that narrows each `f32` to its top byte or top half, or widens one back, and does
//! nothing else.

use std::hint::black_box;
use std::time::Instant;

use fewbit::convert::{Code, Decoder, Encoder};
use fewbit::formats::{Format, NanPolicy, Overflow, Policy, Rounding, philox};
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

/// Elements: 256 MiB of f32, and 64 KiB.
const SIZES: [(&str, usize); 2] = [("memory", 1 << 26), ("cache", 1 << 14)];
/// Every contestant runs this often.
const ROUNDS: usize = 9;
/// The share of the elements that the loop over the scalar function converts.
const SCALAR_SHARE: usize = 64;

/// One way to convert, the share of the elements that it converts, and what it is.
struct Contestant<'a> {
    kind: Kind,
    share: f64,
    work: Box<dyn FnMut() + Send + 'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Moves the bytes alone.
    Limit,
    Ours,
    Half,
    Scalar,
}

fn values(n: usize) -> Vec<f32> {
    // Normally distributed enough: the sum of four uniform numbers.
    let uniform = |word: u32| (word as i32) as f32 * 2f32.powi(-30);
    let words = |i: usize| philox::philox4x32([i as u32, 0, 0, 0], [1, 2]);
    (0..n).map(|i| words(i % (1 << 20)).map(uniform).iter().sum()).collect()
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        for (place, n) in SIZES {
            println!("\n{place}: {n} elements, one thread, {}", fewbit::Isa::best());
            println!("{:34} {:>9} {:>9} {:>9} {:>9}", "", "G/s", "of limit", "x half", "x scalar");
            all(&values(n));
        }
    });
}

fn all(x: &[f32]) {
    use Rounding::{Stochastic, TiesEven, TowardZero};
    for format in [Format::E4M3FN, Format::E5M2, Format::E2M1FN, Format::INT8] {
        encode::<u8>(x, format, TiesEven);
    }
    for format in [Format::BF16, Format::F16] {
        encode::<u16>(x, format, TiesEven);
    }
    encode::<u8>(x, Format::E4M3FN, TowardZero);
    encode::<u8>(x, Format::E4M3FNUZ, TiesEven);
    for bits in [8, 16, 32] {
        encode::<u8>(x, Format::E4M3FN, Stochastic { bits });
    }
    encode::<u16>(x, Format::BF16, Stochastic { bits: 16 });
    for format in [Format::E4M3FN, Format::E5M2, Format::E2M1FN, Format::INT8, Format::POSIT8] {
        decode::<u8>(x, format);
    }
    for format in [Format::BF16, Format::F16] {
        decode::<u16>(x, format);
    }
}

fn policy(rounding: Rounding) -> Policy {
    Policy::new(rounding, Overflow::Saturate).with_nan(NanPolicy::MlDtypes)
}

fn encode<C: Code>(x: &[f32], format: Format, rounding: Rounding) {
    let policy = policy(rounding);
    let encoder = Encoder::new(format, policy);
    let [mut ours, mut limit, mut scalar] = [(); 3].map(|()| vec![C::from_u32(1); x.len()]);
    let mut halves = vec![0u16; x.len()];
    let few = &x[..x.len() / SCALAR_SHARE];
    let shift = 32 - C::BITS;
    let mut contestants = vec![
        contestant(Kind::Limit, 1.0, || {
            for (code, x) in limit.iter_mut().zip(black_box(x)) {
                *code = C::from_u32(x.to_bits() >> shift);
            }
        }),
        contestant(Kind::Ours, 1.0, || encoder.encode(black_box(x), &mut ours).unwrap()),
        contestant(Kind::Scalar, 1.0 / SCALAR_SHARE as f64, || {
            for (i, (code, &x)) in scalar.iter_mut().zip(black_box(few)).enumerate() {
                let random = philox::bits(0, i as u64);
                *code = C::from_u32(format.encode(x, &policy, random).unwrap().code);
            }
        }),
    ];
    if rounding == Rounding::TiesEven {
        contestants.extend(match format {
            Format::F16 => Some(contestant(Kind::Half, 1.0, || {
                halves.reinterpret_cast_mut::<half::f16>().convert_from_f32_slice(black_box(x));
            })),
            Format::BF16 => Some(contestant(Kind::Half, 1.0, || {
                halves.reinterpret_cast_mut::<half::bf16>().convert_from_f32_slice(black_box(x));
            })),
            _ => None,
        });
    }
    race(&format!("encode {format} {}", rounding.alias()), x.len(), contestants);
}

fn decode<C: Code>(x: &[f32], format: Format) {
    let mut codes = vec![C::from_u32(1); x.len()];
    Encoder::new(format, policy(Rounding::TiesEven)).encode(x, &mut codes).unwrap();
    let halves: Vec<u16> = codes.iter().map(|code| code.to_u32() as u16).collect();
    let decoder = Decoder::new(format);
    let [mut ours, mut limit, mut scalar, mut widened] = [(); 4].map(|()| vec![1.0; x.len()]);
    let few = &codes[..x.len() / SCALAR_SHARE];
    let mut contestants = vec![
        contestant(Kind::Limit, 1.0, || {
            for (value, code) in limit.iter_mut().zip(black_box(&codes)) {
                *value = f32::from_bits(code.to_u32());
            }
        }),
        contestant(Kind::Ours, 1.0, || decoder.decode(black_box(&codes), &mut ours).unwrap()),
        contestant(Kind::Scalar, 1.0 / SCALAR_SHARE as f64, || {
            for (value, code) in scalar.iter_mut().zip(black_box(few)) {
                *value = format.decode(code.to_u32()) as f32;
            }
        }),
    ];
    contestants.extend(match format {
        Format::F16 => Some(contestant(Kind::Half, 1.0, || {
            black_box(&halves).reinterpret_cast::<half::f16>().convert_to_f32_slice(&mut widened);
        })),
        Format::BF16 => Some(contestant(Kind::Half, 1.0, || {
            black_box(&halves).reinterpret_cast::<half::bf16>().convert_to_f32_slice(&mut widened);
        })),
        _ => None,
    });
    race(&format!("decode {format}"), x.len(), contestants);
}

fn contestant<'a>(kind: Kind, share: f64, work: impl FnMut() + Send + 'a) -> Contestant<'a> {
    Contestant { kind, share, work: Box::new(work) }
}

/// Runs every contestant in turn and prints one line about ours.
fn race(name: &str, n: usize, mut contestants: Vec<Contestant<'_>>) {
    // A round of small arrays is repeated until it can be measured.
    let repeat = ((1 << 23) / n).max(1);
    let mut seconds = vec![Vec::new(); contestants.len()];
    for _ in 0..ROUNDS {
        for (contestant, seconds) in contestants.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            (0..repeat).for_each(|_| (contestant.work)());
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    let rate = |kind| {
        let found = contestants.iter().zip(&seconds).find(|(c, _)| c.kind == kind);
        found.map(|(c, seconds)| c.share * (n * repeat) as f64 / median(seconds) / 1e9)
    };
    let ours = rate(Kind::Ours).unwrap_or(f64::NAN);
    let ratio = |kind| rate(kind).map_or("-".into(), |other| format!("{:.2}", ours / other));
    let [limit, half, scalar] = [Kind::Limit, Kind::Half, Kind::Scalar].map(ratio);
    println!("{name:34} {ours:9.2} {limit:>9} {half:>9} {scalar:>9}");
}

fn median(seconds: &[f64]) -> f64 {
    let mut seconds = seconds.to_vec();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
