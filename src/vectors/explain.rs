//! How an expected result comes about, for who found another one.

use fewbit_formats::{Class, Format, Real, Rounding, Status, philox};
use ndarray::{Array2, ArrayView2};

use super::codes::NEAREST;
use super::field::FieldFormat;
use super::plan::{VectorJob, VectorPlan};
use super::product::{Lengths, OutputCodes, ProductJob};
use super::scalar::{OPERANDS, ScalarJob};
use super::{VectorContent, VectorSource, VectorStyle, VectorTable, trace};
use crate::reference::{FloatMatmul, FloatOperand, Scales};
use crate::trace::{Trace, decimal};

/// Steps that are shown.
const SHOWN: u64 = 100;

impl VectorPlan {
    /// How row `row` of `table` comes about: of operations on codes the exact result, its neighbours and the rounding; of
    /// products every step of output `word` of the row; of the others what they are made of. `None` where the row's stimuli
    /// have no result.
    #[must_use]
    pub fn explain(&self, table: &VectorTable, row: usize, word: usize) -> Option<String> {
        match &self.job {
            VectorJob::Scalar(job) => {
                let inputs = self.inputs(table, row)?;
                Some(scalar(job, inputs, philox::bits(self.seed, row as u64)))
            }
            VectorJob::Product(job) => self.product(job, table, row, word),
            VectorJob::Requantize(_) | VectorJob::Quantize(_) => {
                let made = self.complete(self.inputs(table, row)?, row as u64).ok()?;
                let mut text = String::new();
                for (field, words) in super::table::split(table.fields(), &made) {
                    let values: Vec<String> =
                        words.iter().map(|&word| field.format.value(word)).collect();
                    text += &format!("{} ({}) = {}\n", field.name, field.format, values.join(" "));
                }
                if let VectorJob::Requantize(job) = &self.job {
                    text += &format!(
                        "by {} with {:?}, bias {:?}, zero point {}",
                        job.by.policy(),
                        job.by.scale(),
                        job.by.bias(),
                        job.by.zero_point()
                    );
                }
                Some(text.trim_end().to_owned())
            }
        }
    }

    fn product(
        &self,
        job: &ProductJob,
        table: &VectorTable,
        row: usize,
        word: usize,
    ) -> Option<String> {
        let shape = job.shape();
        let (codes, index, place) = if self.content == VectorContent::Trace {
            let cell = |row: usize, name: &str| {
                let cell = table.cells(row).find(|(field, _)| field.name == name);
                cell.and_then(|(_, words)| words.first()).copied()
            };
            let is_drawn = matches!(self.source, VectorSource::Drawn { .. });
            let k = usize::try_from(cell(row, "k")?).ok()?;
            // Of given ones every output has K cycles.
            let first = if is_drawn { row.checked_sub(k)? } else { row - row % shape.k };
            let length = (first..table.len()).find(|&row| cell(row, "last") == Some(1));
            let length = length.map_or(shape.k, |last| last + 1 - first).min(table.len() - first);
            let place =
                |name| cell(row, name).and_then(|word| usize::try_from(word).ok()).unwrap_or(0);
            let codes = trace::codes_of(table, first, length);
            (codes, cell(row, "vector")?, (place("row"), place("col")))
        } else {
            let place = (word / shape.n, word % shape.n);
            if place.0 >= shape.m {
                return None;
            }
            let lengths = match self.source {
                VectorSource::Drawn { style: VectorStyle::Edges | VectorStyle::Mixed, .. } => {
                    Lengths::Drawn
                }
                _ => Lengths::Whole,
            };
            let codes = job.output_codes(lengths, self.inputs(table, row)?, place).ok()?;
            (codes, row as u64, place)
        };
        let shown = 0..=SHOWN - 1;
        let trace = if job.is_integer() {
            let [a, b] = job.operands();
            let whole = |side: &[(u32, Option<u32>)], format: Format| -> Vec<i64> {
                side.iter().map(|&(code, _)| format.decode(code) as i64).collect()
            };
            let (left, right) = (whole(&codes.left, a.format), whole(&codes.right, b.format));
            Trace::of_integers(job.acc(), &left, &right, 0, shown).ok()?
        } else {
            let [a, b] = operands(job, &codes)?;
            let output = usize::try_from(job.output_index(index, place)).ok()?;
            let problem = FloatMatmul::new(&a, &b, job.acc(), None, self.seed).ok()?;
            Trace::of_output(&problem.part_of((0, output), 0), (0, 0), shown).ok()?
        };
        let (row, col) = place;
        Some(format!(
            "output ({row}, {col}) of {} products through {}\n{trace}",
            codes.left.len(),
            job.acc()
        ))
    }
}

