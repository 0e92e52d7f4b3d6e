//! What the product of a machine's one output would report.

use fewbit::accumulate::Report;
use fewbit::machine::{FloatMachine, Machine};
use fewbit::reference::FloatReport;

use super::stepped::FewbitMachine;
use crate::handle;
use crate::memory;
use crate::report::{self, FewbitFloatStageReport, FewbitStageReport};
use crate::status::{Failure, Outcome, done};

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
