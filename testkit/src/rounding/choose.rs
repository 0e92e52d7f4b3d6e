//! Between two neighbours, the one that a rounding mode's definition names.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::power_of_two;

/// A rounding mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nearest, ties to the even code.
    TiesEven,
    /// Nearest, ties to the odd code.
    TiesOdd,
    /// Nearest, ties away from zero.
    TiesAway,
    /// Nearest, ties toward zero.
    TiesZero,
    /// Nearest, ties toward positive infinity.
    TiesUp,
    /// Nearest, ties toward negative infinity.
    TiesDown,
    /// Nearest, positive ties to the even code, negative ties toward zero.
    TiesDpu,
    /// Toward zero.
    TowardZero,
    /// Toward positive infinity.
    Up,
    /// Toward negative infinity.
    Down,
    /// Away from zero.
    Away,
    /// To the odd code.
    Odd,
    /// P3109 StochasticA with this many bits.
    StochasticA(u32),
    /// P3109 StochasticB with this many bits.
    StochasticB(u32),
    /// P3109 StochasticC with this many bits.
    StochasticC(u32),
    /// StochasticC with ties to odd.
    StochasticOdd(u32),
}

impl Mode {
    /// Every mode with the name it has in fewbit; of each stochastic one, some widths.
    pub const NAMES: [(Self, &'static str); 22] = [
        (Self::TiesEven, "ties-even"),
        (Self::TiesOdd, "ties-odd"),
        (Self::TiesAway, "ties-away"),
        (Self::TiesZero, "ties-zero"),
        (Self::TiesUp, "ties-up"),
        (Self::TiesDown, "ties-down"),
        (Self::TiesDpu, "ties-dpu"),
        (Self::TowardZero, "toward-zero"),
        (Self::Up, "up"),
        (Self::Down, "down"),
        (Self::Away, "away"),
        (Self::Odd, "odd"),
        (Self::StochasticA(1), "stochastic1"),
        (Self::StochasticA(8), "stochastic8"),
        (Self::StochasticA(32), "stochastic32"),
        (Self::StochasticB(3), "stochastic-middle3"),
        (Self::StochasticB(32), "stochastic-middle32"),
        (Self::StochasticC(2), "stochastic-nearest2"),
        (Self::StochasticC(7), "stochastic-nearest7"),
        (Self::StochasticC(32), "stochastic-nearest32"),
        (Self::StochasticOdd(2), "stochastic-odd2"),
        (Self::StochasticOdd(9), "stochastic-odd9"),
    ];

    /// Whether the mode uses random bits.
    #[must_use]
    pub fn is_stochastic(self) -> bool {
        matches!(
            self,
            Self::StochasticA(_)
                | Self::StochasticB(_)
                | Self::StochasticC(_)
                | Self::StochasticOdd(_)
        )
    }
}

/// The parts of the way between two neighbours at which a mode's choice may change, in units of `2^-digits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Digits of a part.
    pub digits: u32,
    /// The parts, in ascending order, each between 0 and `2^digits`.
    pub numerators: Vec<u64>,
}

impl Parts {
    /// Where `mode` may change its mind with these random bits: the middle, or where the part cut off and the random
    /// number, or this and half of its step, come to one.
    #[must_use]
    pub fn of(mode: Mode, random: u32) -> Self {
        let bits = match mode {
            Mode::StochasticA(n)
            | Mode::StochasticB(n)
            | Mode::StochasticC(n)
            | Mode::StochasticOdd(n) => n,
            _ => return Self { digits: 1, numerators: vec![1] },
        };
        let one = 2u64 << bits;
        let whole = one - 2 * (u64::from(random) % (1 << bits));
        let numerators = [whole - 1, whole].into_iter().filter(|&part| part < one).collect();
        Self { digits: bits + 1, numerators }
    }

    /// The values at these parts of the way from `low` to `high`, `low` first.
    #[must_use]
    pub fn between(&self, low: &BigRational, high: &BigRational) -> Vec<BigRational> {
        let step = (high - low) * power_of_two(-(self.digits as i32));
        let at = |&part: &u64| low + &step * BigRational::from_integer(part.into());
        std::iter::once(low.clone()).chain(self.numerators.iter().map(at)).collect()
    }
}

/// A value of a format and the parity of its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The value.
    pub value: BigRational,
    /// Whether the code is odd.
    pub odd: bool,
}

/// Which of two neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbour {
    /// The lesser.
    Below,
    /// The greater.
    Above,
}

/// A value strictly between two neighbours.
#[derive(Clone, Debug)]
pub struct Between {
    negative: bool,
    below_is_odd: bool,
    /// How far the value is on the way from the neighbour below to the one above, between 0 and 1.
    part: BigRational,
}

impl Between {
    /// `x` between its neighbours.
    ///
    /// # Panics
    ///
    /// If `x` does not lie strictly between the two.
    #[must_use]
    pub fn new(x: &BigRational, below: &Point, above: &Point) -> Self {
        let inside = &below.value < x && x < &above.value;
        assert!(inside, "{x} is not between {below:?} and {above:?}");
        let part = (x - &below.value) / (&above.value - &below.value);
        Self { negative: x.is_negative(), below_is_odd: below.odd, part }
    }

