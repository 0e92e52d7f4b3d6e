//! Registers, events and steps are read.

use std::ffi::c_char;

use fewbit::formats::{Overflow, Policy, Rounding, Status};
use fewbit::reference::{Dyadic, Value};

use super::recorder::Recorder;
use super::stepped::FewbitMachine;
use crate::handle;
use crate::memory;
use crate::status::{Failure, OrValue, Outcome, answer, done, guard};
use crate::text;

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

/// Keeps the last so many steps since each reset for `fewbit_machine_steps`; 0, as at first, keeps none.
///
/// # Safety
/// `machine` is null or a machine that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_record(machine: *mut FewbitMachine, steps: u32) -> u32 {
    done(|| {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get_mut(machine) }?;
        machine.recorder = (steps > 0).then(|| Recorder::new(steps as usize));
        Ok(())
    })
}

/// The steps that were kept, a line each: register before, input, exact sum, register after, flags. Valid until this thread is
/// given the next text; empty where nothing is kept.
///
/// # Safety
/// `machine` is null or a machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_steps(machine: *const FewbitMachine) -> *const c_char {
    answer(c"".as_ptr(), || {
        // SAFETY: the caller vouches for it.
        let machine = unsafe { handle::get(machine) }?;
        let steps = machine.recorder.as_ref().map(Recorder::text).unwrap_or_default();
        Ok(text::give(&steps))
    })
}
