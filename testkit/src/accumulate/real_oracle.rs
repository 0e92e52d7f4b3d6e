//! The matrix product through real stages in rational arithmetic, whole lists at a time.
//!
//! As the oracle of integers: a stage maps a list of inputs to the list of what it hands on, tile by tile, group by
//! group, and the report is read off the steps afterwards. Rounding is done on rational numbers by comparing with the
//! two neighbours; exponents come from the fields of codes, or from comparing with powers of two.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::Overflow;
use super::real::{
    Elements, Mode, RealFormat, RealMatrix, RealRegister, RealSpec, RealStage, power,
};

/// A number or what is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Real {
    /// Finite; zeros have no sign here.
    Finite(BigRational),
    /// Infinite, `true` for negative.
    Infinite(bool),
    /// Not a number.
    Nan,
}

/// What one stage did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the report under test")]
pub struct RealStageReport {
    pub events: u64,
    pub outputs: u64,
    /// Row, column, k, value.
    pub first: Option<(u64, u64, u64, BigRational)>,
    pub min: BigRational,
    pub max: BigRational,
    pub steps: u64,
    pub inexact: u64,
    pub underflows: u64,
    pub absorbed: u64,
    pub invalid: u64,
}

/// A product and its report; `None` where an integer register was given what it cannot hold.
pub type RealProduct = Option<(Vec<Real>, Vec<RealStageReport>)>;

#[derive(Clone)]
struct Input {
    value: Real,
    exponent: Option<i64>,
    k: u64,
}

struct Step {
    exact: Real,
    /// What was rounded.
    sum: Real,
    after: Real,
    overflow: bool,
    underflow: bool,
    absorbed: bool,
    invalid: bool,
    k: u64,
}

/// `A B` through `spec`, the last register starting at `init` (`[M * N]`) or at zero.
pub fn real_matmul(
    a: &RealMatrix,
    b: &RealMatrix,
    spec: &RealSpec,
    init: Option<&[BigRational]>,
) -> RealProduct {
    assert_eq!(a.cols, b.rows, "inner dimensions");
    let mut values = Vec::new();
    let mut outputs = Vec::new();
    for row in 0..a.rows {
        for col in 0..b.cols {
            let products: Vec<Input> = (0..a.cols)
                .map(|k| {
                    let (x, ex) = element(a, row, k);
                    let (y, ey) = element(b, k, col);
                    let exponent = ex.zip(ey).map(|(ex, ey)| ex + ey);
                    Input { value: Real::Finite(x * y), exponent, k: k as u64 }
                })
                .collect();
            let start = init.map_or(BigRational::zero(), |init| init[values.len()].clone());
            let (value, steps) = evaluate(&products, &spec.0, &start)?;
            values.push(value);
            outputs.push((row as u64, col as u64, start, steps));
        }
    }
    let last = spec.0.len() - 1;
    let reports = (0..spec.0.len())
        .map(|stage| {
            let zero = BigRational::zero();
            let outputs = outputs.iter().map(|(row, col, start, steps)| {
                (*row, *col, if stage == last { start } else { &zero }, &steps[stage])
            });
            report(&outputs.collect::<Vec<_>>())
        })
        .collect();
    Some((values, reports))
}

fn element(matrix: &RealMatrix, row: usize, col: usize) -> (BigRational, Option<i64>) {
    let code = matrix.codes[row * matrix.cols + col];
    match matrix.elements {
        Elements::Float(format) => format.decode(code),
        Elements::Int(bits) => {
            let half = BigInt::one() << (bits - 1);
            let code = BigInt::from(code);
            let value = if code < half { code } else { code - half * 2 };
            let value = BigRational::from(value);
            let exponent = (!value.is_zero()).then(|| floor_log2(&value));
            (value, exponent)
        }
    }
}

fn evaluate(
    products: &[Input],
    stages: &[RealStage],
    start: &BigRational,
) -> Option<(Real, Vec<Vec<Step>>)> {
    let mut inputs = products.to_vec();
    let mut steps = Vec::new();
    let zero = BigRational::zero();
    for (index, stage) in stages.iter().enumerate() {
        let start = if index + 1 == stages.len() { start } else { &zero };
        let mut done = Vec::new();
        let tile = stage.count.unwrap_or(inputs.len()).max(1);
        let tiles: Option<Vec<Input>> =
            inputs.chunks(tile).map(|tile| sum_tile(tile, stage, start, &mut done)).collect();
        inputs = tiles?;
        steps.push(done);
    }
    let value = inputs.pop().map_or_else(|| Real::Finite(start.clone()), |last| last.value);
    Some((value, steps))
}

