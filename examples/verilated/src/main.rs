//! A Verilog multiply-accumulate unit, simulated by Verilator, beside a machine of fewbit: cycle by cycle, on a million products.
//!
//!     cargo run --release
//!     MAC_PARAMETERS=-GSATURATE=0 cargo run --release -- int16-wrap
//!     MAC_PARAMETERS=-GSATURATE=0 cargo run --release                  # a fault: it wraps where it should saturate
//!
//! Exit 0: every cycle agrees. Exit 1: the first one that does not is printed with the machine's step.

use std::ffi::c_void;
use std::process::ExitCode;

use fewbit::Accumulator;
use fewbit::formats::philox;

const CYCLES: u64 = 1_000_000;
/// Products of an output.
const DEPTH: u64 = 300;

// Declared in shim.cpp.
unsafe extern "C" {
    fn mac_new() -> *mut c_void;
    fn mac_free(model: *mut c_void);
    fn mac_cycle(model: *mut c_void, clear: bool, a: i8, b: u8, sum: *mut i16, overflow: *mut bool);
}

/// The Verilog unit.
struct Unit(*mut c_void);

impl Unit {
    fn new() -> Self {
        // SAFETY: it makes an object and asks for nothing.
        Self(unsafe { mac_new() })
    }

    /// One clock cycle: the register, and whether it overflowed.
    fn cycle(&mut self, clear: bool, a: i8, b: u8) -> (i16, bool) {
        let (mut sum, mut overflow) = (0, false);
        // SAFETY: the model is alive and this is its only user; the results have room.
        unsafe { mac_cycle(self.0, clear, a, b, &raw mut sum, &raw mut overflow) };
        (sum, overflow)
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        // SAFETY: `new` made it, and nobody uses it afterwards.
        unsafe { mac_free(self.0) }
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "int16-sat".to_owned());
    let acc: Accumulator = text.parse()?;
    let mut machine = acc.machine()?;
    let mut unit = Unit::new();
    let mut events = 0u64;
    for cycle in 0..CYCLES {
        if cycle % DEPTH == 0 {
            machine.reset(0i64)?;
            unit.cycle(true, 0, 0);
        }
        let bits = philox::bits(1, cycle);
        // A third of the outputs has products of one sign and the largest magnitudes, so that the register overflows.
        let (a, b) = match cycle / DEPTH % 3 {
            0 => (i8::MIN, u8::MAX - (bits as u8 >> 4)),
            _ => (bits as i8, (bits >> 8) as u8),
        };
        let (sum, overflow) = unit.cycle(false, a, b);
        let step = machine.push_product(i64::from(a) * i64::from(b))[0];
        events += u64::from(step.event);
        if i128::from(sum) != step.after || overflow != step.event {
            println!(
                "cycle {cycle}: {a} * {b} into {}: expected {} {}",
                step.before,
                step.after,
                mark(step.event)
            );
            println!("the unit has {sum} {}; the exact sum is {}", mark(overflow), step.exact);
            return Ok(ExitCode::FAILURE);
        }
    }
    println!("{CYCLES} cycles agree with {acc}, {events} overflow events among them");
    Ok(ExitCode::SUCCESS)
}

fn mark(event: bool) -> &'static str {
    if event { "(overflow)" } else { "(no overflow)" }
}
