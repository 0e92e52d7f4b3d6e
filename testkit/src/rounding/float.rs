//! Floats of any shape, by enumeration.

use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::choose::{Between, Mode, Neighbour, Parts, Point};
use super::{Answer, INEXACT, INVALID, OVERFLOW, Overflow, UNDERFLOW, power_of_two};

/// Which codes are NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NanCodes {
    /// None.
    None,
    /// Exponent all ones, fraction not zero.
    TopExponent,
    /// All ones.
    TopMagnitude,
    /// Negative zero.
    NegativeZero,
}

/// A float's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatSpec {
    /// Bits of the exponent.
    pub exponent_bits: u32,
    /// Bits of the fraction.
    pub fraction_bits: u32,
    /// Exponent bias.
    pub bias: i32,
    /// Whether there is a sign bit.
    pub signed: bool,
    /// Which codes are NaN.
    pub nan: NanCodes,
    /// Whether there are infinities.
    pub infinity: bool,
    /// Whether magnitude 0 is zero.
    pub zero: bool,
}

/// A float's values, enumerated where there are at most 2^16, and computed one by one where there are more.
#[derive(Clone, Debug)]
pub struct FloatOracle {
    spec: FloatSpec,
    values: Vec<BigRational>,
    /// The same in `f64`: where to begin to search.
    near: Vec<f64>,
}

impl FloatSpec {
    /// The value of a magnitude by the formula, whether or not the format uses it for something else.
    #[must_use]
    pub fn magnitude(&self, magnitude: u32) -> BigRational {
        let scale = 1u64 << self.fraction_bits;
        let (field, fraction) = (u64::from(magnitude) / scale, u64::from(magnitude) % scale);
        let part = BigRational::new(fraction.into(), scale.into());
        if field == 0 && self.zero {
            part * power_of_two(1 - self.bias)
        } else {
            (part + BigRational::one()) * power_of_two(field as i32 - self.bias)
        }
    }

    /// The largest finite magnitude, found from the top by what each code is for.
    #[must_use]
    pub fn top(&self) -> u32 {
        let all = 1u64 << (self.exponent_bits + self.fraction_bits);
        let taken = match self.nan {
            NanCodes::TopExponent => 1 << self.fraction_bits,
            NanCodes::TopMagnitude => 1 + u64::from(self.infinity),
            NanCodes::None | NanCodes::NegativeZero => u64::from(self.infinity),
        };
        (all - taken - 1) as u32
    }

    /// The oracle for this format.
    #[must_use]
    pub fn oracle(self) -> FloatOracle {
        let enumerated = if self.top() < 1 << 16 { self.top() + 2 } else { 0 };
        let values: Vec<_> = (0..enumerated).map(|m| self.magnitude(m)).collect();
        let near = values.iter().map(|value| value.to_f64().unwrap_or(f64::INFINITY)).collect();
        FloatOracle { spec: self, values, near }
    }
}

impl FloatOracle {
    /// The parameters.
    #[must_use]
    pub fn spec(&self) -> FloatSpec {
        self.spec
    }

    /// The value of a magnitude; that after the last is what the next value would be if there was no last one.
    #[must_use]
    pub fn value(&self, magnitude: u32) -> BigRational {
        match self.values.get(magnitude as usize) {
            Some(value) => value.clone(),
            None => self.spec.magnitude(magnitude),
        }
    }

    fn point(&self, magnitude: u32) -> Point {
        Point { value: self.value(magnitude), odd: magnitude % 2 == 1 }
    }