/// The operands of one output.
fn operands(job: &ProductJob, codes: &OutputCodes) -> Option<[FloatOperand; 2]> {
    let [a, b] = job.operands();
    let side = |codes: &[(u32, Option<u32>)],
                operand: super::ProductOperand,
                shape: fn(usize) -> (usize, usize)| {
        let list: Vec<u32> = codes.iter().map(|&(code, _)| code).collect();
        let view = ArrayView2::from_shape(shape(list.len()), &list).ok()?;
        let made = FloatOperand::from_codes(view, operand.format).ok()?;
        let Some((format, size)) = operand.scale else { return Some(made) };
        let scales = codes.iter().step_by(size.max(1) as usize);
        let values: Vec<f64> =
            scales.map(|&(_, scale)| format.decode(scale.unwrap_or(0))).collect();
        let values = Array2::from_shape_vec(shape(values.len()), values).ok()?;
        Some(made.with_scales(Scales { format, block: size as usize, values }))
    };
    Some([side(&codes.left, a, |n| (1, n))?, side(&codes.right, b, |n| (n, 1))?])
}

/// The exact result, its neighbours and what the rounding made of it.
fn scalar(job: &ScalarJob, inputs: &[u64], random: u32) -> String {
    let codes: Vec<u32> = inputs.iter().map(|&word| word as u32).collect();
    let mut text = String::new();
    for ((&name, &format), &code) in OPERANDS.iter().zip(job.operands()).zip(&codes) {
        text += &format!("{name} = {}\n", shown(format, code));
    }
    let exact = job.exact(job.reals(&codes)).value;
    let to = job.to();
    text += &format!("exact {} = {}\n", job.op(), number(exact));
    if !matches!(exact.class(), Class::Infinite | Class::Nan | Class::Zero) {
        let neighbour = |rounding| to.encode_real(exact, &NEAREST.with_rounding(rounding), 0);
        if let (Ok(below), Ok(above)) = (neighbour(Rounding::Down), neighbour(Rounding::Up)) {
            let lies = if below.code == above.code && below.status.contains(Status::INEXACT) {
                "beyond the range: the nearest value"
            } else if below.code == above.code {
                "a value of the format"
            } else {
                match (neighbour(Rounding::TiesAway), neighbour(Rounding::TiesZero)) {
                    (Ok(away), Ok(zero)) if away.code != zero.code => "half-way between",
                    (Ok(near), _) if near.code == below.code => "nearer to the lower of",
                    _ => "nearer to the upper of",
                }
            };
            text += &format!("{lies} {}", shown(to, below.code));
            if below.code != above.code {
                text += &format!(" and {}", shown(to, above.code));
            }
            text.push('\n');
        }
    }
    match job.result(&codes, random) {
        Ok(encoded) => {
            let (rounding, overflow) = (job.policy().rounding, job.policy().overflow);
            text += &format!(
                "{rounding}, {overflow}: {}, flags {}",
                shown(to, encoded.code),
                encoded.status
            );
            if rounding.random_bits().is_some() {
                text += &format!(", random bits {random:#010x}");
            }
        }
        Err(error) => text += &error.to_string(),
    }
    text
}

fn shown(format: Format, code: u32) -> String {
    let digits = format.bits().div_ceil(4) as usize;
    format!("0x{code:0digits$x} ({})", FieldFormat::Codes(format).value(code.into()))
}

/// A number in decimal where float64 has it, else its leading bits.
fn number(x: Real) -> String {
    let near = x.to_f64();
    if Real::from_f64(near).significand() == x.significand() && !x.is_cut() {
        return decimal(near);
    }
    let sign = if x.is_negative() { "-" } else { "" };
    let rest = if x.is_cut() { ", and more below the last bit" } else { "" };
    format!(
        "{sign}0x{:016x} * 2^{} (about {}{rest})",
        x.significand(),
        i64::from(x.exponent()) - 63,
        decimal(near)
    )
}
