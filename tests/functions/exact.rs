//! Real functions in fixed point of big integers, 2^-400 each: what entries are judged by.

use std::sync::LazyLock;

use fewbit::functions::table::Function;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Fraction bits.
const BITS: usize = 400;

/// A number in units of 2^-BITS, right to some hundred of these.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) struct Big(BigInt);

impl Big {
    pub(crate) fn of(x: &BigRational) -> Self {
        Self((x * BigRational::from(BigInt::one() << BITS)).floor().to_integer())
    }

    fn int(n: i64) -> Self {
        Self(BigInt::from(n) << BITS)
    }

    pub(crate) fn to_rational(&self) -> BigRational {
        BigRational::new(self.0.clone(), BigInt::one() << BITS)
    }

    fn times(&self, other: &Self) -> Self {
        Self((&self.0 * &other.0) >> BITS)
    }

    fn over(&self, other: &Self) -> Self {
        Self((&self.0 << BITS) / &other.0)
    }

    fn by(&self, n: i64) -> Self {
        Self(&self.0 / n)
    }

    fn plus(&self, other: &Self) -> Self {
        Self(&self.0 + &other.0)
    }

    fn minus(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    fn negated(&self) -> Self {
        Self(-&self.0)
    }

    fn root(&self) -> Self {
        Self((&self.0 << BITS).sqrt())
    }

    /// A sum of terms, until they vanish.
    fn series(first: Self, mut next: impl FnMut(&Self, i64) -> Self) -> Self {
        let (mut sum, mut term) = (first.clone(), first);
        for n in 1.. {
            term = next(&term, n);
            if term.0.is_zero() || term.0 == -BigInt::one() {
                break;
            }
            sum = sum.plus(&term);
        }
        sum
    }

    /// exp of x / 2^20 by its series, squared.
    pub(crate) fn exp(&self) -> Self {
        if self.0.is_negative() {
            return Self::int(1).over(&self.negated().exp());
        }
        let small = Self(&self.0 >> 20);
        let mut result = Self::series(Self::int(1), |term, n| term.times(&small).by(n));
        for _ in 0..20 {
            result = result.times(&result);
        }
        result
    }

    /// ln of x > 0: Newton on exp, from the nearest f64.
    fn ln(&self) -> Self {
        let start = self.to_rational().to_f64().unwrap().ln();
        let mut y = Self::of(&BigRational::from_float(start).unwrap());
        for _ in 0..4 {
            // y + 2 (x - e) / (x + e)
            let e = y.exp();
            let step = self.minus(&e).over(&self.plus(&e));
            y = y.plus(&step).plus(&step);
        }
        y
    }

    /// 2 / sqrt pi times the sum of (-1)^n x^(2n+1) / n! / (2n+1).
    fn erf(&self) -> Self {
        let square = self.times(self);
        let mut factor = self.clone();
        let mut sum = self.clone();
        for n in 1..4000 {
            factor = factor.times(&square).by(-n);
            let term = factor.by(2 * n + 1);
            if term.0.bits() < 2 {
                break;
            }
            sum = sum.plus(&term);
        }
        sum.plus(&sum).over(&PI.root())
    }
}

/// Machin's formula.
static PI: LazyLock<Big> = LazyLock::new(|| {
    let arctan = |n: i64| {
        let mut power = Big::int(1).by(n);
        let mut sum = power.clone();
        for k in 1..2000 {
            power = power.by(-n * n);
            sum = sum.plus(&power.by(2 * k + 1));
        }
        sum
    };
    let four = |x: Big| Big(x.0 * 4);
    four(four(arctan(5)).minus(&arctan(239)))
});

/// The function at a rational, by its definition.
pub(crate) fn value(function: Function, x: &BigRational) -> Option<BigRational> {
    let one = Big::int(1);
    let at = Big::of(x);
    let tanh = |x: &Big| {
        let e = x.plus(x).exp();
        e.minus(&one).over(&e.plus(&one))
    };
    let found = match function {
        Function::Sigmoid => one.over(&one.plus(&at.negated().exp())),
        Function::Tanh => tanh(&at),
        Function::Exp => at.exp(),
        Function::ExpNegated => at.negated().exp(),
        Function::Gelu => {
            let erf = at.over(&Big::int(2).root()).erf();
            at.times(&one.plus(&erf)).by(2)
        }
        Function::GeluTanh => {
            let cube = at.times(&at).times(&at);
            let inner = at.plus(&Big(cube.0 * 44715 / 1_000_000));
            at.times(&one.plus(&tanh(&Big::int(2).over(&PI).root().times(&inner)))).by(2)
        }
        Function::Silu => at.over(&one.plus(&at.negated().exp())),
        Function::Softplus => one.plus(&at.exp()).ln(),
        Function::Softsign => at.over(&one.plus(&Big(at.0.abs()))),
        Function::Elu if x.is_negative() => at.exp().minus(&one),
        Function::Elu | Function::Identity => return Some(x.clone()),
        Function::Erf => at.erf(),
        Function::Sqrt if !x.is_negative() => at.root(),
        Function::Rsqrt if x.is_positive() => one.over(&at.root()),
        Function::Reciprocal if !x.is_zero() => return Some(x.recip()),
        Function::ReciprocalOfNext if *x != -BigRational::one() => {
            return Some((x + BigRational::one()).recip());
        }
        Function::Log if x.is_positive() => at.ln(),
        _ => return None,
    };
    Some(found.to_rational())
}

#[test]
fn the_oracle_knows_known_numbers() {
    let half = BigRational::new(1.into(), 2.into());
    for (function, x, expected) in [
        (Function::Exp, 1.0, std::f64::consts::E),
        (Function::Log, 2.0, std::f64::consts::LN_2),
        (Function::Erf, 0.5, 0.5204998778130465),
        (Function::Erf, -3.0, -0.9999779095030014),
        (Function::Gelu, 1.0, 0.8413447460685429),
        (Function::Softplus, 0.0, std::f64::consts::LN_2),
        (Function::Rsqrt, 2.0, std::f64::consts::FRAC_1_SQRT_2),
    ] {
        let x = BigRational::from_float(x).unwrap();
        let found = value(function, &x).unwrap().to_f64().unwrap();
        assert!((found - expected).abs() < 4e-16, "{function}: {found}");
    }
    assert_eq!(PI.to_rational().to_f64(), Some(std::f64::consts::PI));
    assert_eq!(value(Function::Sigmoid, &BigRational::zero()).unwrap(), half);
}
