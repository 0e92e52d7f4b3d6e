//! What is behind a machine's handle.

use fewbit::accumulate::Register;
use fewbit::formats::{Format, Status};
use fewbit::machine::{CodeMachine, FloatMachine, FloatStepRecord, Machine, Steps};
use fewbit::reference::{Addend, Dyadic, IntStepRecord, Value};

use super::recorder::Recorder;
use crate::handle::handles;
use crate::status::{Failure, OrValue, Outcome};

/// An accumulator as a state. Each belongs to one thread at a time.
pub struct FewbitMachine {
    _opaque: [u8; 0],
}

/// A machine, the register that its value stands in, and its last steps where they are kept.
pub(crate) struct Stepped {
    pub(super) inner: Inner,
    pub(super) last: Option<Format>,
    pub(super) recorder: Option<Recorder>,
}

pub(super) enum Inner {
    /// Integer products through integer registers.
    Integer(Machine),
    /// Products through anything else.
    Float(FloatMachine),
    /// Codes of two formats.
    Codes(CodeMachine),
}

handles! {
    FewbitMachine(Stepped) = "machine", b"fb:machn";
}

/// The flags of integer steps: OF where one was an event.
#[inline(always)]
fn integer_flags(steps: &[IntStepRecord], recorder: &mut Option<Recorder>) -> Status {
    if let Some(recorder) = recorder {
        recorder.add_integers(steps);
    }
    if steps.iter().any(|step| step.event) { Status::OVERFLOW } else { Status::NONE }
}

/// The flags of other steps, and NV where one made a NaN of other values.
fn float_flags(steps: &[FloatStepRecord], recorder: &mut Option<Recorder>) -> Status {
    if let Some(recorder) = recorder {
        recorder.add_floats(steps);
    }
    steps.iter().fold(Status::NONE, |flags, record| {
        let invalid = record.step.is_invalid(&record.before, &record.inputs);
        let own = if invalid { Status::INVALID } else { Status::NONE };
        flags | record.step.status | own
    })
}

pub(super) fn flags(steps: &Steps<'_>, recorder: &mut Option<Recorder>) -> Status {
    match steps {
        Steps::Integer(steps) => integer_flags(steps, recorder),
        Steps::Float(steps) => float_flags(steps, recorder),
    }
}

impl Stepped {
    pub(super) fn new(inner: Inner, last: Option<Register>) -> Self {
        Self { inner, last: last.and_then(Register::format), recorder: None }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, product: i64) -> Outcome<Status> {
        match &mut self.inner {
            Inner::Integer(machine) => {
                Ok(integer_flags(machine.push_product(product), &mut self.recorder))
            }
            Inner::Float(machine) => {
                let product = Addend::new(Value::Finite(Dyadic::new(product.into(), 0)), None);
                let steps = machine.push_product(product).or_value()?;
                Ok(float_flags(steps, &mut self.recorder))
            }
            Inner::Codes(_) => Err(Failure::value(
                "the machine takes codes of two formats: push them with fewbit_machine_push_codes",
            )),
        }
    }

    pub(super) fn push_real(&mut self, a: f64, b: f64) -> Outcome<Status> {
        match &mut self.inner {
            Inner::Float(machine) => {
                let steps = machine.push_f64(a, b).or_value()?;
                Ok(float_flags(steps, &mut self.recorder))
            }
            _ => Err(Failure::value(
                "the machine sums integers or codes: push them with fewbit_machine_push or fewbit_machine_push_codes",
            )),
        }
    }

    #[inline(always)]
    pub(super) fn codes(&mut self) -> Outcome<(&mut CodeMachine, &mut Option<Recorder>)> {
        match &mut self.inner {
            Inner::Codes(machine) => Ok((machine, &mut self.recorder)),
            _ => Err(Failure::value(
                "the machine takes products: make one of codes with fewbit_machine_for",
            )),
        }
    }

    pub(super) fn integer(&self) -> Option<&Machine> {
        match &self.inner {
            Inner::Integer(machine) => Some(machine),
            Inner::Float(_) => None,
            Inner::Codes(machine) => machine.as_integer(),
        }
    }

    pub(super) fn float(&self) -> Option<&FloatMachine> {
        match &self.inner {
            Inner::Integer(_) => None,
            Inner::Float(machine) => Some(machine),
            Inner::Codes(machine) => machine.as_float(),
        }
    }

    pub(super) fn value(&self) -> Value {
        match &self.inner {
            Inner::Integer(machine) => Value::Finite(Dyadic::new(machine.value(), 0)),
            Inner::Float(machine) => machine.value().clone(),
            Inner::Codes(machine) => machine.value(),
        }
    }

    pub(super) fn drain(&mut self) -> Outcome<Status> {
        match &mut self.inner {
            Inner::Integer(machine) => Ok(integer_flags(machine.drain().steps, &mut self.recorder)),
            Inner::Float(machine) => {
                let (_, steps) = machine.drain().or_value()?;
                Ok(float_flags(steps, &mut self.recorder))
            }
            Inner::Codes(machine) => {
                let steps = machine.drain_steps().or_value()?;
                Ok(flags(&steps, &mut self.recorder))
            }
        }
    }

    pub(super) fn reset(&mut self, start: Value) -> Outcome<()> {
        let integer = || start.finite().and_then(Dyadic::to_i128);
        match &mut self.inner {
            Inner::Integer(machine) => match integer() {
                Some(start) => machine.reset(start).or_value()?,
                None => return Err(Failure::value(format!("start {start}: expected an integer"))),
            },
            Inner::Float(machine) => machine.reset(start),
            Inner::Codes(machine) => machine.reset(start).or_value()?,
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.clear();
        }
        Ok(())
    }
}
