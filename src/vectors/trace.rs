//! Products cycle by cycle: what enters, and every register after it.

use fewbit_formats::Status;

use super::field::{FieldFormat, FieldRole, VectorField};
use super::product::{OutputCodes, ProductJob, ProductShape, word};
use super::table::{VectorTable, split};
use super::{VectorClass, VectorOp};
use crate::machine::{CodeMachine, Steps};
use crate::reference::{Dyadic, RandomBits, Value};

/// Where an output stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) vector: u64,
    pub(super) row: usize,
    pub(super) col: usize,
}

/// The fields of a cycle.
///
/// `tile_first` and `tile_last` mark the cycles of a tile of the first stage, `first` and `last` those of an output. Bit s of
/// `stepped` says that stage s made a step in this cycle, bit s of `events` that one of them was an overflow. `reg<s>` is
/// the register of stage s after its last step; the steps that close an output belong to its last cycle.
pub(super) fn fields(job: &ProductJob) -> Vec<VectorField> {
    let expected =
        |name: &str, format: FieldFormat| VectorField::new(name, FieldRole::Expected, format, &[]);
    let bits =
        |extent: usize| FieldFormat::Unsigned((usize::BITS - (extent - 1).leading_zeros()).max(1));
    let ProductShape { m, k, n } = job.shape();
    let mut fields = vec![expected("vector", FieldFormat::Unsigned(32))];
    if job.op() == VectorOp::Matmul {
        fields.extend([expected("row", bits(m)), expected("col", bits(n))]);
    }
    fields.push(expected("k", bits(k)));
    for mark in ["tile_first", "tile_last", "first", "last"] {
        fields.push(expected(mark, FieldFormat::Unsigned(1)));
    }
    for (name, operand) in ["a", "b"].into_iter().zip(job.operands()) {
        let format = FieldFormat::Codes(operand.format);
        fields.push(VectorField::new(name, FieldRole::Input, format, &[]));
        if let Some((scale, _)) = operand.scale {
            let format = FieldFormat::Codes(scale);
            fields.push(VectorField::new(format!("{name}_scale"), FieldRole::Input, format, &[]));
        }
    }
    fields.push(expected("product", job.product_format()));
    let stages = FieldFormat::Unsigned(job.stages());
    fields.extend([expected("stepped", stages), expected("events", stages)]);
    for stage in 0..job.stages() as usize {
        fields.push(expected(&format!("reg{stage}"), job.register_format(stage)));
    }
    fields
}

/// Registers of all stages, and what happened in a cycle.
struct Cycle {
    registers: Vec<Value>,
    stepped: u64,
    events: u64,
}

impl Cycle {
    fn take(&mut self, steps: Steps<'_>) {
        match steps {
            Steps::Integer(steps) => {
                for step in steps {
                    self.step(step.stage, Value::Finite(Dyadic::new(step.after, 0)), step.event);
                }
            }
            Steps::Float(steps) => {
                for record in steps {
                    let event = record.step.status.contains(Status::OVERFLOW);
                    self.step(record.stage, record.step.after.clone(), event);
                }
            }
        }
    }

    fn step(&mut self, stage: usize, after: Value, event: bool) {
        let bit = 1u64 << stage.min(63);
        self.stepped |= bit;
        self.events |= if event { bit } else { 0 };
        if let Some(register) = self.registers.get_mut(stage) {
            *register = after;
        }
    }
}

/// Appends the cycles of an output.
pub(super) fn cycles(
    job: &ProductJob,
    table: &mut VectorTable,
    class: VectorClass,
    place: Place,
    codes: &OutputCodes,
    random: RandomBits,
) -> Result<(), String> {
    let mut machine = job.machine(random)?;
    let length = codes.left.len();
    let tile = job.acc().stages().first().and_then(|stage| stage.count).map(u64::from);
    let tile = tile.and_then(|tile| usize::try_from(tile).ok()).unwrap_or(usize::MAX);
    let zero = Value::ZERO;
    let mut registers = vec![zero; job.stages() as usize];
    for (k, (&left, &right)) in codes.left.iter().zip(&codes.right).enumerate() {
        let mut cycle = Cycle { registers, stepped: 0, events: 0 };
        let steps = machine.push_scaled(left.0, right.0, left.1, right.1);
        cycle.take(steps.map_err(|error| error.to_string())?);
        if k + 1 == length {
            close(&mut machine, &mut cycle)?;
        }
        let mark = |condition: bool| u64::from(condition);
        let mut row = vec![place.vector];
        if job.op() == VectorOp::Matmul {
            row.extend([place.row as u64, place.col as u64]);
        }
        let ends = k + 1 == length;
        row.extend([k as u64, mark(k % tile == 0), mark(ends || (k + 1) % tile == 0)]);
        row.extend([mark(k == 0), mark(ends)]);
        for (code, scale) in [left, right] {
            row.push(code.into());
            row.extend(scale.map(u64::from));
        }
        row.push(product(job, left, right)?);
        row.extend([cycle.stepped, cycle.events]);
        for (stage, register) in cycle.registers.iter().enumerate() {
            row.push(word(register, job.register_format(stage), "reg")?);
        }
        registers = cycle.registers;
        table.push(class, &row);
    }
    Ok(())
}

/// The steps that close an output.
fn close(machine: &mut CodeMachine, cycle: &mut Cycle) -> Result<(), String> {
    cycle.take(machine.drain_steps().map_err(|error| error.to_string())?);
    Ok(())
}

/// The exact product; of numbers that float64 does not have, the nearest that it has.
fn product(
    job: &ProductJob,
    left: (u32, Option<u32>),
    right: (u32, Option<u32>),
) -> Result<u64, String> {
    let [a, b] = job.operands();
    let value = |operand: super::ProductOperand, (code, scale): (u32, Option<u32>)| {
        let element = Value::from_f64(operand.format.decode(code));
        match (operand.scale, scale) {
            (Some((format, _)), Some(code)) => element.times(&Value::from_f64(format.decode(code))),
            _ => element,
        }
    };
    word(&value(a, left).times(&value(b, right)), job.product_format(), "product")
}

/// The codes of the cycles `first..first + length` of a trace.
pub(super) fn codes_of(table: &VectorTable, first: usize, length: usize) -> OutputCodes {
    let fields = table.fields();
    let of = |row: usize, name: &str| {
        let cell = split(fields, table.row(row)).find(|(field, _)| field.name == name);
        cell.and_then(|(_, words)| words.first()).map(|&word| word as u32)
    };
    let side = |name: &str, scale: &str| -> Vec<(u32, Option<u32>)> {
        (first..first + length).map(|row| (of(row, name).unwrap_or(0), of(row, scale))).collect()
    };
    OutputCodes { left: side("a", "a_scale"), right: side("b", "b_scale") }
}
