//! A step-by-step product with one mistake in it, to see whether the oracle notices.

use std::collections::BTreeMap;

use fewbit_testkit::accumulate::{Case, FirstEvent, Overflow, Product, StageReport};
use num_bigint::BigInt;

/// What is done wrongly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Nothing: must agree with the oracle.
    None,
    WrapsWhereItSaturates,
    SaturatesWhereItWraps,
    SymmetricSaturation,
    ClampsProducts,
    KeepsTheRegisterAcrossTiles,
    DropsTheShortTile,
    DropsTheShortGroup,
    ChecksEveryInputOfAGroup,
    GroupsRunAcrossTiles,
    DescendingK,
    CountsEventsOncePerOutput,
    FirstByColumns,
    FirstIsTheLargest,
    KOfTheFirstProductOfTheGroup,
    MinWithoutZero,
    MaxAfterOverflow,
    RequiredBitsOfTheRealRun,
    RequiredBitsOfTheFinalValue,
    HistogramPerStep,
    TurnsGoOnAcrossTiles,
    FoldsFromTheLastRegister,
    FoldsWithoutAStep,
    DropsTheFold,
}

pub(crate) const FAULTS: [Fault; 23] = [
    Fault::WrapsWhereItSaturates,
    Fault::SaturatesWhereItWraps,
    Fault::SymmetricSaturation,
    Fault::ClampsProducts,
    Fault::KeepsTheRegisterAcrossTiles,
    Fault::DropsTheShortTile,
    Fault::DropsTheShortGroup,
    Fault::ChecksEveryInputOfAGroup,
    Fault::GroupsRunAcrossTiles,
    Fault::DescendingK,
    Fault::CountsEventsOncePerOutput,
    Fault::FirstByColumns,
    Fault::FirstIsTheLargest,
    Fault::KOfTheFirstProductOfTheGroup,
    Fault::MinWithoutZero,
    Fault::MaxAfterOverflow,
    Fault::RequiredBitsOfTheRealRun,
    Fault::RequiredBitsOfTheFinalValue,
    Fault::HistogramPerStep,
    Fault::TurnsGoOnAcrossTiles,
    Fault::FoldsFromTheLastRegister,
    Fault::FoldsWithoutAStep,
    Fault::DropsTheFold,
];

#[derive(Clone, Default)]
struct Stage {
    /// Those that were reached.
    registers: BTreeMap<usize, i128>,
    turn: usize,
    made: usize,
    pending: i128,
    waiting: usize,
    taken: usize,
    first_k: u64,
    steps: Vec<Step>,
}

#[derive(Clone)]
struct Step {
    exact: i128,
    stored: i128,
    overflow: bool,
    k: u64,
    first_k: u64,
}

struct Run<'a> {
    case: &'a Case,
    fault: Fault,
    bounded: bool,
    stages: Vec<Stage>,
}

impl Run<'_> {
    fn push(&mut self, level: usize, input: i128, k: u64) {
        let spec = self.case.spec.0[level];
        let stage = &mut self.stages[level];
        if stage.waiting == 0 {
            stage.first_k = k;
        }
        stage.pending += input;
        stage.waiting += 1;
        stage.taken += 1;
        let full = spec.count == Some(stage.taken);
        let group = stage.waiting == spec.width
            || (full && self.fault != Fault::GroupsRunAcrossTiles)
            || self.fault == Fault::ChecksEveryInputOfAGroup;
        if group {
            self.step(level, k);
        }
        if full {
            self.hand_on(level, k);
        }
    }

    fn step(&mut self, level: usize, k: u64) {
        let register = self.case.spec.0[level].register;
        let stage = &mut self.stages[level];
        let exact = stage.registers.get(&stage.turn).unwrap_or(&0) + stage.pending;
        let stored = match register {
            Some((bits, overflow)) if self.bounded => self.fault.store(exact, bits, overflow),
            _ => exact,
        };
        let overflow = self.bounded
            && register.is_some_and(|(bits, _)| {
                exact != exact.clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
            });
        stage.steps.push(Step { exact, stored, overflow, k, first_k: stage.first_k });
        stage.registers.insert(stage.turn, stored);
        (stage.pending, stage.waiting) = (0, 0);
        stage.turn = (stage.turn + 1) % self.case.spec.0[level].interleave;
        stage.made += 1;
    }

    /// All registers in the first one.
    fn fold(&mut self, level: usize, k: u64) {
        let registers = self.case.spec.0[level].interleave;
        if registers == 1 || self.stages[level].made == 0 || self.fault == Fault::DropsTheFold {
            return;
        }
        let turn = std::mem::take(&mut self.stages[level].turn);
        self.stages[level].made = 0;
        let mut order: Vec<usize> = (1..registers).collect();
        if self.fault == Fault::FoldsFromTheLastRegister {
            order.reverse();
        }
        for register in order {
            let stage = &mut self.stages[level];
            stage.pending = stage.registers.insert(register, 0).unwrap_or(0);
            if self.fault == Fault::FoldsWithoutAStep {
                *stage.registers.entry(0).or_default() += std::mem::take(&mut stage.pending);
                continue;
            }
            self.step(level, k);
            self.stages[level].turn = 0;
        }
        self.stages[level].made = 0;
        if self.fault == Fault::TurnsGoOnAcrossTiles {
            self.stages[level].turn = turn;
        }
    }

    fn hand_on(&mut self, level: usize, k: u64) {
        self.fold(level, k);
        let stage = &mut self.stages[level];
        let value = stage.registers.get(&0).copied().unwrap_or(0);
        if self.fault != Fault::KeepsTheRegisterAcrossTiles {
            stage.registers.clear();
        }
        stage.taken = 0;
        self.push(level + 1, value, k);
    }

    fn finish(&mut self, last_k: u64) {
        for level in 0..self.stages.len() {
            if self.stages[level].waiting > 0 && self.fault != Fault::DropsTheShortGroup {
                self.step(level, last_k);
            }
            let inner = level + 1 < self.stages.len();
            if !inner {
                self.fold(level, last_k);
            }
            if self.stages[level].taken > 0 && inner && self.fault != Fault::DropsTheShortTile {
                self.hand_on(level, last_k);
            }
        }
    }
}

