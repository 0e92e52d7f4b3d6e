//! Products of whole numbers with scales of blocks through registers of integers within tiles, and of floats between them.
//!
//! ```text
//! for each tile of c products:   a = inner stages(codes of the tile)        whole numbers, from zero
//!                                outer stages take   s[i, b] t[j, b] a      exact, b the block in which the tile lies
//! ```

use fewbit::accumulate::{Register, Stage};
use fewbit::reference::{Addend, Dyadic, FloatReport, RandomBits, Value};
use fewbit::{Accumulator, MatmulOptions, Operand, PackedMatrix, ReportLevel, matmul_packed};
use ndarray::{Array2, ArrayView2, Axis, Slice};
use rayon::prelude::*;

use super::blocks::{add_events, add_report};
use super::ints::each;
use super::line_job::LineProduct;
use super::lines::Elements;
use super::report::Reported;

/// An accumulator of stages of integers within tiles, and of others behind them.
pub(super) struct Tiles {
    inner: Accumulator,
    outer: Accumulator,
    /// Products of a tile.
    count: usize,
}

impl Tiles {
    /// The accumulator in this form; `None` where it has no stages of integers in front of others.
    ///
    /// # Errors
    /// Tiles that do not lie in a block, with the reason why there is no sum then.
    pub(super) fn of(accumulator: &Accumulator, block: usize) -> Result<Option<Self>, String> {
        let is_whole =
            |stage: &&Stage| matches!(stage.register, Register::Int { .. } | Register::Exact);
        let stages = accumulator.stages();
        let whole = stages.iter().take_while(is_whole).count();
        let has_ints = stages[..whole].iter().any(|s| matches!(s.register, Register::Int { .. }));
        if whole == 0 || whole == stages.len() || !has_ints {
            return Ok(None);
        }
        if let Some(stage) =
            stages[whole..].iter().find(|s| matches!(s.register, Register::Int { .. }))
        {
            return Err(format!(
                "stage `{stage}` stands behind registers of floats, whose values are fractions: a register of integers \
                 has no unit for them, unless it is the innermost one"
            ));
        }
        let counts = stages[..whole].iter().map(|stage| stage.count.map_or(1, |count| count.get()));
        let count = counts.fold(1u64, u64::saturating_mul);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if !block.is_multiple_of(count) {
            return Err(format!(
                "a tile of {count} products reaches over blocks of {block} with scales of their own: whole numbers of \
                 different units have no sum in a register of integers; tiles of a divisor of {block} do"
            ));
        }
        let mut first = stages[..whole].to_vec();
        if let Some(last) = first.last_mut() {
            last.count = None;
        }
        let of = |stages| Accumulator::new(stages).map_err(|error| error.to_string());
        Ok(Some(Self { inner: of(first)?, outer: of(stages[whole..].to_vec())?, count }))
    }

    /// The sums of all outputs, without scales of whole lines and what multiplies all scales, and what the stages did.
    ///
    /// # Errors
    /// Codes that are no whole numbers; what a register refuses.
    pub(super) fn run(&self, job: &LineProduct<'_>) -> Result<(Array2<f64>, Reported), String> {
        let (x, w) = (job.x, &job.w.lines);
        let (m, n) = (x.dim().0, w.dim().0);
        let Elements::Ints(ints) = &x.elements else {
            return Err(format!("codes of {} are no whole numbers", x.format));
        };
        let mut reported = Reported::default();
        let mut sums: Vec<Array2<i64>> = Vec::new();
        let rights = job.w.blocks(self.count);
        for tile in rights.iter() {
            let values = each!(ints, array => {
                let part = array.slice_axis(Axis(1), Slice::from(tile.first..tile.end));
                let part: ArrayView2<'_, _> =
                    part.into_dimensionality().map_err(|error| error.to_string())?;
                self.inner_sums(part, &tile.packed, (job.report, tile.first), &mut reported)
            })?;
            sums.push(values);
        }
        let scales = |row: usize, column: usize, tile: usize| {
            let first = tile * self.count;
            let of = |lines: &super::lines::Lines, line: usize| {
                let line = if lines.scales.nrows() == 1 { 0 } else { line };
                match lines.is_whole() {
                    true => Value::from_f64(1.0),
                    false => Value::from_f64(lines.scales[[line, first / lines.block]].into()),
                }
            };
            of(x, row).times(&of(w, column))
        };
        let line = |row: usize| -> Result<(Vec<f64>, FloatReport), String> {
            let mut report = FloatReport::new(self.outer.stages().len());
            let mut values = Vec::with_capacity(n);
            for column in 0..n {
                let output = (row * n + column) as u64;
                let mut machine = self.outer.float_machine(RandomBits { seed: 0, output });
                for (tile, sums) in sums.iter().enumerate() {
                    let sum = Value::Finite(Dyadic::new(sums[[row, column]].into(), 0));
                    let product = Addend::new(sum.times(&scales(row, column, tile)), None);
                    machine.push_product(product).map_err(|error| error.to_string())?;
                }
                let (value, _) = machine.drain().map_err(|error| error.to_string())?;
                values.push(value.to_f64());
                if job.report != ReportLevel::None {
                    report.add(row as u64, column as u64, machine.traces().to_vec());
                }
            }
            Ok((values, report))
        };
        let lines: Vec<_> = (0..m).into_par_iter().map(line).collect::<Result<_, String>>()?;
        let (mut all, mut report) = (Vec::with_capacity(m * n), None);
        for (values, more) in lines {
            all.extend(values);
            match &mut report {
                None => report = Some(more),
                Some(report) => report.merge(more),
            }
        }
        reported.float = report.filter(|_| job.report != ReportLevel::None);
        let all = Array2::from_shape_vec((m, n), all).map_err(|error| error.to_string())?;
        Ok((all, reported))
    }

    /// The sums of a tile.
    fn inner_sums<A: Operand>(
        &self,
        x: ArrayView2<'_, A>,
        packed: &PackedMatrix,
        (report, first): (ReportLevel, usize),
        reported: &mut Reported,
    ) -> Result<Array2<i64>, String> {
        let options = MatmulOptions { report, ..MatmulOptions::default() };
        let product = matmul_packed(x, packed, &self.inner, &options);
        let product = product.map_err(|error| error.to_string())?;
        add_events(&mut reported.events, product.events, first);
        add_report(&mut reported.report, product.report, first);
        Ok(product.values)
    }
}