fn sum_tile(
    tile: &[Input],
    stage: &RealStage,
    start: &BigRational,
    steps: &mut Vec<Step>,
) -> Option<Input> {
    let format = match stage.register {
        RealRegister::Float(format, _) | RealRegister::Aligned { format, .. } => Some(format),
        _ => None,
    };
    let with_exponent = |value: Real, k| {
        let exponent = match &value {
            Real::Finite(x) if !x.is_zero() => {
                let least = format.map_or(i64::MIN, RealFormat::min_exponent);
                Some(floor_log2(x).max(least))
            }
            _ => None,
        };
        Input { value, exponent, k }
    };
    let groups: Vec<&[Input]> = tile.chunks(stage.width).collect();
    let mut sums = Vec::new();
    let mut made = Vec::new();
    for register in 0..stage.interleave {
        let start = if register == 0 { start.clone() } else { BigRational::zero() };
        let mut sum = with_exponent(Real::Finite(start), 0);
        let mut own = Vec::new();
        for group in groups.iter().skip(register).step_by(stage.interleave) {
            let k = group.last().map_or(0, |input| input.k);
            let step = one_step(stage.register, &sum, group, k)?;
            sum = with_exponent(step.after.clone(), k);
            own.push(step);
        }
        sums.push(sum);
        made.push(own.into_iter());
    }
    // In the order in which they were made: a round of all registers at a time.
    for index in 0..groups.len() {
        steps.extend(made[index % stage.interleave].next());
    }
    let k = tile.last().map_or(0, |last| last.k);
    let (mut total, others) = (sums[0].clone(), &sums[1..]);
    for other in others {
        let step = one_step(stage.register, &total, std::slice::from_ref(other), k)?;
        total = with_exponent(step.after.clone(), k);
        steps.push(step);
    }
    Some(Input { k, ..total })
}

fn one_step(register: RealRegister, before: &Input, group: &[Input], k: u64) -> Option<Step> {
    let addends: Vec<&Input> = [before].into_iter().chain(group).collect();
    let exact = sum(addends.iter().map(|a| a.value.clone()));
    let nan_before = addends.iter().any(|a| a.value == Real::Nan);
    let (sum, rounded) = match register {
        RealRegister::Exact => (exact.clone(), Rounded::exactly(exact.clone())),
        RealRegister::Int(bits, overflow) => (exact.clone(), in_integer(&exact, bits, overflow)?),
        RealRegister::Float(format, mode) => {
            (exact.clone(), round(&exact, format, mode, Beyond::Ieee))
        }
        RealRegister::Aligned { fraction_bits, alignment, format, rounding } => {
            let sum = aligned_sum(&addends, fraction_bits, alignment).unwrap_or(exact.clone());
            let rounded = round(&sum, format, rounding, Beyond::Infinity);
            (sum, rounded)
        }
    };
    let finite = [&before.value, &rounded.value, &exact];
    let absorbed = finite.iter().all(|v| matches!(v, Real::Finite(_)))
        && rounded.value == before.value
        && exact != before.value;
    Some(Step {
        invalid: rounded.value == Real::Nan && !nan_before,
        absorbed,
        exact,
        sum,
        after: rounded.value,
        overflow: rounded.overflow,
        underflow: rounded.underflow,
        k,
    })
}

fn sum(values: impl Iterator<Item = Real>) -> Real {
    values.fold(Real::Finite(BigRational::zero()), |sum, value| match (sum, value) {
        (Real::Finite(a), Real::Finite(b)) => Real::Finite(a + b),
        (Real::Nan, _) | (_, Real::Nan) => Real::Nan,
        (Real::Infinite(a), Real::Infinite(b)) if a != b => Real::Nan,
        (Real::Infinite(a), _) | (_, Real::Infinite(a)) => Real::Infinite(a),
    })
}

/// `None` if an addend is not finite.
fn aligned_sum(addends: &[&Input], fraction_bits: u32, mode: Mode) -> Option<Real> {
    let Some(largest) = addends.iter().filter_map(|a| a.exponent).max() else {
        return addends
            .iter()
            .all(|a| matches!(a.value, Real::Finite(_)))
            .then(|| Real::Finite(BigRational::zero()));
    };
    let unit = power(largest - i64::from(fraction_bits));
    let mut total = BigRational::zero();
    for addend in addends {
        let Real::Finite(x) = &addend.value else {
            return None;
        };
        total += BigRational::from(whole(&(x / &unit), mode)) * &unit;
    }
    Some(Real::Finite(total))
}

struct Rounded {
    value: Real,
    overflow: bool,
    underflow: bool,
}

impl Rounded {
    fn exactly(value: Real) -> Self {
        Self { value, overflow: false, underflow: false }
    }
}

fn in_integer(value: &Real, bits: u32, overflow: Overflow) -> Option<Rounded> {
    let Real::Finite(x) = value else {
        return None;
    };
    if !x.is_integer() {
        return None;
    }
    let x = x.to_integer();
    let half = BigInt::one() << (bits - 1);
    let stored = match overflow {
        Overflow::Saturate => x.clone().min(&half - 1).max(-&half),
        Overflow::Wrap => {
            let modulus = &half * 2;
            let residue = ((&x % &modulus) + &modulus) % &modulus;
            if residue < half { residue } else { residue - modulus }
        }
    };
    let overflow = stored != x;
    Some(Rounded { value: Real::Finite(stored.into()), overflow, underflow: false })
}

