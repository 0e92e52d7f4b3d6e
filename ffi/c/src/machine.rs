//! Machines: accumulators as a state that is stepped.

use fewbit::accumulate::{Register, Report};
use fewbit::formats::{Format, Overflow, Policy, Rounding, Status};
use fewbit::machine::{CodeMachine, FloatMachine, FloatStepRecord, Machine, OperandFormat, Steps};
use fewbit::reference::{Addend, Dyadic, FloatReport, IntStepRecord, RandomBits, Value};

use crate::accumulator::FewbitAccumulator;
use crate::format::{FewbitFormat, format};
use crate::handle::{self, handles};
use crate::machine_record::Recorder;
use crate::memory;
use crate::report::{self, FewbitFloatStageReport, FewbitStageReport};
use crate::status::{Failure, OrValue, Outcome, answer, done, guard};

/// An accumulator as a state. Each belongs to one thread at a time.
pub struct FewbitMachine {
    _opaque: [u8; 0],
}

/// A machine, the register that its value stands in, and its last steps where they are kept.
pub(crate) struct Stepped {
    inner: Inner,
    last: Option<Format>,
    pub(crate) recorder: Option<Recorder>,
}

enum Inner {
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

fn float_flags(steps: &[FloatStepRecord], recorder: &mut Option<Recorder>) -> Status {
    if let Some(recorder) = recorder {
        recorder.add_floats(steps);
    }
    steps.iter().fold(Status::NONE, |flags, step| flags.union(step.step.status))
}

fn flags(steps: &Steps<'_>, recorder: &mut Option<Recorder>) -> Status {
    match steps {
        Steps::Integer(steps) => integer_flags(steps, recorder),
        Steps::Float(steps) => float_flags(steps, recorder),
    }
}

impl Stepped {
    fn new(inner: Inner, last: Option<Register>) -> Self {
        Self { inner, last: last.and_then(Register::format), recorder: None }
    }

    #[inline(always)]
    fn push(&mut self, product: i64) -> Outcome<Status> {
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

    fn push_real(&mut self, a: f64, b: f64) -> Outcome<Status> {
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
    fn codes(&mut self) -> Outcome<(&mut CodeMachine, &mut Option<Recorder>)> {
        match &mut self.inner {
            Inner::Codes(machine) => Ok((machine, &mut self.recorder)),
            _ => Err(Failure::value(
                "the machine takes products: make one of codes with fewbit_machine_for",
            )),
        }
    }

    fn integer(&self) -> Option<&Machine> {
        match &self.inner {
            Inner::Integer(machine) => Some(machine),
            Inner::Float(_) => None,
            Inner::Codes(machine) => machine.as_integer(),
        }
    }

    fn float(&self) -> Option<&FloatMachine> {
        match &self.inner {
            Inner::Integer(_) => None,
            Inner::Float(machine) => Some(machine),
            Inner::Codes(machine) => machine.as_float(),
        }
    }

    fn value(&self) -> Value {
        match &self.inner {
            Inner::Integer(machine) => Value::Finite(Dyadic::new(machine.value(), 0)),
            Inner::Float(machine) => machine.value().clone(),
            Inner::Codes(machine) => machine.value(),
        }
    }

    fn drain(&mut self) -> Outcome<Status> {
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

    fn reset(&mut self, start: Value) -> Outcome<()> {
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

/// The 64 bits of an integer that has them.
fn narrow(value: i128) -> Outcome<i64> {
    value
        .try_into()
        .map_err(|_| Failure::value(format!("the register is {value}, which int64 cannot hold")))
}

/// A number of stages that there is.
fn no_stage(stage: u32) -> Failure {
    Failure::value(format!("stage {stage}: the accumulator has fewer stages (they count from 0)"))
}

/// The accumulator as a machine of products, every register at 0. Null where it goes wrong.
///
/// # Safety
/// `acc` is null or an accumulator.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_new(acc: *const FewbitAccumulator) -> *mut FewbitMachine {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        let acc = unsafe { handle::get(acc) }?;
        let inner = if acc.is_integer() {
            Inner::Integer(acc.machine().or_value()?)
        } else {
            Inner::Float(acc.float_machine(RandomBits { seed: 0, output: 0 }))
        };
        let last = acc.stages().last().map(|stage| stage.register);
        Ok(handle::make(Stepped::new(inner, last)))
    })
}

/// The accumulator as a machine whose products are codes of `a` times codes of `b`.
///
/// # Safety
/// The handles are null or of their kinds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_for(
    acc: *const FewbitAccumulator,
    a: *const FewbitFormat,
    b: *const FewbitFormat,
) -> *mut FewbitMachine {
    let none = std::ptr::null();
    // SAFETY: the caller vouches for it.
    unsafe { fewbit_machine_for_scaled(acc, a, none, b, none) }
}

/// As `fewbit_machine_for`, with elements under block scales; a scale's format may be null.
///
/// # Safety
/// The handles are null or of their kinds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_for_scaled(
    acc: *const FewbitAccumulator,
    a: *const FewbitFormat,
    scale_a: *const FewbitFormat,
    b: *const FewbitFormat,
    scale_b: *const FewbitFormat,
) -> *mut FewbitMachine {
    answer(std::ptr::null_mut(), || {
        // SAFETY: the caller vouches for it.
        unsafe {
            let acc = handle::get(acc)?;
            let operand = |element, scale| {
                let scale: *const FewbitFormat = scale;
                let scale = if scale.is_null() { None } else { Some(format(scale)?) };
                Outcome::Ok(OperandFormat { format: format(element)?, scale })
            };
            let machine = acc.machine_for(operand(a, scale_a)?, operand(b, scale_b)?).or_value()?;
            let last = acc.stages().last().map(|stage| stage.register);
            Ok(handle::make(Stepped::new(Inner::Codes(machine), last)))
        }
    })
}

/// Frees a machine; null is nothing to free.
///
/// # Safety
/// Nobody uses the handle at the same time or afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_free(machine: *mut FewbitMachine) {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::free(machine) });
}

