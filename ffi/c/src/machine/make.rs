//! Machines are made, reset and freed.

use fewbit::machine::OperandFormat;
use fewbit::reference::{Dyadic, RandomBits, Value};

use super::stepped::{FewbitMachine, Inner, Stepped};
use crate::accumulator::FewbitAccumulator;
use crate::format::{FewbitFormat, format};
use crate::handle;
use crate::status::{OrValue, Outcome, answer, done};

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
