//! One step of one register.

use fewbit_formats::{FloatFormat, Format, Overflow, Policy, Rounding, Status, ZeroSign};

use super::sum::ExactSum;
use super::{Addend, StepError, Value, align, late, lowered, tree};
use crate::accumulate::datapath::{Addends, Aligned, Unit, ZeroExponent};
use crate::accumulate::{Register, RegisterOverflow, int_range};
use crate::reference::Dyadic;

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The register's next value.
    pub after: Value,
    /// Register and inputs summed exactly.
    pub exact: Value,
    /// What was rounded, wrapped or saturated; `exact`, unless addends were cut or rounded before.
    pub sum: Value,
    /// The flags of the step: overflow (an event), underflow, inexact (`after` is not `exact`).
    pub status: Status,
    /// How addends were aligned, where they were.
    pub alignment: Option<Alignment>,
}

/// How the addends of a step were aligned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// The largest exponent.
    pub exponent: i32,
    /// Addends were cut to multiples of 2 to this power.
    pub position: i32,
    /// The addends after the cut, the register first.
    pub addends: Vec<Dyadic>,
}

/// A step and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct StepRecord<'a> {
    /// The stage, from 0.
    pub stage: usize,
    /// The first product that entered.
    pub first_k: u64,
    /// The last product that entered.
    pub last_k: u64,
    /// The register before.
    pub before: &'a Value,
    /// What entered.
    pub inputs: &'a [Addend],
    /// What came of it.
    pub step: &'a Step,
}

/// The step of `register` from `before` with `inputs`; `random` gives the bits for addend `i` (0: the result).
pub(super) fn step(
    register: Register,
    before: &Value,
    inputs: &[Addend],
    random: &dyn Fn(u32) -> u32,
) -> Result<Step, StepError> {
    let sum = ExactSum::of([before].into_iter().chain(inputs.iter().map(|input| &input.value)));
    let exact = sum.value(rounding_of(register));
    let mut step = match register {
        Register::Int { bits, overflow } => integer(register, bits, overflow, exact.clone())?,
        Register::Exact => {
            let (after, sum) = (exact.clone(), exact.clone());
            Step { after, exact, sum, status: Status::NONE, alignment: None }
        }
        Register::Float { format, rounding } => fused(format, rounding, exact, random),
        Register::Aligned { fraction_bits, alignment, format, rounding } => {
            let unit = Aligned {
                fraction_bits,
                alignment,
                zero: ZeroExponent::None,
                addends: Addends::Products,
                format,
                rounding,
            };
            align::aligned(&unit, before, inputs, exact, random)
        }
        Register::Datapath(datapath) => match datapath.unit {
            Unit::Aligned(unit) => align::aligned(&unit, before, inputs, exact, random),
            Unit::Fused { format, rounding } => fused(format, rounding, exact, random),
            Unit::FlushedTree => tree::flushed(before, inputs, exact),
            Unit::LateRegister(unit) => late::late(&unit, before, inputs, exact),
            Unit::Lowered(unit) => lowered::lowered(&unit, before, inputs, exact, random),
        },
    };
    if step.after == Value::Nan && !register.format().is_none_or(Format::has_nan) {
        return Err(StepError::NoNan { register: register.to_string() });
    }
    // Of the whole step: what alignment cut off, rounding may have given back.
    step.status = step.status.difference(Status::INEXACT);
    if !same_number(&step.after, &step.exact) {
        step.status |= Status::INEXACT;
    }
    Ok(step)
}

fn rounding_of(register: Register) -> Rounding {
    match register {
        Register::Float { rounding, .. } => rounding,
        _ => Rounding::TiesEven,
    }
}

/// Equal, or zeros of either sign.
fn same_number(a: &Value, b: &Value) -> bool {
    a == b || a.is_zero() && b.is_zero()
}

fn integer(
    register: Register,
    bits: u32,
    overflow: RegisterOverflow,
    exact: Value,
) -> Result<Step, StepError> {
    let Some(number) = exact.finite() else {
        let (register, value) = (register.to_string(), exact.to_string());
        return Err(StepError::Special { register, value });
    };
    if !number.is_integer() {
        let (register, value) = (register.to_string(), number.to_string());
        return Err(StepError::Fraction { register, value });
    }
    let (low, high) = int_range(bits);
    let (low, high) = (Dyadic::new(low, 0), Dyadic::new(high, 0));
    let outside = *number < low || *number > high;
    let after = match overflow {
        _ if !outside => number.clone(),
        RegisterOverflow::Saturate if *number < low => low,
        RegisterOverflow::Saturate => high,
        RegisterOverflow::Wrap => {
            // The distance from the lowest value, without its whole multiples of 2^P.
            let distance = number - &low;
            let (multiples, _) = distance.cut(bits as i32, Rounding::Down, 0);
            &(&distance - &multiples) + &low
        }
    };
    let status = if outside { Status::OVERFLOW } else { Status::NONE };
    let exact = Value::Finite(number.clone());
    Ok(Step { after: Value::Finite(after), sum: exact.clone(), exact, status, alignment: None })
}

/// One rounding of the exact sum.
fn fused(format: Format, rounding: Rounding, exact: Value, random: &dyn Fn(u32) -> u32) -> Step {
    let policy = Policy::new(rounding, Overflow::Ieee);
    let (after, status) = round(&exact, format, &policy, random(0));
    Step { after, sum: exact.clone(), exact, status, alignment: None }
}

/// `value` in `format`; NaN where the format cannot hold it.
pub(super) fn round(
    value: &Value,
    format: Format,
    policy: &Policy,
    random: u32,
) -> (Value, Status) {
    match format.encode(value.to_real(), policy, random) {
        Ok(encoded) => (Value::from_f64(format.decode(encoded.code)), encoded.status),
        Err(_) => (Value::Nan, Status::INVALID),
    }
}

/// The policy of units: to infinity, whatever the rounding, and no negative zero.
pub(super) fn unit_policy(rounding: Rounding) -> Policy {
    Policy::new(rounding, Overflow::Special).with_zero_sign(ZeroSign::Positive)
}

/// The float format of a register, which always is one.
pub(super) fn min_exponent(format: Format) -> i32 {
    match format {
        Format::Float(float) => FloatFormat::min_exponent(float),
        _ => i32::MIN,
    }
}