/// Stochastic rounding takes the bits of this seed and of this output's row-major index from now on; the machine is reset.
///
/// # Safety
/// `machine` is null or a machine that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_seed(
    machine: *mut FewbitMachine,
    seed: u64,
    output: u64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get_mut(machine) }?;
        let random = RandomBits { seed, output };
        match &mut machine.inner {
            Inner::Integer(machine) => machine.reset(0i64).or_value()?,
            Inner::Float(machine) => *machine = machine.accumulator().clone().float_machine(random),
            Inner::Codes(machine) => *machine = machine.clone().with_random(random),
        }
        if let Some(recorder) = &mut machine.recorder {
            recorder.clear();
        }
        Ok(())
    })
}

/// Takes the next product. OF in the result: a step that it caused was an overflow event.
///
/// # Safety
/// `machine` is null or a machine that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_push(machine: *mut FewbitMachine, product: i64) -> u32 {
    // SAFETY: the caller vouches for it.
    guard(|| unsafe { handle::get_mut(machine) }?.push(product))
}

/// Takes the exact product of two numbers; of machines of float registers.
///
/// # Safety
/// As `fewbit_machine_push`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_push_real(
    machine: *mut FewbitMachine,
    a: f64,
    b: f64,
) -> u32 {
    // SAFETY: the caller vouches for it.
    guard(|| unsafe { handle::get_mut(machine) }?.push_real(a, b))
}

/// A code for a machine, which says itself whether its format has it.
#[inline(always)]
fn low(code: u64) -> Outcome<u32> {
    u32::try_from(code).map_err(|_| Failure::value(format!("code {code:#x} has more than 32 bits")))
}

/// Takes the product of two codes; of machines of `fewbit_machine_for`.
///
/// # Safety
/// As `fewbit_machine_push`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_push_codes(
    machine: *mut FewbitMachine,
    a: u64,
    b: u64,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        let (machine, recorder) = unsafe { handle::get_mut(machine) }?.codes()?;
        let steps = machine.push(low(a)?, low(b)?).or_value()?;
        Ok(flags(&steps, recorder))
    })
}

