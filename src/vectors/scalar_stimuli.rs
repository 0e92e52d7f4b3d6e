//! Directed operands of operations on codes.
//!
//! A goal is chosen among the results: a tie of the target, its overflow threshold, the boundary of its subnormal values.
//! All operands but one are drawn, the last one is solved for and rounded to its format, and the exact result is then
//! looked at: a class holds what it says, or the stimulus is not taken.

use fewbit_formats::{Class, Format, Policy, Real, Rounding};

use super::codes::{self, NEAREST, TRIES};
use super::draw::Draw;
use super::scalar::ScalarJob;
use super::{VectorClass, VectorOp};

impl ScalarJob {
    /// The directed classes of the operation.
    pub(super) fn classes(&self) -> &'static [VectorClass] {
        use VectorClass::{Cancellation, Extremes, Overflow, Specials, Subnormals, Ties};
        match self.op() {
            VectorOp::Add | VectorOp::Sub | VectorOp::Fma => {
                &[Ties, Overflow, Subnormals, Cancellation, Specials, Extremes]
            }
            _ => &[Ties, Overflow, Subnormals, Specials, Extremes],
        }
    }

    /// Operands of a class; `None` where none was found.
    pub(super) fn stimulus(&self, class: VectorClass, draw: &mut Draw) -> Option<Vec<u64>> {
        let codes = match class {
            VectorClass::Ties => self.search(
                draw,
                |job, draw| {
                    let goal = tie(job.to(), draw)?;
                    job.towards(goal, draw)
                },
                Self::is_tie,
            ),
            VectorClass::Overflow => self.search(
                draw,
                |job, draw| {
                    let goal = threshold(job.to(), draw);
                    let codes = job.towards(goal, draw)?;
                    Some(job.nudged(codes, draw))
                },
                Self::is_near_overflow,
            ),
            VectorClass::Subnormals => self.subnormal(draw),
            VectorClass::Cancellation => self.cancelling(draw),
            VectorClass::Specials => self.with_one_of(draw, codes::specials),
            VectorClass::Extremes => {
                let pick = |format: &Format| draw.one(&codes::extremes(*format));
                self.operands().iter().map(pick).collect()
            }
            _ => self.operands().iter().map(|&format| codes::any(format, draw)).collect(),
        };
        codes.map(|codes| codes.into_iter().map(u64::from).collect())
    }

    /// The first of some drawn operands that suits.
    fn search(
        &self,
        draw: &mut Draw,
        propose: impl Fn(&Self, &mut Draw) -> Option<Vec<u32>>,
        suits: impl Fn(&Self, &[u32]) -> bool,
    ) -> Option<Vec<u32>> {
        (0..TRIES).find_map(|_| propose(self, draw).filter(|codes| suits(self, codes)))
    }

    /// Whether the exact result lies half-way between two neighbours: the two ways to break ties differ.
    fn is_tie(&self, codes: &[u32]) -> bool {
        let exact = self.exact(self.reals(codes)).value;
        let rounded = |rounding| self.to().encode_real(exact, &NEAREST.with_rounding(rounding), 0);
        match (rounded(Rounding::TiesAway), rounded(Rounding::TiesZero)) {
            (Ok(away), Ok(zero)) => away.code != zero.code,
            _ => false,
        }
    }

    /// Whether the exact result is from half the largest value of its sign to four times it.
    fn is_near_overflow(&self, codes: &[u32]) -> bool {
        let exact = self.exact(self.reals(codes)).value;
        let end = if exact.is_negative() { self.to().min_finite() } else { self.to().max_finite() };
        let ratio = exact.to_f64() / end;
        (0.5..=4.0).contains(&ratio)
    }

    /// A subnormal operand, or a result at the boundary of subnormal values.
    fn subnormal(&self, draw: &mut Draw) -> Option<Vec<u32>> {
        let in_operands = self.operands().iter().any(|&f| !codes::subnormals(f).is_empty());
        let in_result = !codes::subnormals(self.to()).is_empty();
        if in_operands && (!in_result || draw.coin()) {
            return self.with_one_of(draw, codes::subnormals);
        }
        let normal = self.to().smallest_normal().filter(|_| in_result)?;
        let smallest = self.to().smallest_positive();
        let suits = |job: &Self, codes: &[u32]| {
            let exact = job.exact(job.reals(codes)).value.to_f64().abs();
            exact > 0.0 && exact <= 2.0 * normal
        };
        self.search(
            draw,
            |job, draw| {
                let at = [
                    smallest / 2.0,
                    smallest,
                    1.5 * smallest,
                    normal - smallest,
                    normal - smallest / 2.0,
                    normal - smallest / 4.0,
                    normal,
                    normal + smallest,
                ];
                let goal = match draw.below(12) {
                    place @ 0..8 => at[place as usize],
                    _ => {
                        smallest
                            * (draw.below((normal / smallest).min(1e9) as u64 * 2) as f64 / 2.0)
                    }
                };
                let goal = Real::from_f64(if draw.coin() { goal } else { -goal });
                let codes = job.towards(goal, draw)?;
                Some(job.nudged(codes, draw))
            },
            suits,
        )
    }

    /// Terms that cancel, exactly or but for a few units in the last place.
    fn cancelling(&self, draw: &mut Draw) -> Option<Vec<u32>> {
        self.search(
            draw,
            |job, draw| {
                let mut codes = job.drawn(draw)?;
                let last = codes.len() - 1;
                let reals = job.reals(&codes);
                let other = match job.op() {
                    VectorOp::Add => reals[0].negated(),
                    VectorOp::Sub => reals[0],
                    _ => reals[0].product(reals[1]).value.negated(),
                };
                codes[last] = codes::nearest(*job.operands().get(last)?, other)?;
                Some(job.nudged(codes, draw))
            },
            |job, codes| {
                let reals = job.reals(codes);
                let (exact, term) = (job.exact(reals).value, reals[codes.len() - 1].to_f64().abs());
                let is_finite = !matches!(exact.class(), Class::Infinite | Class::Nan);
                is_finite && term > 0.0 && exact.to_f64().abs() <= term / 4.0
            },
        )
    }

    /// Operands of which one is from a list of its format's, the others being anything or from their lists.
    fn with_one_of(&self, draw: &mut Draw, list: fn(Format) -> Vec<u32>) -> Option<Vec<u32>> {
        let lists: Vec<_> = self.operands().iter().map(|&format| list(format)).collect();
        let places: Vec<usize> = (0..lists.len()).filter(|&at| !lists[at].is_empty()).collect();
        let chosen = draw.one(&places)?;
        let operands = self.operands().iter().zip(&lists).enumerate();
        operands
            .map(|(at, (&format, list))| match at == chosen || draw.below(3) == 0 {
                true => draw.one(list).or_else(|| codes::any(format, draw)),
                false => codes::any(format, draw),
            })
            .collect()
    }

    /// Finite codes of all operands.
    fn drawn(&self, draw: &mut Draw) -> Option<Vec<u32>> {
        self.operands().iter().map(|&format| codes::finite(format, draw)).collect()
    }

    /// Operands whose exact result is `goal`, as near as the last one's format allows, or (of products, once in two) one with
    /// few bits and one at random.
    fn towards(&self, goal: Real, draw: &mut Draw) -> Option<Vec<u32>> {
        let mut codes = self.drawn(draw)?;
        let simple = |at: usize, draw: &mut Draw| {
            let format = *self.operands().get(at)?;
            let around = draw.between(-12, 12) as i32;
            let odd = u128::from(2 * draw.below(4) + 1);
            codes::nearest(format, Real::from_scaled(draw.coin(), odd, around))
        };
        let solved = match self.op() {
            VectorOp::Add | VectorOp::Sub => {
                if draw.coin() {
                    // A term of the goal's own size, so that the other one has all its bits.
                    let part = Real::from_scaled(draw.coin(), u128::from(32 + draw.below(96)), -6);
                    codes[0] = codes::nearest(self.operands()[0], goal.product(part).value)?;
                }
                let a = self.reals(&codes)[0];
                match self.op() {
                    VectorOp::Add => (1, goal.difference(a, Rounding::TiesEven).value),
                    _ => (1, a.difference(goal, Rounding::TiesEven).value),
                }
            }
            VectorOp::Mul => {
                let free = draw.coin();
                codes[0] = simple(0, draw)?;
                if free {
                    return Some(codes);
                }
                (1, goal.quotient(self.reals(&codes)[0]).value)
            }
            VectorOp::Div => {
                codes[1] = simple(1, draw)?;
                (0, goal.product(self.reals(&codes)[1]).value)
            }
            VectorOp::Fma => {
                codes[0] = simple(0, draw)?;
                if draw.coin() {
                    // A product of the goal's own size and of few bits, so that the addend has all of its own.
                    let part = Real::from_scaled(draw.coin(), u128::from(32 + draw.below(96)), -6);
                    let factor = goal.product(part).value.quotient(self.reals(&codes)[0]).value;
                    let short = u128::from(factor.significand() >> 56);
                    let short =
                        Real::from_scaled(factor.is_negative(), short, factor.exponent() - 7);
                    codes[1] = codes::nearest(self.operands()[1], short)?;
                } else if draw.coin() {
                    codes[1] = simple(1, draw)?;
                }
                let [a, b, _] = self.reals(&codes);
                (2, a.negated().fused_sum(b, goal, Rounding::TiesEven).value)
            }
            VectorOp::Sqrt => (0, goal.product(goal).value),
            _ => (0, goal),
        };
        let (at, value) = solved;
        codes[at] = codes::nearest(*self.operands().get(at)?, value)?;
        Some(codes)
    }

    /// The same operands, one of them perhaps a code further.
    fn nudged(&self, mut codes: Vec<u32>, draw: &mut Draw) -> Vec<u32> {
        let at = draw.below(codes.len() as u64) as usize;
        let step = [0, 0, 1, u32::MAX][draw.below(4) as usize];
        if let (Some(code), Some(&format)) = (codes.get_mut(at), self.operands().get(at)) {
            let next = code.wrapping_add(step);
            if codes::is_finite(format, next) {
                *code = next;
            }
        }
        codes
    }
}