impl Fault {
    fn store(self, exact: i128, bits: u32, overflow: Overflow) -> i128 {
        let half = 1i128 << (bits - 1);
        let wrapped = (exact + half).rem_euclid(2 * half) - half;
        let saturated = exact.clamp(-half, half - 1);
        match (self, overflow) {
            (Self::WrapsWhereItSaturates, _) => wrapped,
            (Self::SaturatesWhereItWraps, _) => saturated,
            (Self::SymmetricSaturation, Overflow::Saturate) => exact.clamp(1 - half, half - 1),
            (_, Overflow::Wrap) => wrapped,
            (_, Overflow::Saturate) => saturated,
        }
    }
}

fn run(case: &Case, fault: Fault, bounded: bool, row: usize, col: usize) -> (i128, Vec<Vec<Step>>) {
    let stages = vec![Stage::default(); case.spec.0.len()];
    let mut run = Run { case, fault, bounded, stages };
    let mut order: Vec<usize> = (0..case.a.cols).collect();
    if fault == Fault::DescendingK {
        order.reverse();
    }
    for &k in &order {
        let product = i128::from(case.a.at(row, k)) * i128::from(case.b.at(k, col));
        let product = match (fault, case.spec.0[0].register) {
            (Fault::ClampsProducts, Some((bits, overflow))) if bounded => {
                fault.store(product, bits, overflow)
            }
            _ => product,
        };
        run.push(0, product, k as u64);
    }
    run.finish(order.last().map_or(0, |&k| k as u64));
    let value = run.stages.last().map_or(0, |stage| stage.registers.get(&0).copied().unwrap_or(0));
    (value, run.stages.into_iter().map(|stage| stage.steps).collect())
}

fn bits(value: i128) -> u32 {
    129 - if value < 0 { !value } else { value }.leading_zeros()
}

/// The product of `case`, with `fault`.
pub(crate) fn matmul(case: &Case, fault: Fault) -> Product {
    let mut positions: Vec<(usize, usize)> =
        (0..case.a.rows).flat_map(|row| (0..case.b.cols).map(move |col| (row, col))).collect();
    let runs: Vec<_> = positions
        .iter()
        .map(|&(row, col)| (run(case, fault, true, row, col), run(case, fault, false, row, col).1))
        .collect();
    let values = runs.iter().map(|((value, _), _)| BigInt::from(*value)).collect();
    let at = |row: usize, col: usize| &runs[row * case.b.cols + col];
    if fault == Fault::FirstByColumns {
        positions.sort_by_key(|&(row, col)| (col, row));
    }
    let stages = (0..case.spec.0.len())
        .map(|level| {
            let mut report = StageReport {
                events: 0,
                outputs: 0,
                first: None,
                min: BigInt::ZERO,
                max: BigInt::ZERO,
                required_bits: 1,
                histogram: BTreeMap::new(),
            };
            let mut min = if fault == Fault::MinWithoutZero { i128::MAX } else { 0 };
            let mut max = 0;
            for &(row, col) in &positions {
                let ((_, real), exact) = at(row, col);
                let (real, exact) = (&real[level], &exact[level]);
                let events = real.iter().filter(|s| s.overflow).count() as u64;
                report.outputs += u64::from(events > 0);
                report.events +=
                    if fault == Fault::CountsEventsOncePerOutput { events.min(1) } else { events };
                let first = match fault {
                    Fault::FirstIsTheLargest => {
                        real.iter().filter(|s| s.overflow).max_by_key(|s| s.exact.abs())
                    }
                    _ => real.iter().find(|s| s.overflow),
                };
                if let (None, Some(step)) = (&report.first, first) {
                    let k = match fault {
                        Fault::KOfTheFirstProductOfTheGroup => step.first_k,
                        _ => step.k,
                    };
                    let (row, col) = (row as u64, col as u64);
                    report.first = Some(FirstEvent { row, col, k, value: step.exact.into() });
                }
                for step in real {
                    min = min.min(step.exact);
                    max = max.max(match fault {
                        Fault::MaxAfterOverflow => step.stored,
                        _ => step.exact,
                    });
                }
                let trajectory: Vec<i128> = match fault {
                    Fault::RequiredBitsOfTheRealRun => real.iter().map(|s| s.exact).collect(),
                    Fault::RequiredBitsOfTheFinalValue => {
                        exact.last().iter().map(|s| s.exact).collect()
                    }
                    _ => exact.iter().map(|s| s.exact).collect(),
                };
                if fault == Fault::HistogramPerStep {
                    for value in trajectory {
                        *report.histogram.entry(bits(value)).or_default() += 1;
                    }
                } else {
                    let width = trajectory.iter().map(|&v| bits(v)).max().unwrap_or(1);
                    *report.histogram.entry(width).or_default() += 1;
                }
            }
            report.required_bits = report.histogram.keys().max().copied().unwrap_or(1);
            (report.min, report.max) = (min.into(), max.into());
            report
        })
        .collect();
    Product { values, stages }
}
