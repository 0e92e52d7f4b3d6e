//! One step of one register.

use fewbit_formats::{Format, Policy, Rounding, Status};

use super::round::{float_policy, round};
use super::sum::ExactSum;
use super::{Addend, Step, StepError, Value, align, cdna2, cdna3, split_halves, vdpbf16ps};
use crate::accumulate::datapath::{Addends, Aligned, Unit, ZeroExponent};
use crate::accumulate::{FloatOverflow, Register, RegisterOverflow, int_range};
use crate::reference::Dyadic;

impl Register {
    /// The step of any register that holds `before` and takes `inputs`; what every run of the reference is made of.
    ///
    /// ```text
    /// int<P>      wrap or saturate(before + sum of inputs)
    /// exact       before + sum of inputs
    /// float       round(before + sum of inputs)
    /// aligned<F>  round(sum of all, each cut to a multiple of 2^(largest exponent - F))
    /// preset      see the unit's row
    /// ```
    ///
    /// `random` gives the 32 bits of a stochastic rounding: of addend `i`, counted from 1 with the register first, where
    /// addends are cut, and of the result for 0.
    ///
    /// # Errors
    /// A fraction, an infinity or NaN for an integer register; NaN for a format without; a register that no
    /// [`Accumulator`](crate::Accumulator) can have.
    ///
    /// ```
    /// use fewbit::accumulate::Register;
    /// use fewbit::reference::{Addend, Dyadic, Value};
    /// let f16: Register = "f16-rz".parse()?;
    /// let one = Value::Finite(Dyadic::new(1, 0));
    /// let tiny = Addend::new(Value::Finite(Dyadic::new(3, -12)), None);
    /// let step = f16.step_float(&one, &[tiny], &|_| 0)?;
    /// assert_eq!(step.after, one); // 1 + 3 * 2^-12 lies below 1 + 2^-10
    /// assert_eq!(step.exact.to_f64(), 1.000732421875);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn step_float(
        self,
        before: &Value,
        inputs: &[Addend],
        random: &dyn Fn(u32) -> u32,
    ) -> Result<Step, StepError> {
        self.check()?;
        step(self, before, inputs, random)
    }
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
        Register::Float { format, rounding, overflow } => {
            fused(format, float_policy(rounding, overflow), exact, random)
        }
        Register::Aligned { fraction_bits, alignment, format, rounding, overflow } => {
            let unit = Aligned {
                fraction_bits,
                alignment,
                zero: ZeroExponent::None,
                addends: Addends::Products,
                format,
                rounding,
                overflow,
            };
            align::aligned(&unit, before, inputs, exact, random)
        }
        Register::Datapath(datapath) => match datapath.unit {
            Unit::Aligned(unit) => align::aligned(&unit, before, inputs, exact, random),
            Unit::Fused { format, rounding } => {
                fused(format, float_policy(rounding, FloatOverflow::Own), exact, random)
            }
            Unit::Cdna2 => cdna2::step(before, inputs, exact),
            Unit::Vdpbf16ps => vdpbf16ps::step(before, inputs, exact),
            Unit::Cdna3(unit) => cdna3::step(&unit, before, inputs, exact),
            Unit::SplitHalves(unit) => split_halves::step(&unit, before, inputs, exact, random),
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
fn fused(format: Format, policy: Policy, exact: Value, random: &dyn Fn(u32) -> u32) -> Step {
    let (after, status) = round(&exact, format, &policy, random(0));
    Step { after, sum: exact.clone(), exact, status, alignment: None }
}
