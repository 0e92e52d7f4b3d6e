//! The line of the values of a format, with every place where a rounded result changes.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::{Operand, Operation, Outcome, operate};
use crate::rounding::{
    Answer, FloatOracle, HiF8Oracle, INVALID, Mode, Overflow, TaperedSpec, power_of_two,
};

/// A format that results go to.
#[derive(Clone, Debug)]
pub enum Target {
    /// A float.
    Float(FloatOracle),
    /// A posit or takum.
    Tapered(TaperedSpec),
    /// HiF8.
    HiF8(HiF8Oracle),
}

impl Target {
    /// The code of a finite value other than zero.
    #[must_use]
    pub fn encode(&self, x: &BigRational, mode: Mode, overflow: Overflow, random: u32) -> Answer {
        match self {
            Self::Float(oracle) => oracle.encode(&oracle.place(x), mode, overflow, random),
            Self::Tapered(spec) => spec.encode(&spec.place(x), mode, overflow, random),
            Self::HiF8(oracle) => oracle.encode(&oracle.place(x), mode, overflow, random),
        }
    }

    /// Every positive value at which an answer may change.
    fn points(&self) -> Vec<BigRational> {
        match self {
            Self::Float(oracle) => oracle.points(),
            Self::HiF8(oracle) => oracle.points(),
            // The codes with one more bit are the values and the ties between them.
            Self::Tapered(spec) => {
                let wider = spec.wider();
                (1..1u64 << spec.bits()).filter_map(|code| wider.decode(code)).collect()
            }
        }
    }

    /// The code of NaN, infinity or zero, infinity being a value too large to the overflow policy. `None` where a NaN has
    /// no code.
    #[must_use]
    pub fn encode_special(&self, x: &Operand, overflow: Overflow) -> Option<Answer> {
        // No directed mode brings infinity back.
        let beyond = |negative: bool| {
            let huge = power_of_two(4000);
            let huge = if negative { -huge } else { huge };
            self.encode(&huge, Mode::TiesEven, overflow, 0)
        };
        match (self, x) {
            (_, Operand::Finite(_)) => panic!("{x:?} is not special"),
            (Self::Float(oracle), Operand::Nan { negative, signaling }) => {
                oracle.encode_nan(*negative, *signaling)
            }
            (Self::Tapered(spec), Operand::Nan { .. }) => {
                Some(Answer { code: 1 << (spec.bits() - 1), flags: 0 })
            }
            (Self::HiF8(_), Operand::Nan { signaling, .. }) => {
                Some(Answer { code: 0x80, flags: if *signaling { INVALID } else { 0 } })
            }
            (Self::HiF8(_), Operand::Infinite { negative }) => {
                let answer = beyond(*negative);
                let kept = answer.code & 0x7f == 0x6f;
                Some(if kept { Answer { flags: 0, ..answer } } else { answer })
            }
            (Self::Tapered(_) | Self::HiF8(_), Operand::Zero { .. }) => {
                Some(Answer { code: 0, flags: 0 })
            }
            (Self::Tapered(_), Operand::Infinite { negative }) => Some(beyond(*negative)),
            (Self::Float(oracle), Operand::Infinite { negative }) => {
                let answer = beyond(*negative);
                // An infinity that is kept has overflowed nothing.
                let kept = oracle.infinity(*negative) == Some(answer.code);
                Some(if kept { Answer { flags: 0, ..answer } } else { answer })
            }
            (Self::Float(oracle), Operand::Zero { negative }) => {
                Some(oracle.zero(*negative, overflow))
            }
        }
    }
}

/// The places of a format's line, and what each is rounded to.
#[derive(Clone, Debug)]
pub struct Line {
    target: Target,
    mode: Mode,
    overflow: Overflow,
    /// The unit is `2^-scale`.
    scale: u32,
    /// Where the answer may change, ascending, in units and in square units.
    points: Vec<BigInt>,
    square_points: Vec<BigInt>,
    /// Of the gap before each point and of the point, in turn; then of the gap after the last.
    answers: Vec<Answer>,
}

impl Line {
    /// The line of a target under one mode that uses no random bits.
    ///
    /// # Panics
    ///
    /// If the mode is stochastic.
    #[must_use]
    pub fn new(target: Target, mode: Mode, overflow: Overflow) -> Self {
        assert!(!mode.is_stochastic(), "the answers of {mode:?} have no places");
        let mut points = target.points();
        points.extend(points.clone().into_iter().map(|x| -x));
        points.push(BigRational::zero());
        points.sort();
        points.dedup();
        let answer = |x: BigRational| match x.is_zero() {
            // Zero is no finite result, so this is never given.
            true => Answer { code: u32::MAX, flags: u8::MAX },
            false => target.encode(&x, mode, overflow, 0),
        };
        let two = BigRational::from_integer(2.into());
        let mut answers = vec![answer(&points[0] * &two)];
        for pair in points.windows(2) {
            answers.push(answer(pair[0].clone()));
            answers.push(answer((&pair[0] + &pair[1]) / &two));
        }
        let last = &points[points.len() - 1];
        answers.push(answer(last.clone()));
        answers.push(answer(last * &two));

        // Denominators are powers of two.
        let scale = points.iter().map(|x| x.denom().bits() - 1).max().unwrap_or(0) as u32;
        let points: Vec<BigInt> =
            points.iter().map(|x| (x * power_of_two(scale as i32)).to_integer()).collect();
        let square_points = points.iter().map(|x| x << scale).collect();
        Self { target, mode, overflow, scale, points, square_points, answers }
    }

