//! HiF8, by its definition as strings: the 256 codes are read digit by digit, sorted, and searched.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::choose::{Between, Mode, Neighbour, Parts};
use super::{Answer, INEXACT, OVERFLOW, Overflow, UNDERFLOW, power_of_two};

/// The codes of the magnitudes with their values, in ascending order, zero first and infinity's place last.
#[derive(Clone, Debug)]
pub struct HiF8Oracle {
    line: Vec<(BigRational, u32)>,
}

/// Where a value other than zero lies: at or above the entry `below` of the line, `part` of the way to the next.
#[derive(Clone, Debug)]
pub struct HiF8Place {
    negative: bool,
    below: usize,
    part: BigRational,
}

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HiF8Value {
    /// A number.
    Finite(BigRational),
    /// An infinity, whether it is negative.
    Infinite(bool),
    /// NaN.
    Nan,
}

/// What a code stands for, by the table of the paper.
#[must_use]
pub fn hif8_value(code: u32) -> HiF8Value {
    let text = format!("{code:08b}");
    let negative = text.starts_with('1');
    match &text[1..] {
        "0000000" if negative => return HiF8Value::Nan,
        "1101111" => return HiF8Value::Infinite(negative),
        _ => {}
    }
    let size = size(&text[1..]);
    HiF8Value::Finite(if negative { -size } else { size })
}

/// The value of seven digits after the sign, infinity's as though it were a number.
fn size(digits: &str) -> BigRational {
    let number = |digits: &str| i32::from_str_radix(digits, 2).unwrap_or(0);
    // A dot and how many digits of exponent follow it; no dot is the beginning of another.
    let dots = [("11", 4), ("10", 3), ("01", 2), ("001", 1), ("0001", 0)];
    let Some((rest, length)) =
        dots.iter().find_map(|(dot, length)| Some((digits.strip_prefix(dot)?, *length)))
    else {
        let denormal = number(&digits[4..]);
        return if denormal == 0 { BigRational::zero() } else { power_of_two(denormal - 23) };
    };
    let (exponent, fraction) = rest.split_at(length);
    // Sign, then a magnitude whose leading one is not written.
    let exponent = match exponent.split_at_checked(1) {
        Some(("1", low)) => -number(&format!("1{low}")),
        Some((_, low)) => number(&format!("1{low}")),
        None => 0,
    };
    let part = BigRational::new(BigInt::from(number(fraction)), BigInt::one() << fraction.len());
    (BigRational::one() + part) * power_of_two(exponent)
}

impl Default for HiF8Oracle {
    fn default() -> Self {
        let mut line: Vec<_> =
            (0..128u32).map(|code| (size(&format!("{code:07b}")), code)).collect();
        line.sort();
        Self { line }
    }
}

impl HiF8Oracle {
    /// The values of the magnitudes in ascending order, infinity's place last.
    #[must_use]
    pub fn values(&self) -> Vec<BigRational> {
        self.line.iter().map(|(value, _)| value.clone()).collect()
    }

    /// Every positive value at which an answer may change: values and the ties between them.
    #[must_use]
    pub fn points(&self) -> Vec<BigRational> {
        self.cuts(&Parts { digits: 1, numerators: vec![1] })
    }

    /// The magnitudes at which the answer of a mode may change, in ascending order.
    #[must_use]
    pub fn cuts(&self, parts: &Parts) -> Vec<BigRational> {
        let mut cuts = Vec::new();
        for pair in self.line.windows(2) {
            let (low, step) = (&pair[0].0, &pair[1].0 - &pair[0].0);
            cuts.extend((!low.is_zero()).then(|| low.clone()));
            let unit = step * power_of_two(-(parts.digits as i32));
            cuts.extend(parts.numerators.iter().map(|&n| low + &unit * BigInt::from(n)));
        }
        cuts.extend(self.line.last().map(|(end, _)| end.clone()));
        cuts
    }

    /// Where a value other than zero lies.
    #[must_use]
    pub fn place(&self, x: &BigRational) -> HiF8Place {
        let size = x.abs();
        let below = self.line.partition_point(|(value, _)| *value <= size) - 1;
        let low = &self.line[below].0;
        let part = match self.line.get(below + 1) {
            Some((high, _)) => (&size - low) / (high - low),
            None => BigRational::zero(),
        };
        HiF8Place { negative: x.is_negative(), below, part }
    }

    /// The code of a value.
    ///
    /// # Panics
    ///
    /// For a policy that wraps.
    #[must_use]
    pub fn encode(&self, x: &HiF8Place, mode: Mode, overflow: Overflow, random: u32) -> Answer {
        let mut chosen = x.below;
        let exact = x.part.is_zero();
        if !exact {
            let odd = self.line[x.below].1 % 2 == 1;
            let between = Between::from_part(x.negative, odd, x.part.clone());
            let away = if x.negative { Neighbour::Below } else { Neighbour::Above };
            chosen += usize::from(between.choose(mode, random) == away);
        }
        let signed = |magnitude: u32| {
            if x.negative && magnitude != 0 { magnitude + 128 } else { magnitude }
        };
        let end = self.line.len() - 1;
        if chosen >= end {
            let back = match mode {
                Mode::TowardZero => true,
                Mode::Up => x.negative,
                Mode::Down => !x.negative,
                _ => false,
            };
            let code = match overflow {
                Overflow::Saturate | Overflow::SaturateSymmetric => signed(self.line[end - 1].1),
                Overflow::Ieee | Overflow::SatNone if back => signed(self.line[end - 1].1),
                Overflow::Special | Overflow::Ieee | Overflow::SatNone => signed(self.line[end].1),
                Overflow::Zero => 0,
                Overflow::Wrap | Overflow::WrapSignMagnitude => panic!("a float does not wrap"),
            };
            return Answer { code, flags: OVERFLOW | INEXACT };
        }
        let (value, magnitude) = &self.line[chosen];
        let tiny = *value < power_of_two(-15);
        let flags = match (exact, tiny) {
            (true, _) => 0,
            (false, true) => INEXACT | UNDERFLOW,
            (false, false) => INEXACT,
        };
        Answer { code: signed(*magnitude), flags }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let value = |code| match hif8_value(code) {
            HiF8Value::Finite(value) => value,
            other => panic!("{other:?}"),
        };
        let ratio = |n: i64, d: i64| BigRational::new(n.into(), d.into());
        // 0 0001 000; 0 11 0 110 0: exponent 1110 = 14; 0 0000 001; 1 001 1 100: -1.5 / 2.
        assert_eq!([0x08, 0x6c].map(value), [ratio(1, 1), ratio(16384, 1)]);
        assert_eq!([0x01, 0x9c].map(value), [ratio(1, 1 << 22), ratio(-3, 4)]);
        assert_eq!(
            (hif8_value(0x80), hif8_value(0xef)),
            (HiF8Value::Nan, HiF8Value::Infinite(true))
        );
        let oracle = HiF8Oracle::default();
        assert_eq!(oracle.line.len(), 128);
        assert!(oracle.line.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(
            oracle.line[126..].iter().map(|(_, code)| *code).collect::<Vec<_>>(),
            [0x6e, 0x6f]
        );
    }
}