    /// The least magnitude whose value is not below `size`; the one after the next-to-last if all are.
    fn not_below(&self, size: &BigRational) -> u32 {
        if !self.values.is_empty() {
            // A guess, which exact comparisons set right.
            let guess = size.to_f64().unwrap_or(f64::INFINITY);
            let mut found = self.near.partition_point(|&value| value < guess);
            while found > 0 && &self.values[found - 1] >= size {
                found -= 1;
            }
            while self.values.get(found).is_some_and(|value| value < size) {
                found += 1;
            }
            return found as u32;
        }
        let (mut low, mut high) = (0, self.spec.top() + 2);
        while low < high {
            let middle = low + (high - low) / 2;
            if &self.value(middle) < size { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Where a finite value other than zero lies among the values of the format.
    #[must_use]
    pub fn place(&self, x: &BigRational) -> Place {
        let size = x.abs();
        let above = self.not_below(&size);
        let place = if above > self.spec.top() + 1 || self.value(above) == size {
            Rounding::Exact(above)
        } else {
            // Below the first value of a format without zero; its code would be the one before the first, an odd one.
            let nothing = Point { value: BigRational::zero(), odd: true };
            let low = if above == 0 { nothing } else { self.point(above - 1) };
            Rounding::Between(above, between(x, &low, &self.point(above)))
        };
        Place { negative: x.is_negative(), place, tiny: self.tiny(x) }
    }

    /// The magnitudes at which the answer of a mode may change, in ascending order: values, the points between them at
    /// which the mode chooses, and those at which it chooses what is tiny.
    #[must_use]
    pub fn cuts(&self, parts: &Parts) -> Vec<BigRational> {
        let top = self.spec.top();
        let first = (!self.spec.zero).then(|| parts.between(&BigRational::zero(), &self.value(0)));
        let steps = (0..=top).map(|m| parts.between(&self.value(m), &self.value(m + 1)));
        let (below, normal) = self.last_tiny();
        let tiny = parts.between(&below, &normal);
        let mut cuts: Vec<_> = first.into_iter().chain(steps).chain([tiny]).flatten().collect();
        cuts.push(self.value(top + 1));
        cuts.sort();
        cuts.dedup();
        cuts
    }

    fn sign_bit(&self) -> u32 {
        u32::from(self.spec.signed) << (self.spec.exponent_bits + self.spec.fraction_bits)
    }

    /// The code of a value.
    #[must_use]
    pub fn encode(&self, x: &Place, mode: Mode, overflow: Overflow, random: u32) -> Answer {
        let (negative, top) = (x.negative, self.spec.top());
        let missing_sign = negative && !self.spec.signed;
        let sign = if negative { self.sign_bit() } else { 0 };
        let (magnitude, exact) = match &x.place {
            Rounding::Exact(magnitude) => (Some(*magnitude), true),
            Rounding::Between(above, between) => {
                let away = is_away(negative, between, mode, random);
                (if away { Some(*above) } else { above.checked_sub(1) }, false)
            }
        };
        let flags = if exact { 0 } else { INEXACT | self.underflow(x, mode, random) };
        match magnitude {
            // Nothing below the smallest value of a format without zero is out of its range.
            None if !missing_sign => Answer { code: 0, flags },
            Some(0) if self.spec.zero && self.spec.nan == NanCodes::NegativeZero => {
                Answer { code: 0, flags }
            }
            Some(0) if self.spec.zero => Answer { code: sign, flags },
            Some(magnitude) if magnitude <= top && !missing_sign => {
                Answer { code: sign | magnitude, flags }
            }
            _ => {
                let code = self.beyond(negative, mode, overflow);
                Answer { code, flags: OVERFLOW | INEXACT }
            }
        }
    }

    /// UF for an inexact result: below the smallest normal value after rounding to the format's precision with an
    /// unbounded exponent.
    fn underflow(&self, x: &Place, mode: Mode, random: u32) -> u8 {
        let tiny = match &x.tiny {
            Tiny::No => false,
            Tiny::Yes => true,
            Tiny::Unless(between) => !is_away(x.negative, between, mode, random),
        };
        if tiny { UNDERFLOW } else { 0 }
    }

    /// Whether a value lies below the smallest normal one, or might be rounded to it.
    fn tiny(&self, x: &BigRational) -> Tiny {
        let (below, normal) = self.last_tiny();
        let size = x.abs();
        if size >= normal {
            return Tiny::No;
        }
        let code = u64::from(self.spec.zero) << self.spec.fraction_bits;
        let high = Point { value: normal, odd: code.is_odd() };
        let low = Point { value: below, odd: !high.odd };
        if size <= low.value { Tiny::Yes } else { Tiny::Unless(between(x, &low, &high)) }
    }

    /// The code for a value beyond the range on the side of its sign.
    fn beyond(&self, negative: bool, mode: Mode, overflow: Overflow) -> u32 {
        let spec = &self.spec;
        let missing_sign = negative && !spec.signed;
        let sign = if negative { self.sign_bit() } else { 0 };
        let largest = if missing_sign { 0 } else { sign | spec.top() };
        let infinity = (spec.infinity && !missing_sign).then(|| sign | (spec.top() + 1));
        let nan = self.nan(negative);
        let special = infinity.or(nan).unwrap_or(largest);
        let stops = !missing_sign
            && match mode {
                Mode::TowardZero => true,
                Mode::Up => negative,
                Mode::Down => !negative,
                Mode::Odd => spec.top() % 2 == 1,
                _ => false,
            };
        match overflow {
            Overflow::Saturate | Overflow::SaturateSymmetric => largest,
            Overflow::Special => special,
            Overflow::Ieee if stops => largest,
            Overflow::Ieee => special,
            Overflow::SatNone if missing_sign => nan.unwrap_or(largest),
            Overflow::SatNone if stops => largest,
            Overflow::SatNone => infinity.unwrap_or(largest),
            Overflow::Zero => 0,
            Overflow::Wrap | Overflow::WrapSignMagnitude => panic!("floats do not wrap"),
        }
    }

    /// The infinity of a sign, if there is one.
    #[must_use]
    pub fn infinity(&self, negative: bool) -> Option<u32> {
        let sign = if negative { self.sign_bit() } else { 0 };
        let has = self.spec.infinity && (self.spec.signed || !negative);
        has.then(|| sign | (self.spec.top() + 1))
    }

    /// A zero of a sign, which is positive where there is one zero; where there is none it lies out of range.
    #[must_use]
    pub fn zero(&self, negative: bool, overflow: Overflow) -> Answer {
        if !self.spec.zero {
            let code = self.beyond(true, Mode::TiesEven, overflow);
            return Answer { code, flags: OVERFLOW | INEXACT };
        }
        let keeps = negative && self.spec.nan != NanCodes::NegativeZero;
        Answer { code: if keeps { self.sign_bit() } else { 0 }, flags: 0 }
    }

    /// Every positive value at which the code or the flags of a conversion may change: the values of the format, the ties
    /// between them, and where a value below the smallest normal one is rounded up to it.
    #[must_use]
    pub fn points(&self) -> Vec<BigRational> {
        let two = BigRational::from_integer(2.into());
        let mut values: Vec<BigRational> =
            (0..=self.spec.top() + 1).map(|magnitude| self.value(magnitude)).collect();
        let (below, normal) = self.last_tiny();
        values.extend([below, normal]);
        // Below the first value of a format without zero.
        values.push(BigRational::zero());
        values.sort();
        let ties: Vec<BigRational> =
            values.windows(2).map(|pair| (&pair[0] + &pair[1]) / &two).collect();
        values.extend(ties);
        values.retain(|x| !x.is_zero());
        values
    }

    /// The last step below the smallest normal value, of the format's precision, and that value.
    fn last_tiny(&self) -> (BigRational, BigRational) {
        let normal = power_of_two(i32::from(self.spec.zero) - self.spec.bias);
        let step = &normal * power_of_two(-1 - self.spec.fraction_bits as i32);
        (&normal - step, normal)
    }

    /// The quiet NaN of a sign, canonical, if there is one.
    #[must_use]
    pub fn nan(&self, negative: bool) -> Option<u32> {
        let sign = if negative { self.sign_bit() } else { 0 };
        let all = (1u64 << (self.spec.exponent_bits + self.spec.fraction_bits)) as u32;
        match self.spec.nan {
            NanCodes::None => None,
            NanCodes::TopExponent => {
                let quiet = 1 << (self.spec.fraction_bits - 1);
                Some(sign | all.wrapping_sub(1 << self.spec.fraction_bits) | quiet)
            }
            NanCodes::TopMagnitude => Some(sign | all.wrapping_sub(1)),
            NanCodes::NegativeZero => Some(self.sign_bit()),
        }
    }

    /// The answer to NaN in a format that has one.
    #[must_use]
    pub fn encode_nan(&self, negative: bool, signaling: bool) -> Option<Answer> {
        let flags = if signaling { INVALID } else { 0 };
        self.nan(negative).map(|code| Answer { code, flags })
    }
}

/// Where a value lies among the values of a format.
#[derive(Clone, Debug)]
pub struct Place {
    negative: bool,
    place: Rounding,
    tiny: Tiny,
}

#[derive(Clone, Debug)]
enum Rounding {
    /// At this magnitude, or beyond all.
    Exact(u32),
    /// Between this magnitude and the one before it.
    Between(u32, Between),
}

#[derive(Clone, Debug)]
enum Tiny {
    No,
    Yes,
    /// Unless it is rounded away from zero here.
    Unless(Between),
}

/// `x`, whose magnitude lies strictly between two others, between these with its sign.
fn between(x: &BigRational, low: &Point, high: &Point) -> Between {
    if x.is_negative() {
        Between::new(x, &high.negated(), &low.negated())
    } else {
        Between::new(x, low, high)
    }
}

/// Whether the larger of two magnitudes is chosen.
fn is_away(negative: bool, between: &Between, mode: Mode, random: u32) -> bool {
    let away = if negative { Neighbour::Below } else { Neighbour::Above };
    between.choose(mode, random) == away
}
