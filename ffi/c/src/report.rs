//! What a product reports, as structures in the caller's room.

use fewbit::accumulate::{FirstEvent, Report};
use fewbit::reference::FloatReport;
use fewbit::{ReportLevel, StageEvents};

use crate::memory;
use crate::status::{Failure, Outcome};

/// How much a product reports; less costs less.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FewbitReportLevel {
    /// Values alone.
    None = 0,
    /// The events of every stage, the outputs that had any, and the first.
    Events = 1,
    /// Everything.
    Full = 2,
}

/// An integer of 128 bits in two's complement.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FewbitInt128 {
    /// The low 64 bits.
    pub low: u64,
    /// The high 64 bits, with the sign.
    pub high: i64,
}

impl From<i128> for FewbitInt128 {
    fn from(x: i128) -> Self {
        Self { low: x as u64, high: (x >> 64) as i64 }
    }
}

/// What happened in one stage of integers. At the level of events only these and the first event are set, the rest is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FewbitStageReport {
    /// Steps whose exact result lay outside the register's range.
    pub events: u64,
    /// Outputs with at least one event.
    pub outputs: u64,
    /// Row of the first output, in row-major order, that had an event; the next three are of its first event.
    pub first_row: u64,
    /// Its column.
    pub first_col: u64,
    /// The last product that entered the step.
    pub first_k: u64,
    /// The exact value that the register could not hold.
    pub first_value: FewbitInt128,
    /// The least value reached before wrapping or saturating; the starting value counts.
    pub min: FewbitInt128,
    /// The greatest value reached.
    pub max: FewbitInt128,
    /// 1 where there was an event, and so a first one.
    pub has_first: u32,
    /// The two's complement width that holds the exact trajectory of every output.
    pub required_bits: u32,
    /// How many outputs need each width, from 0 to 128 bits.
    pub histogram: [u64; 129],
}

impl Default for FewbitStageReport {
    fn default() -> Self {
        Self {
            events: 0,
            outputs: 0,
            first_row: 0,
            first_col: 0,
            first_k: 0,
            first_value: FewbitInt128::default(),
            min: FewbitInt128::default(),
            max: FewbitInt128::default(),
            has_first: 0,
            required_bits: 0,
            histogram: [0; 129],
        }
    }
}

/// What happened in one stage of any numbers. Sums are the nearest doubles.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct FewbitFloatStageReport {
    /// Steps whose finite sum lay outside the register's range after rounding.
    pub events: u64,
    /// Outputs with at least one event.
    pub outputs: u64,
    /// Row of the first output that had an event; the next three are of its first event.
    pub first_row: u64,
    /// Its column.
    pub first_col: u64,
    /// The last product that entered the step.
    pub first_k: u64,
    /// The finite sum that the register could not hold.
    pub first_value: f64,
    /// The least finite sum before rounding; the starting value counts.
    pub min: f64,
    /// The greatest finite sum before rounding.
    pub max: f64,
    /// Steps.
    pub steps: u64,
    /// Steps after which the register is not the exact sum.
    pub inexact: u64,
    /// Inexact steps whose result was below the smallest normal value.
    pub underflows: u64,
    /// Steps whose inputs left the register as it was, and did not sum to zero.
    pub absorbed: u64,
    /// Steps that made a NaN of other values.
    pub invalid: u64,
    /// 1 where there was an event, and so a first one.
    pub has_first: u32,
}

pub(crate) fn level(number: u32) -> Outcome<ReportLevel> {
    match number {
        0 => Ok(ReportLevel::None),
        1 => Ok(ReportLevel::Events),
        2 => Ok(ReportLevel::Full),
        _ => Err(Failure::value(format!(
            "report level {number}: expected FEWBIT_REPORT_LEVEL_NONE (0), EVENTS (1) or FULL (2)"
        ))),
    }
}

/// The room for the reports of all stages: none at the level of values.
///
/// # Safety
/// As [`memory::output`].
pub(crate) unsafe fn room<'a, T>(
    level: ReportLevel,
    reports: *mut T,
    stages: usize,
) -> Outcome<&'a mut [T]> {
    let stages = if level == ReportLevel::None { 0 } else { stages };
    // SAFETY: the caller vouches for it.
    unsafe { memory::output(reports, stages, "reports") }
}

fn first(to: &mut FewbitStageReport, event: Option<FirstEvent>) {
    if let Some(FirstEvent { row, col, k, value }) = event {
        (to.first_row, to.first_col, to.first_k) = (row, col, k);
        (to.first_value, to.has_first) = (value.into(), 1);
    }
}

/// Writes what a product reported, as much as there is.
pub(crate) fn write(
    room: &mut [FewbitStageReport],
    events: Option<&[StageEvents]>,
    report: Option<&Report>,
) {
    room.fill(FewbitStageReport::default());
    for (to, stage) in room.iter_mut().zip(events.into_iter().flatten()) {
        (to.events, to.outputs) = (stage.events, stage.outputs);
        first(to, stage.first);
    }
    let stages = report.into_iter().flat_map(|report| &report.stages);
    for (to, stage) in room.iter_mut().zip(stages) {
        (to.events, to.outputs, to.required_bits) =
            (stage.events, stage.outputs, stage.required_bits);
        (to.min, to.max) = (stage.min.into(), stage.max.into());
        first(to, stage.first);
        for (&bits, &outputs) in &stage.histogram {
            if let Some(count) = to.histogram.get_mut(bits as usize) {
                *count = outputs;
            }
        }
    }
}

/// Writes what a product of any numbers reported.
pub(crate) fn write_float(room: &mut [FewbitFloatStageReport], report: Option<&FloatReport>) {
    room.fill(FewbitFloatStageReport::default());
    let stages = report.into_iter().flat_map(|report| &report.stages);
    for (to, stage) in room.iter_mut().zip(stages) {
        *to = FewbitFloatStageReport {
            events: stage.events,
            outputs: stage.outputs,
            min: stage.min.to_f64(),
            max: stage.max.to_f64(),
            steps: stage.steps,
            inexact: stage.inexact,
            underflows: stage.underflows,
            absorbed: stage.absorbed,
            invalid: stage.invalid,
            ..FewbitFloatStageReport::default()
        };
        if let Some(event) = &stage.first {
            (to.first_row, to.first_col, to.first_k) = (event.row, event.col, event.k);
            (to.first_value, to.has_first) = (event.value.to_f64(), 1);
        }
    }
}