/// The middle of two neighbours of a format.
fn tie(format: Format, draw: &mut Draw) -> Option<Real> {
    let code = codes::finite(format, draw)?;
    let next = code.wrapping_add(1);
    if !codes::is_finite(format, next) {
        return None;
    }
    let (low, high) = (format.decode_real(code), format.decode_real(next));
    let sum = low.sum(high, Rounding::TiesEven).value;
    Some(sum.product(Real::from_f64(0.5)).value)
}

/// A value near the largest or the smallest of a format, or near the one from which values round beyond it.
fn threshold(format: Format, draw: &mut Draw) -> Real {
    let end = match format.is_signed() && draw.coin() {
        true => format.min_finite(),
        false => format.max_finite(),
    };
    let real = Real::from_f64(end);
    let down = Policy { rounding: Rounding::TowardZero, ..NEAREST };
    // The last value before the end, in steps of 2^-24 of it at least.
    let below = (1..=24).rev().find_map(|bits| {
        let part = Real::from_scaled(false, (1u128 << bits) - 1, -bits);
        let code = format.encode_real(real.product(part).value, &down, 0).ok()?.code;
        let value = format.decode_real(code);
        (value != real).then_some(value)
    });
    let unit = below.map_or(Real::from_f64(1.0), |x| real.difference(x, Rounding::TiesEven).value);
    // Units in the last place beyond the end, in quarters.
    let quarters = draw.between(-8, 12);
    let offset = unit.product(Real::from_scaled(quarters < 0, quarters.unsigned_abs().into(), -2));
    match draw.below(8) {
        0 => real.product(Real::from_f64(2.0)).value,
        _ => real.sum(offset.value, Rounding::TiesEven).value,
    }
}