    /// The unit is `2^-scale`.
    #[must_use]
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// A value as an operand in this line's units.
    ///
    /// # Panics
    ///
    /// If it is no multiple of the unit.
    #[must_use]
    pub fn operand(&self, x: &BigRational) -> Operand {
        let units = x * power_of_two(self.scale as i32);
        assert!(units.is_integer(), "{x} is no multiple of the unit");
        Operand::Finite(units.to_integer())
    }

    /// The answer to `a op b`; `None` where it is NaN and the format has none.
    #[must_use]
    pub fn answer(&self, op: Operation, a: &Operand, b: &Operand) -> Option<Answer> {
        let outcome = operate(op, a, b, self.mode == Mode::Down);
        let (numerator, denominator) = match outcome {
            Outcome::Special(value, flags) => {
                let answer = self.target.encode_special(&value, self.overflow)?;
                return Some(Answer { code: answer.code, flags: answer.flags | flags });
            }
            Outcome::Finite(numerator, denominator) => (numerator, denominator),
        };
        let (points, numerator) = match op {
            Operation::Add | Operation::Sub => (&self.points, numerator),
            Operation::Mul => (&self.square_points, numerator),
            Operation::Div => (&self.points, numerator << self.scale),
        };
        let times = |point: &BigInt| match op {
            Operation::Div => point * &denominator,
            _ => point.clone(),
        };
        let below = match op {
            Operation::Div => points.partition_point(|point| times(point) < numerator),
            _ => points.partition_point(|point| *point < numerator),
        };
        let at = points.get(below).is_some_and(|point| times(point) == numerator);
        Some(self.answers[2 * below + usize::from(at)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounding::{FloatSpec, NanCodes};

    /// e2m1fn: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
    fn line(mode: Mode) -> Line {
        let spec = FloatSpec {
            exponent_bits: 2,
            fraction_bits: 1,
            bias: 1,
            signed: true,
            nan: NanCodes::None,
            infinity: false,
            zero: true,
        };
        Line::new(Target::Float(spec.oracle()), mode, Overflow::Saturate)
    }

    #[test]
    fn sums_and_quotients_by_hand() {
        let line = line(Mode::TiesEven);
        let x = |n: i64, d: i64| line.operand(&BigRational::new(n.into(), d.into()));
        let go = |op, a: &Operand, b: &Operand| {
            let answer = line.answer(op, a, b).unwrap();
            (answer.code, answer.flags)
        };
        assert_eq!(go(Operation::Add, &x(1, 1), &x(3, 2)), (0b100, 1), "2.5, a tie, is 2");
        assert_eq!(go(Operation::Sub, &x(1, 2), &x(4, 1)), (0b1110, 1), "-3.5, a tie, is -4");
        assert_eq!(go(Operation::Add, &x(6, 1), &x(6, 1)), (0b111, 5), "12 saturates");
        assert_eq!(go(Operation::Mul, &x(3, 2), &x(-2, 1)), (0b1101, 0), "-3");
        assert_eq!(
            go(Operation::Div, &x(1, 1), &x(3, 1)),
            (0b001, 3),
            "1/3 is 0.5, below the normal 1"
        );
        assert_eq!(go(Operation::Div, &x(1, 2), &x(-2, 1)), (0b1000, 3), "-1/4, a tie, is -0");
    }

    #[test]
    fn directed_modes_by_hand() {
        let line = line(Mode::Down);
        let x = |n: i64| line.operand(&BigRational::from_integer(n.into()));
        let go = |op, a, b| line.answer(op, &a, &b).unwrap().code;
        assert_eq!(go(Operation::Div, x(1), x(3)), 0);
        assert_eq!(go(Operation::Div, x(-1), x(3)), 0b1001);
        assert_eq!(go(Operation::Sub, x(3), x(3)), 0b1000, "an exact zero is negative");
    }

    /// Every place agrees with the oracle of conversions asked directly.
    #[test]
    fn places_agree_with_conversions() {
        let line = line(Mode::TiesEven);
        let spec = |n: i64| BigRational::new(n.into(), 96.into());
        for n in (-1300..1300).filter(|n| *n != 0) {
            let (a, b) = (Operand::Finite(BigInt::from(n)), Operand::Finite(96.into()));
            let direct = line.target.encode(&spec(n), Mode::TiesEven, Overflow::Saturate, 0);
            assert_eq!(line.answer(Operation::Div, &a, &b), Some(direct), "{n}/96");
        }
    }
}