/// Takes the product of two codes under the codes of their scales; of machines whose elements both have scales.
///
/// # Safety
/// As `fewbit_machine_push`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_push_scaled(
    machine: *mut FewbitMachine,
    a: u64,
    scale_a: u64,
    b: u64,
    scale_b: u64,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        let (machine, recorder) = unsafe { handle::get_mut(machine) }?.codes()?;
        let scales = (Some(low(scale_a)?), Some(low(scale_b)?));
        let steps = machine.push_scaled(low(a)?, low(b)?, scales.0, scales.1).or_value()?;
        Ok(flags(&steps, recorder))
    })
}

/// Takes products in ascending k: one input of a dot unit, or as many as there are. The result has the flags of all steps.
///
/// # Safety
/// As `fewbit_machine_push`; `products` is null or has `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_push_group(
    machine: *mut FewbitMachine,
    products: *const i64,
    length: usize,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        let (machine, products) =
            unsafe { (handle::get_mut(machine)?, memory::input(products, length, "products")?) };
        let mut flags = Status::NONE;
        for &product in products {
            flags |= machine.push(product)?;
        }
        Ok(flags)
    })
}

/// Takes products of codes in ascending k.
///
/// # Safety
/// As `fewbit_machine_push`; `a` and `b` are null or have `length` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_push_code_group(
    machine: *mut FewbitMachine,
    a: *const u64,
    b: *const u64,
    length: usize,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        let ((machine, recorder), a, b) = unsafe {
            (
                handle::get_mut(machine)?.codes()?,
                memory::input(a, length, "codes of a")?,
                memory::input(b, length, "codes of b")?,
            )
        };
        let mut all = Status::NONE;
        for (&a, &b) in a.iter().zip(b) {
            let steps = machine.push(low(a)?, low(b)?).or_value()?;
            all |= flags(&steps, recorder);
        }
        Ok(all)
    })
}

/// Closes groups and tiles that are not full, as the end of a product does; `fewbit_machine_value` is then the output.
///
/// # Safety
/// As `fewbit_machine_push`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_drain(machine: *mut FewbitMachine) -> u32 {
    // SAFETY: the caller vouches for it.
    guard(|| unsafe { handle::get_mut(machine) }?.drain())
}

/// The last register after its last step, as an integer; an error where it is none.
///
/// # Safety
/// `machine` is null or a machine; `value` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_value(
    machine: *const FewbitMachine,
    value: *mut i64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get(machine) }?;
        let found = match machine.integer() {
            Some(machine) => machine.value(),
            None => {
                let value = machine.value();
                value.finite().and_then(Dyadic::to_i128).ok_or_else(|| {
                    Failure::value(format!("the register is {value}, which is no integer"))
                })?
            }
        };
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(value, narrow(found)?, "value") }
    })
}

/// The last register after its last step, as the nearest double. NX: it is not exact.
///
/// # Safety
/// As `fewbit_machine_value`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_real(
    machine: *const FewbitMachine,
    value: *mut f64,
) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        let found = unsafe { handle::get(machine) }?.value();
        let near = found.to_f64();
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(value, near, "value") }?;
        let exact = near.is_nan() || Value::from_f64(near) == found || found.is_zero();
        Ok(if exact { Status::NONE } else { Status::INEXACT })
    })
}

/// The last register after its last step, as a code of its float format.
///
/// # Safety
/// As `fewbit_machine_value`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_code(machine: *const FewbitMachine, code: *mut u64) -> u32 {
    guard(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get(machine) }?;
        let format = machine.last.ok_or_else(|| {
            Failure::value("the last register is an integer, which has no format: ask for fewbit_machine_value")
        })?;
        let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
        let encoded = format.encode_real(machine.value().to_real(), &policy, 0).or_value()?;
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(code, encoded.code.into(), "code") }?;
        Ok(encoded.status)
    })
}

/// The integer register of a stage, from 0, after its last step.
///
/// # Safety
/// As `fewbit_machine_value`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_stage(
    machine: *const FewbitMachine,
    stage: u32,
    value: *mut i64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get(machine) }?;
        let found = match (machine.integer(), machine.float()) {
            (Some(machine), _) => machine.stages().nth(stage as usize).map(|stage| stage.register),
            (None, Some(machine)) => match machine.stages().nth(stage as usize) {
                None => None,
                Some(stage) => {
                    let integer = stage.register.finite().and_then(Dyadic::to_i128);
                    Some(integer.ok_or_else(|| {
                        Failure::value(format!(
                            "the register is {}, which is no integer",
                            stage.register
                        ))
                    })?)
                }
            },
            (None, None) => None,
        };
        let found = found.ok_or_else(|| no_stage(stage))?;
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(value, narrow(found)?, "value") }
    })
}

