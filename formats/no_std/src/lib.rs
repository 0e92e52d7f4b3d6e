//! Formats by name, encoding, decoding, arithmetic, the types and their text, on a machine that has nothing else.
//!
//! `fewbit_self_test` returns 0 where everything gave what it must, else the number of the step that did not: a check for
//! a target on which tests do not run.
#![no_std]

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use fewbit_formats::types::{BF16, E2M1FN, E4M3FN, F16, Posit16};
use fewbit_formats::{
    Arithmetic, ExponentRule, Format, Overflow, Policy, PolicyPreset, Real, Rounding, Status,
    philox,
};

/// There is nobody to tell.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}

/// Text in a buffer of a fixed size.
struct Buffer {
    bytes: [u8; 64],
    length: usize,
}

impl Buffer {
    /// The text of a value; empty where it does not fit.
    fn of(value: impl fmt::Display) -> Self {
        let mut buffer = Self { bytes: [0; 64], length: 0 };
        if write!(buffer, "{value}").is_err() {
            buffer.length = 0;
        }
        buffer
    }

    fn is(&self, text: &str) -> bool {
        &self.bytes[..self.length] == text.as_bytes()
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// 0, or the number of the first step that failed.
#[unsafe(no_mangle)]
pub extern "C" fn fewbit_self_test() -> u32 {
    let steps: [fn() -> Option<bool>; 7] =
        [names, errors, conversions, arithmetic, types, text, every_format];
    let failed = steps.iter().position(|step| step() != Some(true));
    failed.map_or(0, |step| step as u32 + 1)
}

fn names() -> Option<bool> {
    let format: Format = "float8_e4m3fn".parse().ok()?;
    let rounding: Rounding = "sr8".parse().ok()?;
    let overflow: Overflow = "saturate".parse().ok()?;
    let rule: ExponentRule = "floor".parse().ok()?;
    let preset: PolicyPreset = "ocp-1.0".parse().ok()?;
    let custom: Format = "e3m2b5fnuz".parse().ok()?;
    Some(
        Buffer::of(format).is("e4m3fn")
            && Buffer::of(custom).is("e3m2b5fnuz")
            && rounding.random_bits() == Some(8)
            && overflow == preset.policy(format).overflow
            && preset.scale.rule == rule,
    )
}

fn errors() -> Option<bool> {
    let unknown = "e4m".parse::<Format>().err()?;
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    let refused = Format::E2M1FN.encode(f32::NAN, &policy, 0).err()?;
    let mut whole = Buffer { bytes: [0; 64], length: 0 };
    // The messages are longer than the buffer, and their beginnings are in it.
    let cut = write!(whole, "{unknown}").is_err() || write!(whole, "{refused}").is_err();
    Some(cut && "1.5x".parse::<E4M3FN>().is_err())
}

fn conversions() -> Option<bool> {
    let policy = Policy::new(Rounding::Stochastic { bits: 4 }, Overflow::Saturate);
    let random = philox::bits(1, 2);
    let stochastic = Format::E4M3FN.encode(1.0625f32, &policy, random).ok()?;
    let policy = policy.with_rounding(Rounding::TiesEven);
    let exact = Format::FIX8_4.encode(-1.5f32, &policy, 0).ok()?;
    Some(
        matches!(stochastic.code, 0x38 | 0x39)
            && Format::FIX8_4.decode(exact.code) == -1.5
            && exact.status == Status::NONE,
    )
}

fn arithmetic() -> Option<bool> {
    let to = Arithmetic::new(Format::BF16, Policy::new(Rounding::TiesEven, Overflow::Ieee));
    let (a, b) = (Format::POSIT8.decode_real(0x48), Format::TAKUM16.decode_real(0x4000));
    let sum = to.add(a, b, 0).ok()?;
    let fused = to.mul_add(a, a, Real::from_f32(-4.0), 0).ok()?;
    let root = to.sqrt(a, 0).ok()?;
    let quotient = to.div(b, Real::zero(true), 0).ok()?;
    Some(
        Format::BF16.decode(sum.code) == 3.0
            && fused.code == 0
            && Format::BF16.decode(root.code) == 1.4140625
            && quotient.status == Status::DIVIDE_BY_ZERO,
    )
}

fn types() -> Option<bool> {
    const HALF: E4M3FN = E4M3FN::from_f32(0.5);
    let sum: BF16 = [HALF, HALF, E4M3FN::ONE].into_iter().map(BF16::from).sum();
    let remainder = F16::from_f32(7.5) % F16::from_f32(2.0);
    Some(
        sum.to_f32() == 2.0
            && remainder.to_f32() == 1.5
            && E2M1FN::from_f32(9.0) == E2M1FN::MAX
            && Posit16::NAN < Posit16::MIN
            && F16::MIN_POSITIVE.sqrt().mul_add(F16::ONE, F16::ZERO).is_normal(),
    )
}

fn text() -> Option<bool> {
    let read: E4M3FN = "0.1015625000000000000000000000000000001".parse().ok()?;
    Some(
        Buffer::of(read).is("0.1")
            && Buffer::of(format_args!(
                "{:?} {:e} {:x}",
                F16::MAX,
                BF16::MIN_POSITIVE,
                E4M3FN::NAN
            ))
            .is("65504.0 1.18e-38 7f")
            && Buffer::of(E2M1FN::NEG_ONE).is("-1"),
    )
}

fn every_format() -> Option<bool> {
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    for row in Format::table() {
        let one = row.format.encode_real(Real::from_f32(1.0), &policy, 0).ok()?;
        let largest =
            row.format.encode_real(Real::from_f64(row.format.max_finite()), &policy, 0).ok()?;
        let exact = row.format.decode(largest.code) == row.format.max_finite();
        if !exact || row.format.negate(one.code).is_some_and(|code| row.format.decode(code) > 0.0) {
            return Some(false);
        }
    }
    Some(true)
}
