//! Bulk conversion on one thread, from arrays far larger than the caches and from arrays that stay in them, beside what
//! a user would otherwise run: the `half` crate where it has the format, and a loop over the scalar function.
//!
//! The limit of a conversion is that of moving its bytes: a loop, compiled for the running CPU, that narrows each `f32` to
//! its top byte or top half, or widens one back, and does nothing else.

mod support;

use std::hint::black_box;

use fewbit::convert::{Code, Decoder, Encoder};
use fewbit::formats::{Format, NanPolicy, Overflow, Policy, Rounding, philox};
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use support::{Bench, Contestant, Unit, native, normal_values, on_threads};

/// The share of the elements that the loop over the scalar function converts.
const SCALAR_SHARE: usize = 256;

native! {
    fn narrow_bytes(from: &[f32], to: &mut [u8]) {
        for (code, x) in to.iter_mut().zip(from) {
            *code = (x.to_bits() >> 24) as u8;
        }
    }

    fn narrow_halves(from: &[f32], to: &mut [u16]) {
        for (code, x) in to.iter_mut().zip(from) {
            *code = (x.to_bits() >> 16) as u16;
        }
    }

    fn widen_bytes(from: &[u8], to: &mut [f32]) {
        for (value, &code) in to.iter_mut().zip(from) {
            *value = f32::from_bits(u32::from(code));
        }
    }

    fn widen_halves(from: &[u16], to: &mut [f32]) {
        for (value, &code) in to.iter_mut().zip(from) {
            *value = f32::from_bits(u32::from(code));
        }
    }
}

/// Codes with their limits.
trait Limited: Code {
    fn narrow(from: &[f32], to: &mut [Self]);
    fn widen(from: &[Self], to: &mut [f32]);
}

impl Limited for u8 {
    fn narrow(from: &[f32], to: &mut [Self]) {
        narrow_bytes(from, to);
    }

    fn widen(from: &[Self], to: &mut [f32]) {
        widen_bytes(from, to);
    }
}

impl Limited for u16 {
    fn narrow(from: &[f32], to: &mut [Self]) {
        narrow_halves(from, to);
    }

    fn widen(from: &[Self], to: &mut [f32]) {
        widen_halves(from, to);
    }
}

fn main() {
    let bench = Bench::from_args();
    // 64 KiB of f32, and 256 MiB, in a quick run 64.
    let memory = if bench.is_quick() { 1 << 24 } else { 1 << 26 };
    on_threads(1, || {
        for (place, n) in [("cache", 1 << 14), ("memory", memory)] {
            println!("# {place}: {n} elements, one thread");
            all(&bench, place, &normal_values(n));
        }
    });
}

fn all(bench: &Bench, place: &str, x: &[f32]) {
    use Rounding::{Stochastic, TiesEven, TowardZero};
    for format in [Format::E4M3FN, Format::E5M2, Format::E2M1FN, Format::INT8] {
        encode::<u8>(bench, place, x, format, TiesEven);
    }
    for format in [Format::BF16, Format::F16] {
        encode::<u16>(bench, place, x, format, TiesEven);
    }
    encode::<u8>(bench, place, x, Format::E4M3FN, TowardZero);
    encode::<u8>(bench, place, x, Format::E4M3FNUZ, TiesEven);
    for bits in [8, 16, 32] {
        encode::<u8>(bench, place, x, Format::E4M3FN, Stochastic { bits });
    }
    encode::<u16>(bench, place, x, Format::BF16, Stochastic { bits: 16 });
    for format in [Format::E4M3FN, Format::E5M2, Format::E2M1FN, Format::INT8, Format::POSIT8] {
        decode::<u8>(bench, place, x, format);
    }
    for format in [Format::BF16, Format::F16] {
        decode::<u16>(bench, place, x, format);
    }
}

fn policy(rounding: Rounding) -> Policy {
    Policy::new(rounding, Overflow::Saturate).with_nan(NanPolicy::MlDtypes)
}

fn encode<C: Limited>(bench: &Bench, place: &str, x: &[f32], format: Format, rounding: Rounding) {
    let policy = policy(rounding);
    let encoder = Encoder::new(format, policy);
    let [mut ours, mut limit] = [(); 2].map(|()| vec![C::from_u32(1); x.len()]);
    let few = &x[..x.len() / SCALAR_SHARE];
    let mut scalar = vec![C::from_u32(1); few.len()];
    let mut halves = vec![0u16; x.len()];
    let mut contestants = vec![
        Contestant::peer("limit", x.len(), || C::narrow(black_box(x), &mut limit)),
        Contestant::peer("scalar", few.len(), || {
            for (i, (code, &x)) in scalar.iter_mut().zip(black_box(few)).enumerate() {
                let random = philox::bits(0, i as u64);
                *code = C::from_u32(format.encode(x, &policy, random).map_or(0, |e| e.code));
            }
        }),
    ];
    if rounding == Rounding::TiesEven {
        contestants.extend(match format {
            Format::F16 => Some(Contestant::peer("half", x.len(), || {
                halves.reinterpret_cast_mut::<half::f16>().convert_from_f32_slice(black_box(x));
            })),
            Format::BF16 => Some(Contestant::peer("half", x.len(), || {
                halves.reinterpret_cast_mut::<half::bf16>().convert_from_f32_slice(black_box(x));
            })),
            _ => None,
        });
    }
    contestants.push(Contestant::ours("fewbit", x.len(), || {
        encoder.encode(black_box(x), &mut ours).unwrap_or_else(|e| panic!("{e}"));
    }));
    let case = format!("{place}/encode/{format}/{}", rounding.alias());
    bench.race(&case, Unit::Elements, contestants);
}

fn decode<C: Limited>(bench: &Bench, place: &str, x: &[f32], format: Format) {
    let mut codes = vec![C::from_u32(1); x.len()];
    let encoded = Encoder::new(format, policy(Rounding::TiesEven)).encode(x, &mut codes);
    encoded.unwrap_or_else(|e| panic!("{e}"));
    let halves: Vec<u16> = codes.iter().map(|code| code.to_u32() as u16).collect();
    let decoder = Decoder::new(format);
    let [mut ours, mut limit, mut widened] = [(); 3].map(|()| vec![1.0; x.len()]);
    let few = &codes[..x.len() / SCALAR_SHARE];
    let mut scalar = vec![1.0; few.len()];
    let mut contestants = vec![
        Contestant::peer("limit", x.len(), || C::widen(black_box(&codes), &mut limit)),
        Contestant::peer("scalar", few.len(), || {
            for (value, code) in scalar.iter_mut().zip(black_box(few)) {
                *value = format.decode(code.to_u32()) as f32;
            }
        }),
    ];
    contestants.extend(match format {
        Format::F16 => Some(Contestant::peer("half", x.len(), || {
            black_box(&halves).reinterpret_cast::<half::f16>().convert_to_f32_slice(&mut widened);
        })),
        Format::BF16 => Some(Contestant::peer("half", x.len(), || {
            black_box(&halves).reinterpret_cast::<half::bf16>().convert_to_f32_slice(&mut widened);
        })),
        _ => None,
    });
    contestants.push(Contestant::ours("fewbit", x.len(), || {
        decoder.decode(black_box(&codes), &mut ours).unwrap_or_else(|e| panic!("{e}"));
    }));
    bench.race(&format!("{place}/decode/{format}"), Unit::Elements, contestants);
}
