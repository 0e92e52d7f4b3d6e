//! Inputs go in.

use fewbit::formats::Status;

use super::stepped::{FewbitMachine, flags};
use crate::handle;
use crate::memory;
use crate::status::{Failure, OrValue, Outcome, guard};

/// Takes the next product. OF in the result: a step that it caused was an overflow event.
///
/// # Safety
/// `machine` is null or a machine that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fewbit_machine_push(machine: *mut FewbitMachine, product: i64) -> u32 {
    // SAFETY: the caller vouches for it.
    guard(|| unsafe { handle::get_mut(machine) }?.push(product))
}

/// Takes the exact product of two numbers; of machines of float registers. NV in the result: a step made a NaN of other values, as
/// infinity minus infinity does; a product of infinity and zero is a NaN that enters, and raises nothing.
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

/// Takes the product of two codes; of machines of `fewbit_machine_for`. Flags of float registers are those of
/// `fewbit_machine_push_real`.
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