    /// A value that is `part` of the way from the neighbour toward zero to the other one.
    #[must_use]
    pub fn from_part(negative: bool, near_is_odd: bool, part: BigRational) -> Self {
        if negative {
            // The neighbour toward zero is the one above; the codes alternate.
            Self { negative, below_is_odd: !near_is_odd, part: BigRational::one() - part }
        } else {
            Self { negative, below_is_odd: near_is_odd, part }
        }
    }

    /// The neighbour that `mode` rounds to.
    #[must_use]
    pub fn choose(&self, mode: Mode, random: u32) -> Neighbour {
        use Neighbour::{Above, Below};
        let (away, toward) = if self.negative { (Below, Above) } else { (Above, Below) };
        let (even, odd) = if self.below_is_odd { (Above, Below) } else { (Below, Above) };
        let nearest = |tie: Neighbour| match self.part.cmp(&power_of_two(-1)) {
            Ordering::Less => Below,
            Ordering::Equal => tie,
            Ordering::Greater => Above,
        };
        // The part of the way from the neighbour toward zero to the other one, in units of 2^-bits.
        let scaled = |bits: u32| {
            let part =
                if self.negative { BigRational::one() - &self.part } else { self.part.clone() };
            part * power_of_two(bits as i32)
        };
        let random = |bits: u32| BigInt::from(u64::from(random) & ((1u64 << bits) - 1));
        let carries =
            |sum: BigInt, bits: u32| if sum >= BigInt::one() << bits { away } else { toward };
        match mode {
            Mode::TiesEven => nearest(even),
            Mode::TiesOdd => nearest(odd),
            Mode::TiesAway => nearest(away),
            Mode::TiesZero => nearest(toward),
            Mode::TiesUp => nearest(Above),
            Mode::TiesDown => nearest(Below),
            Mode::TiesDpu => nearest(if self.negative { toward } else { even }),
            Mode::TowardZero => toward,
            Mode::Up => Above,
            Mode::Down => Below,
            Mode::Away => away,
            Mode::Odd => odd,
            Mode::StochasticA(n) => carries(scaled(n).floor().to_integer() + random(n), n),
            Mode::StochasticB(n) => {
                carries(scaled(n + 1).floor().to_integer() + random(n) * 2 + 1, n + 1)
            }
            Mode::StochasticC(n) | Mode::StochasticOdd(n) => {
                let scaled = scaled(n);
                let (floor, rest) = (scaled.floor().to_integer(), scaled.fract());
                let up = match rest.cmp(&power_of_two(-1)) {
                    Ordering::Less => false,
                    Ordering::Equal => floor.is_odd() == (mode == Mode::StochasticC(n)),
                    Ordering::Greater => true,
                };
                carries(floor + u8::from(up) + random(n), n)
            }
        }
    }
}

impl Point {
    /// The point of opposite sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self { value: -self.value.clone(), odd: self.odd }
    }

    /// Zero with an even code.
    #[must_use]
    pub fn zero() -> Self {
        Self { value: BigRational::zero(), odd: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(value: i32, odd: bool) -> Point {
        Point { value: BigRational::from_integer(value.into()), odd }
    }

    #[test]
    fn modes_disagree_as_their_definitions_say() {
        use Neighbour::{Above, Below};
        let half = |n: i32| BigRational::new(n.into(), 2.into());
        // 2.5 between 2 (even) and 3 (odd), and its negative.
        let positive = Between::new(&half(5), &point(2, false), &point(3, true));
        let negative = Between::new(&half(-5), &point(-3, true), &point(-2, false));
        let expected = [
            (Mode::TiesEven, Below, Above),
            (Mode::TiesOdd, Above, Below),
            (Mode::TiesAway, Above, Below),
            (Mode::TiesZero, Below, Above),
            (Mode::TiesUp, Above, Above),
            (Mode::TiesDown, Below, Below),
            (Mode::TiesDpu, Below, Above),
            (Mode::TowardZero, Below, Above),
            (Mode::Up, Above, Above),
            (Mode::Down, Below, Below),
            (Mode::Away, Above, Below),
            (Mode::Odd, Above, Below),
        ];
        for (mode, up, down) in expected {
            assert_eq!(positive.choose(mode, 0), up, "{mode:?}");
            assert_eq!(negative.choose(mode, 0), down, "{mode:?}");
        }
        // -3.5: the DPU rounds toward zero, to the odd code.
        let odd = Between::new(&half(-7), &point(-4, false), &point(-3, true));
        assert_eq!(odd.choose(Mode::TiesDpu, 0), Above);
    }

    #[test]
    fn one_random_number_in_two_carries_a_half() {
        let x = BigRational::new(1.into(), 2.into());
        let between = Between::new(&x, &point(0, false), &point(1, true));
        let above =
            |&random: &u32| between.choose(Mode::StochasticA(4), random) == Neighbour::Above;
        let ups = (0..16).filter(above).count();
        assert_eq!(ups, 8);
    }

    #[test]
    #[should_panic(expected = "is not between")]
    fn a_value_outside_is_refused() {
        let x = BigRational::from_integer(5.into());
        let _ = Between::new(&x, &point(0, false), &point(1, true));
    }
}
