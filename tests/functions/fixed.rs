//! Fixed point of gemmlowp as rationals: a value and its number of integer bits, each operation rounding the exact result.
//! From the comments and templates of `fixedpoint/fixedpoint.h`; the code under test works on raw integers instead.

use std::sync::LazyLock;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// `2^e`.
pub(crate) fn power_of_two(e: i32) -> BigRational {
    let magnitude = BigRational::from(BigInt::one() << e.unsigned_abs());
    if e < 0 { magnitude.recip() } else { magnitude }
}

pub(crate) fn ratio(a: i64, b: i64) -> BigRational {
    BigRational::new(a.into(), b.into())
}

/// A number with `bits` integer bits, a multiple of 2^(bits - 31) in [-2^bits, 2^bits).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) value: BigRational,
    bits: i32,
}

enum Tie {
    Up,
    Away,
}

/// The nearest integer.
fn nearest(x: &BigRational, tie: Tie) -> BigInt {
    let half = ratio(1, 2);
    match tie {
        Tie::Up => (x + half).floor().to_integer(),
        Tie::Away if x.is_negative() => (x - half).ceil().to_integer(),
        Tie::Away => (x + half).floor().to_integer(),
    }
}

impl Fixed {
    pub(crate) fn raw(raw: i32, bits: i32) -> Self {
        Self { value: BigRational::from(BigInt::from(raw)) * power_of_two(bits - 31), bits }
    }

    /// A real constant, rounded.
    fn constant(x: &BigRational, bits: i32) -> Self {
        Self::rounded(x, bits, Tie::Away)
    }

    fn rounded(x: &BigRational, bits: i32, tie: Tie) -> Self {
        let unit = power_of_two(bits - 31);
        let limit: BigInt = BigInt::one() << 31;
        let units = nearest(&(x / &unit), tie).clamp(-limit.clone(), limit - 1);
        Self { value: BigRational::from(units) * unit, bits }
    }

    pub(crate) fn to_raw(&self) -> i32 {
        (&self.value / power_of_two(self.bits - 31)).to_integer().to_i32().expect("32 bits")
    }

    fn times(&self, other: &Self) -> Self {
        Self::rounded(&(&self.value * &other.value), self.bits + other.bits, Tie::Up)
    }

    fn plus(&self, other: &Self) -> Self {
        assert_eq!(self.bits, other.bits);
        Self { value: &self.value + &other.value, bits: self.bits }
    }

    /// `Rescale`: exact where bits are won, rounded where they are lost, saturated where the range is left.
    pub(crate) fn rescaled(&self, bits: i32) -> Self {
        Self::rounded(&self.value, bits, Tie::Away)
    }

    /// A division by 2^n that keeps the number of integer bits.
    fn over(&self, n: i32) -> Self {
        Self::rounded(&(&self.value * power_of_two(-n)), self.bits, Tie::Away)
    }
}

/// The greatest number below 1, which stands for it.
fn one() -> Fixed {
    Fixed::raw(i32::MAX, 0)
}

/// `exp(-2^e)` as a rational, to 2^-100: the series of exp(-2^e / 256), squared eight times.
pub(crate) fn exp_minus(e: i32) -> BigRational {
    let x = -power_of_two(e - 8);
    let (mut sum, mut term) = (BigRational::one(), BigRational::one());
    for n in 1..40 {
        term = term * &x / BigRational::from(BigInt::from(n));
        sum += &term;
    }
    for _ in 0..8 {
        sum = &sum * &sum;
        // Enough digits, and not ever more.
        sum = (sum * power_of_two(160)).round() * power_of_two(-160);
    }
    sum
}

/// `exp(-2^e)` from e = -3 on, which take long to compute.
static EXPONENTIALS: LazyLock<Vec<Fixed>> =
    LazyLock::new(|| (-3..5).map(|e| Fixed::constant(&exp_minus(e), 0)).collect());

/// `exp_on_negative_values`.
pub(crate) fn exp(a: &Fixed) -> Fixed {
    if a.value.is_zero() {
        return one();
    }
    if a.bits > 5 && a.value < ratio(-32, 1) {
        return Fixed::raw(0, 0);
    }
    let quarter = ratio(1, 4);
    let quarters = (&a.value / &quarter).floor();
    let part = &a.value - quarters * &quarter - &quarter;
    let rest = (&part - &a.value) / &quarter;
    let mut result = near_minus_eighth(&Fixed { value: part, bits: a.bits }.rescaled(0));
    let rest = rest.to_integer();
    for place in 0..7 {
        if rest.bit(place) && (place as i32 - 2) < a.bits {
            result = result.times(&EXPONENTIALS[place as usize + 1]);
        }
    }
    result
}

fn near_minus_eighth(a: &Fixed) -> Fixed {
    let top = EXPONENTIALS[0].clone();
    let x = a.plus(&Fixed { value: ratio(1, 8), bits: 0 });
    let square = x.times(&x);
    let cube = square.times(&x);
    let fourth = square.times(&square);
    let third = Fixed::constant(&ratio(1, 3), 0);
    let beyond = fourth.over(2).plus(&cube).times(&third).plus(&square).over(1);
    top.plus(&top.times(&x.plus(&beyond)))
}

/// Newton's division: 2 / (1 + a).
fn division(a: &Fixed) -> Fixed {
    let half = Fixed::rounded(&((&a.value + &one().value) / ratio(2, 1)), 0, Tie::Away);
    let mut x =
        Fixed::constant(&ratio(48, 17), 2).plus(&half.times(&Fixed::constant(&ratio(-32, 17), 2)));
    for _ in 0..3 {
        let product = half.times(&x);
        let rest = Fixed { value: BigRational::one() - product.value, bits: 2 };
        x = x.plus(&x.times(&rest).rescaled(2));
    }
    x
}

/// `one_over_one_plus_x_for_x_in_0_1`.
pub(crate) fn reciprocal(a: &Fixed) -> Fixed {
    let x = division(a);
    Fixed { value: x.value / ratio(2, 1), bits: 1 }.rescaled(0)
}

/// `tanh`.
pub(crate) fn tanh(a: &Fixed) -> Fixed {
    let twice = Fixed { value: -a.value.abs() * ratio(2, 1), bits: a.bits + 1 };
    let x = division(&exp(&twice));
    let tanh = Fixed { value: x.value - BigRational::one(), bits: 2 }.rescaled(0);
    let sign = a.value.signum();
    Fixed { value: tanh.value * sign, bits: 0 }
}

/// `logistic`.
pub(crate) fn logistic(a: &Fixed) -> Fixed {
    if a.value.is_zero() {
        return Fixed { value: ratio(1, 2), bits: 0 };
    }
    let positive = reciprocal(&exp(&Fixed { value: -a.value.abs(), bits: a.bits }));
    if a.value.is_positive() {
        return positive;
    }
    Fixed { value: one().value - positive.value, bits: 0 }
}
