//! Fused multiply-add, square root, remainder, extrema and operands of mixed formats, against exact rationals.

mod common;

use common::arithmetic::{Value, narrow_formats, target, value};
use common::{answer, modes};
use fewbit_formats::{Arithmetic, Format, Overflow, Policy, Real, Rounding, Status, philox};
use fewbit_testkit::arithmetic::Target;
use fewbit_testkit::rounding::{self as oracle, Answer, Mode, power_of_two};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

const SPECIAL: Policy = Policy::new(Rounding::TiesEven, Overflow::Special);

/// A format with its oracle.
struct Subject {
    format: Format,
    target: Target,
}

impl Subject {
    fn new(format: Format) -> Self {
        Self { format, target: target(format) }
    }

    /// The exact value of a code, zero included; `None` where there is none.
    fn exact(&self, code: u32) -> Option<BigRational> {
        match value(self.format, &self.target, code) {
            Value::Finite(x) => Some(x),
            Value::Special(oracle_zero) => {
                matches!(oracle_zero, fewbit_testkit::arithmetic::Operand::Zero { .. })
                    .then(BigRational::zero)
            }
        }
    }

    fn expected(&self, x: &BigRational, mode: Mode, random: u32) -> Answer {
        self.target.encode(x, mode, oracle::Overflow::Special, random)
    }

    fn mask(&self) -> u32 {
        (self.format.code_count() - 1) as u32
    }
}

fn subjects() -> Vec<(Subject, u32)> {
    let wide = [
        (Format::BF16, 3000),
        (Format::F16, 3000),
        (Format::TF32, 1500),
        (Format::E8M13, 1000),
        (Format::F32, 1500),
        (Format::POSIT16, 250),
        (Format::POSIT32, 250),
        (Format::TAKUM16, 250),
        (Format::TAKUM32, 250),
    ];
    // The oracle of tapered formats searches among strings of digits, and takes its time.
    let samples = |format: Format| if matches!(format, Format::Float(_)) { 4000 } else { 400 };
    let narrow = narrow_formats().into_iter().map(|format| (format, samples(format)));
    narrow.chain(wide).map(|(format, count)| (Subject::new(format), count)).collect()
}

/// An addend for a product: any, one that cancels it up to a few steps, or one far below it.
fn addend(subject: &Subject, product: &BigRational, kind: u32, draw: u32) -> u32 {
    let size = -product.to_f64().unwrap_or(1.0);
    let near =
        |x: f64| subject.format.encode(x, &Policy::new(Rounding::TiesEven, Overflow::Saturate), 0);
    let around = |x: f64| near(x).map_or(draw, |e| e.code.wrapping_add(draw % 5).wrapping_sub(2));
    let code = match kind % 4 {
        0 => draw,
        1 | 2 => around(size),
        _ => around(size * 2f64.powi(-(draw as i32 % 60))),
    };
    code & subject.mask()
}

#[test]
fn fused_multiply_add_is_rounded_once() {
    let modes = modes();
    let mut cancelled = 0;
    for (subject, count) in subjects() {
        for i in 0..count {
            let draw = |n: u64| philox::bits(u64::from(i), n);
            let (a, b) = (draw(0) & subject.mask(), draw(1) & subject.mask());
            let (Some(x), Some(y)) = (subject.exact(a), subject.exact(b)) else { continue };
            let product = &x * &y;
            let c = addend(&subject, &product, i, draw(2));
            let Some(z) = subject.exact(c) else { continue };
            let sum = &product + &z;
            if sum.is_zero() {
                continue;
            }
            cancelled += u32::from(sum.abs() < product.abs() * power_of_two(-3));
            let (rounding, mode) = if i % 2 == 0 {
                (Rounding::TiesEven, Mode::TiesEven)
            } else {
                modes[draw(3) as usize % modes.len()]
            };
            let random = draw(4);
            let real = |code| subject.format.decode_real(code);
            let arithmetic = Arithmetic::new(subject.format, SPECIAL.with_rounding(rounding));
            let found = arithmetic.mul_add(real(a), real(b), real(c), random).unwrap();
            let expected = subject.expected(&sum, mode, random);
            assert_eq!(
                answer(found),
                expected,
                "{} {a:#x} * {b:#x} + {c:#x} {rounding}",
                subject.format
            );
        }
    }
    assert!(cancelled > 5000, "only {cancelled} sums cancelled");
}

/// `sqrt(x)` between two whole numbers of `2^-300`, or exactly one.
fn root(x: &BigRational) -> BigRational {
    let unit = power_of_two(300);
    let square = x * &unit * &unit;
    let floor = (square.numer() / square.denom()).sqrt();
    let exact = BigRational::from_integer(&floor * &floor) == square;
    let twice = BigInt::from(2) * floor + u8::from(!exact);
    BigRational::new(twice, 2.into()) / unit
}