/// The register of a stage, from 0, after its last step, as the nearest double.
///
/// # Safety
/// As `fewbit_machine_value`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_stage_real(
    machine: *const FewbitMachine,
    stage: u32,
    value: *mut f64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get(machine) }?;
        let index = stage as usize;
        let integer = machine.integer().and_then(|machine| machine.stages().nth(index));
        let float = machine.float().and_then(|machine| machine.stages().nth(index));
        let found = match (integer, float) {
            (Some(stage), _) => Dyadic::new(stage.register, 0).to_f64(),
            (None, Some(stage)) => stage.register.to_f64(),
            (None, None) => return Err(no_stage(stage)),
        };
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(value, found, "value") }
    })
}

/// The overflow events of a stage, from 0, since the last reset.
///
/// # Safety
/// `machine` is null or a machine; `events` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_events(
    machine: *const FewbitMachine,
    stage: u32,
    events: *mut u64,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get(machine) }?;
        let index = stage as usize;
        let integer = machine.integer().and_then(|m| m.traces().get(index)).map(|t| t.events);
        let float = || machine.float().and_then(|m| m.traces().get(index)).map(|t| t.events());
        let found = integer.or_else(float).ok_or_else(|| no_stage(stage))?;
        // SAFETY: the caller vouches for it.
        unsafe { memory::put(events, found, "events") }
    })
}

/// What a product of this one output would report of its integer stages: `reports` has room for one per stage, innermost first.
///
/// # Safety
/// `machine` is null or a machine; `reports` is null or has room for `stages` reports.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_report(
    machine: *const FewbitMachine,
    reports: *mut FewbitStageReport,
    stages: usize,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get(machine) }?;
        let traces = machine.integer().map(Machine::traces).ok_or_else(|| {
            Failure::value("the machine has float registers: ask for fewbit_machine_float_report")
        })?;
        same(traces.len(), stages)?;
        let mut report = Report::new(stages);
        report.add(0, 0, traces);
        // SAFETY: the caller vouches for it.
        report::write(unsafe { memory::output(reports, stages, "reports") }?, None, Some(&report));
        Ok(())
    })
}

/// As `fewbit_machine_report`, of machines of other registers.
///
/// # Safety
/// As `fewbit_machine_report`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_float_report(
    machine: *const FewbitMachine,
    reports: *mut FewbitFloatStageReport,
    stages: usize,
) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get(machine) }?;
        let traces = machine.float().map(FloatMachine::traces).ok_or_else(|| {
            Failure::value("the machine has integer registers: ask for fewbit_machine_report")
        })?;
        same(traces.len(), stages)?;
        let mut report = FloatReport::new(stages);
        report.add(0, 0, traces.to_vec());
        // SAFETY: the caller vouches for it.
        report::write_float(unsafe { memory::output(reports, stages, "reports") }?, Some(&report));
        Ok(())
    })
}

fn same(stages: usize, room: usize) -> Outcome<()> {
    if stages == room {
        return Ok(());
    }
    Err(Failure::length(format!("the machine has {stages} stages, and there is room for {room}")))
}

/// Forgets everything; the last register starts at `start`, the others at 0.
///
/// # Safety
/// As `fewbit_machine_push`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_reset(machine: *mut FewbitMachine, start: i64) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get_mut(machine) }?;
        machine.reset(Value::Finite(Dyadic::new(start.into(), 0)))
    })
}

/// As `fewbit_machine_reset`, with a number to start from.
///
/// # Safety
/// As `fewbit_machine_push`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_reset_real(machine: *mut FewbitMachine, start: f64) -> u32 {
    // SAFETY: the caller vouches for it.
    done(|| unsafe { handle::get_mut(machine) }?.reset(Value::from_f64(start)))
}