/// What lies beyond the largest value.
#[derive(Clone, Copy, PartialEq)]
enum Beyond {
    /// IEEE 754, 7.4.
    Ieee,
    /// Infinity under every rounding.
    Infinity,
}

fn round(value: &Real, format: RealFormat, mode: Mode, beyond: Beyond) -> Rounded {
    let Real::Finite(x) = value else {
        return Rounded::exactly(value.clone());
    };
    if x.is_zero() {
        return Rounded::exactly(value.clone());
    }
    let fraction_bits = i64::from(format.fraction_bits);
    let exponent = floor_log2(x);
    let to_unit = |exponent: i64| {
        let unit = power(exponent - fraction_bits);
        BigRational::from(whole(&(x / &unit), mode)) * unit
    };
    let rounded = to_unit(exponent.max(format.min_exponent()));
    // Tiny: below the smallest normal value after rounding with an unbounded exponent.
    let tiny = to_unit(exponent).abs() < power(format.min_exponent());
    let underflow = tiny && rounded != *x;
    let negative = x.is_negative();
    let largest = format.largest();
    if rounded.abs() <= largest {
        return Rounded { value: Real::Finite(rounded), overflow: false, underflow };
    }
    let toward_zero = match mode {
        Mode::TowardZero | Mode::Odd => true,
        Mode::Up => negative,
        Mode::Down => !negative,
        _ => false,
    };
    let value = if toward_zero && beyond == Beyond::Ieee {
        Real::Finite(if negative { -largest } else { largest })
    } else {
        Real::Infinite(negative)
    };
    Rounded { value, overflow: true, underflow: false }
}

/// The whole number that `x` becomes.
fn whole(x: &BigRational, mode: Mode) -> BigInt {
    let below = x.floor().to_integer();
    let above = x.ceil().to_integer();
    if below == above {
        return below;
    }
    let half = BigRational::new(1.into(), 2.into());
    let (near_zero, far) = if x.is_negative() {
        (above.clone(), below.clone())
    } else {
        (below.clone(), above.clone())
    };
    let distance = x - BigRational::from(below.clone());
    let even = |n: &BigInt| (n % 2u8).is_zero();
    let tie = |choice: BigInt| match distance.cmp(&half) {
        std::cmp::Ordering::Less => below.clone(),
        std::cmp::Ordering::Greater => above.clone(),
        std::cmp::Ordering::Equal => choice,
    };
    match mode {
        Mode::TiesEven => tie(if even(&below) { below.clone() } else { above.clone() }),
        Mode::TiesAway => tie(far),
        Mode::TiesZero => tie(near_zero),
        Mode::TowardZero => near_zero,
        Mode::Up => above,
        Mode::Down => below,
        Mode::Away => far,
        Mode::Odd => {
            if even(&below) {
                above
            } else {
                below
            }
        }
    }
}

/// The `e` with `2^e <= |x| < 2^(e+1)`, from an estimate and comparisons.
fn floor_log2(x: &BigRational) -> i64 {
    let x = x.abs();
    let mut exponent = x.numer().bits() as i64 - x.denom().bits() as i64;
    while power(exponent) > x {
        exponent -= 1;
    }
    while power(exponent + 1) <= x {
        exponent += 1;
    }
    exponent
}

fn report(outputs: &[(u64, u64, &BigRational, &Vec<Step>)]) -> RealStageReport {
    let steps = || outputs.iter().flat_map(|(_, _, _, steps)| steps.iter());
    let count = |test: &dyn Fn(&Step) -> bool| steps().filter(|s| test(s)).count() as u64;
    let reached = |best: &dyn Fn(BigRational, BigRational) -> BigRational| {
        let sums = steps().filter_map(|s| match &s.sum {
            Real::Finite(x) => Some(x.clone()),
            _ => None,
        });
        let starts = outputs.iter().map(|(_, _, start, _)| (*start).clone());
        sums.chain(starts).fold(BigRational::zero(), best)
    };
    RealStageReport {
        events: count(&|s| s.overflow),
        outputs: outputs.iter().filter(|o| o.3.iter().any(|s| s.overflow)).count() as u64,
        first: outputs.iter().find_map(|(row, col, _, steps)| {
            let step = steps.iter().find(|s| s.overflow)?;
            let Real::Finite(value) = &step.sum else {
                return None;
            };
            Some((*row, *col, step.k, value.clone()))
        }),
        min: reached(&|a, b| a.min(b)),
        max: reached(&|a, b| a.max(b)),
        steps: steps().count() as u64,
        inexact: count(&|s| s.after != s.exact),
        underflows: count(&|s| s.underflow),
        absorbed: count(&|s| s.absorbed),
        invalid: count(&|s| s.invalid),
    }
}