#[test]
fn every_square_root() {
    let wide =
        [(Format::BF16, 7), (Format::F16, 7), (Format::F32, 0x9_2345), (Format::POSIT16, 331)];
    let narrow = narrow_formats().into_iter().map(|format| (format, 1));
    for (format, step) in narrow.chain(wide) {
        let subject = Subject::new(format);
        for code in (0..format.code_count()).step_by(step).map(|code| code as u32) {
            let Some(x) = subject.exact(code).filter(|x| !x.is_zero()) else { continue };
            for (rounding, mode) in [(Rounding::TiesEven, Mode::TiesEven), (Rounding::Up, Mode::Up)]
            {
                let arithmetic = Arithmetic::new(format, SPECIAL.with_rounding(rounding));
                let found = arithmetic.sqrt(format.decode_real(code), 0).map(answer);
                if x.is_negative() {
                    let nan = match found {
                        Ok(found) => {
                            found.flags == Status::INVALID.bits()
                                && format.decode(found.code).is_nan()
                        }
                        Err(_) => !format.has_nan(),
                    };
                    assert!(nan, "{format} {code:#x}");
                    continue;
                }
                assert_eq!(
                    found,
                    Ok(subject.expected(&root(&x), mode, 0)),
                    "{format} {code:#x} {rounding}"
                );
            }
        }
    }
}

#[test]
fn remainders_are_exact() {
    for format in narrow_formats() {
        let subject = Subject::new(format);
        let exact: Vec<_> =
            (0..format.code_count() as u32).map(|code| subject.exact(code)).collect();
        let pairs =
            (0..exact.len()).flat_map(|a| (a % 5..exact.len()).step_by(5).map(move |b| (a, b)));
        for (a, b) in pairs {
            let (Some(x), Some(y)) = (&exact[a], &exact[b]) else { continue };
            if y.is_zero() {
                continue;
            }
            let rest = x - (x / y).trunc() * y;
            let (a, b) = (format.decode_real(a as u32), format.decode_real(b as u32));
            let found = a.remainder(b).value;
            let expected = Real::from_f64(rest.to_f64().unwrap());
            let sign = found.is_negative() == a.is_negative();
            assert!(
                sign && found.compare(expected).is_some_and(|o| o.is_eq()),
                "{format} {x} % {y}"
            );
        }
    }
}

/// Operands of two formats and a result in a third.
#[test]
fn mixed_formats() {
    let formats = [
        "e4m3fn", "e5m2", "f32", "bf16", "posit32", "takum16", "e8m0fnu", "f16", "e2m1fn", "e11m20",
    ];
    let subjects: Vec<Subject> =
        formats.iter().map(|name| Subject::new(name.parse().unwrap())).collect();
    let modes = modes();
    let mut apart = 0;
    for i in 0..4000u32 {
        let draw = |n: u64| philox::bits(u64::from(i), n);
        let pick = |n: u64| &subjects[draw(n) as usize % subjects.len()];
        let (from, other, to) = (pick(0), pick(1), pick(2));
        let (a, b) = (draw(3) & from.mask(), draw(4) & other.mask());
        let (Some(x), Some(y)) = (from.exact(a), other.exact(b)) else { continue };
        if x.is_zero() || y.is_zero() {
            continue;
        }
        apart += u32::from((&x / &y).abs() > power_of_two(130));
        let (rounding, mode) = modes[draw(5) as usize % modes.len()];
        // 32-bit results leave no room for 32 random bits beside them.
        if mode.is_stochastic() && to.format.bits() > 16 {
            continue;
        }
        let arithmetic = Arithmetic::new(to.format, SPECIAL.with_rounding(rounding));
        let (a, b, random) = (from.format.decode_real(a), other.format.decode_real(b), draw(6));
        let sum = &x + &y;
        if !sum.is_zero() {
            let found = arithmetic.add(a, b, random).map(answer);
            assert_eq!(
                found,
                Ok(to.expected(&sum, mode, random)),
                "{x} + {y} to {} {rounding}",
                to.format
            );
        }
        let found = arithmetic.mul(a, b, random).map(answer);
        assert_eq!(
            found,
            Ok(to.expected(&(&x * &y), mode, random)),
            "{x} * {y} to {} {rounding}",
            to.format
        );
        let found = arithmetic.div(a, b, random).map(answer);
        assert_eq!(
            found,
            Ok(to.expected(&(&x / &y), mode, random)),
            "{x} / {y} to {} {rounding}",
            to.format
        );
    }
    assert!(apart > 100, "only {apart} pairs lay far apart");
}
