//! The matrix product of real matrices through any accumulator.

use fewbit_formats::Format;
use ndarray::{Array1, Array2, ArrayView2};

use super::operand::Along;
use super::report::{FloatStageReport, FloatTrace};
use super::{
    Addend, FloatError, FloatOperand, FloatReport, RandomBits, StepRecord, Value, sum_addends,
};
use crate::accumulate::datapath::{BlockScales, Unit};
use crate::accumulate::{Accumulator, Datapath, Register};
use crate::room;

/// A product and its report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceProduct {
    /// `[M, N]`: the last register's values, each the nearest `f64`. They are exact unless the last register is `exact`.
    pub values: Array2<f64>,
    /// How many values are not exact.
    pub rounded: u64,
    /// What happened on the way.
    pub report: FloatReport,
}

/// `C[i, j] = acc(A[i, 0] * B[0, j], A[i, 1] * B[1, j], ...)`, from the starting values `init` of the last register.
///
/// `a` is `[M, K]`, `b` is `[K, N]`, `init` and the result `[M, N]`; without `init` registers start at 0. Starting
/// values are taken as they are, also where the register's format does not have them: a unit adds the C matrix that it
/// is given. `seed` serves stochastic rounding.
///
/// # Errors
/// Shapes that do not fit, operands that a preset does not take, a step that cannot be made.
///
/// ```
/// use fewbit::reference::{FloatOperand, matmul_float};
/// use ndarray::array;
/// let a = FloatOperand::from_values(array![[1.0, 1.0]].view(), "e4m3fn".parse()?)?;
/// let b = FloatOperand::from_values(array![[256.0], [0.015625]].view(), "e4m3fn".parse()?)?;
/// let product = matmul_float(&a, &b, &"aligned13:e8m13-rz*2".parse()?, None, 0)?;
/// assert_eq!(product.values[[0, 0]], 256.0); // 2^-6 is below 2^(8 - 13)
/// assert_eq!(product.report.stages[0].inexact, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul_float(
    a: &FloatOperand,
    b: &FloatOperand,
    acc: &Accumulator,
    init: Option<ArrayView2<'_, f64>>,
    seed: u64,
) -> Result<ReferenceProduct, FloatError> {
    let problem = FloatMatmul::new(a, b, acc, init, seed)?;
    room::check::<f64>(&[a.values().nrows(), b.values().ncols()])?;
    let columns: Vec<_> = (0..b.values().ncols()).map(|col| problem.column(col)).collect();
    let mut product = ReferenceProduct {
        values: Array2::zeros((a.values().nrows(), columns.len())),
        rounded: 0,
        report: FloatReport::new(acc.stages().len()),
    };
    for row in 0..a.values().nrows() {
        let FloatRow { values, rounded, report } = problem.row(row, &columns)?;
        product.values.row_mut(row).assign(&Array1::from(values));
        product.rounded += rounded;
        product.report.merge(report);
    }
    Ok(product)
}

/// A product whose operands fit each other and the accumulator, output by output.
#[derive(Clone, Copy, Debug)]
pub struct FloatMatmul<'a> {
    a: &'a FloatOperand,
    b: &'a FloatOperand,
    acc: &'a Accumulator,
    init: Option<ArrayView2<'a, f64>>,
    seed: u64,
    flush: bool,
    /// Where this product stands in the one that it is a part of, and the columns of that.
    origin: (usize, usize),
    columns: usize,
}

/// One row of a [`ReferenceProduct`].
#[derive(Clone, Debug, PartialEq)]
pub struct FloatRow {
    /// `[N]`
    pub values: Vec<f64>,
    /// How many values are not exact.
    pub rounded: u64,
    /// What happened on the way.
    pub report: FloatReport,
}

impl<'a> FloatMatmul<'a> {
    /// The product that [`matmul_float`] computes.
    ///
    /// # Errors
    /// Shapes that do not fit, operands that a preset does not take.
    pub fn new(
        a: &'a FloatOperand,
        b: &'a FloatOperand,
        acc: &'a Accumulator,
        init: Option<ArrayView2<'a, f64>>,
        seed: u64,
    ) -> Result<Self, FloatError> {
        let ((m, ka), (kb, n)) = (a.values().dim(), b.values().dim());
        if ka != kb {
            return Err(FloatError::Shape { m, ka, kb, n });
        }
        if let Some((rows, cols)) = init.map(|init| init.dim()).filter(|&dim| dim != (m, n)) {
            return Err(FloatError::InitShape { rows, cols, m, n });
        }
        a.check_scales(Along::Columns)?;
        b.check_scales(Along::Rows)?;
        let flush = match acc.stages()[0].register {
            Register::Datapath(datapath) => {
                check_operands(datapath, a, b)?;
                matches!(datapath.unit, Unit::Cdna2 | Unit::Vdpbf16ps)
            }
            _ => false,
        };
        Ok(Self { a, b, acc, init, seed, flush, origin: (0, 0), columns: n })
    }

    /// The same product as a part of one with `columns` columns, in which its output (0, 0) is `origin`: errors name
    /// outputs by their places there, and stochastic rounding has the bits that it has there.
    #[must_use]
    pub fn part_of(self, origin: (usize, usize), columns: usize) -> Self {
        Self { origin, columns, ..self }
    }

    /// The accumulator.
    #[must_use]
    pub fn accumulator(&self) -> &Accumulator {
        self.acc
    }

    /// What row `row` of the left operand gives to its products.
    pub fn left(&self, row: usize) -> Vec<Addend> {
        let elements = (0..self.a.values().ncols()).map(|k| self.a.addend(row, k, Along::Columns));
        elements.map(|element| self.entering(element, self.a)).collect()
    }

    /// What column `col` of the right operand gives to its products.
    pub fn column(&self, col: usize) -> Vec<Addend> {
        let elements = (0..self.b.values().nrows()).map(|k| self.b.addend(k, col, Along::Rows));
        elements.map(|element| self.entering(element, self.b)).collect()
    }

    fn entering(&self, element: Addend, operand: &FloatOperand) -> Addend {
        if self.flush { flushed(element, operand.format()) } else { element }
    }

    /// Output `(row, col)` from its row and column, every step of it shown to `observe`.
    ///
    /// # Errors
    /// A step that cannot be made.
    pub fn output(
        &self,
        (row, col): (usize, usize),
        left: &[Addend],
        right: &[Addend],
        observe: &mut dyn FnMut(StepRecord<'_>),
    ) -> Result<Value, FloatError> {
        let place = (self.origin.0.wrapping_add(row), self.origin.1.wrapping_add(col));
        // Indices are counted modulo 2^64: the whole product need not be one that can be held.
        let output = place.0.wrapping_mul(self.columns).wrapping_add(place.1) as u64;
        let random = RandomBits { seed: self.seed, output };
        let products = left.iter().zip(right).map(|(a, b)| a.times(b));
        sum_addends(self.acc, self.start(row, col), products, random, observe).map_err(
            |(stage, k, error)| FloatError::Step { row: place.0, col: place.1, stage, k, error },
        )
    }

    /// Output `(row, col)`, and what happened in each stage.
    fn traced(
        &self,
        (row, col): (usize, usize),
        left: &[Addend],
        right: &[Addend],
    ) -> Result<(Value, Vec<FloatTrace>), FloatError> {
        let mut traces = FloatTrace::starting(self.acc.stages().len(), &self.start(row, col));
        let observe = &mut |record: StepRecord<'_>| traces[record.stage].add(record);
        let value = self.output((row, col), left, right, observe)?;
        Ok((value, traces))
    }

    /// Output `(row, col)` as the nearest `f64`, and the reports of its stages alone.
    pub(crate) fn reported(
        &self,
        (row, col): (usize, usize),
        left: &[Addend],
        right: &[Addend],
    ) -> Result<(f64, Vec<FloatStageReport>), FloatError> {
        let (value, traces) = self.traced((row, col), left, right)?;
        let report = |trace: FloatTrace| trace.report(row as u64, col as u64);
        Ok((value.to_f64(), traces.into_iter().map(report).collect()))
    }

    fn start(&self, row: usize, col: usize) -> Value {
        self.init.map_or(Value::ZERO, |init| Value::from_f64(init[[row, col]]))
    }

    /// Row `row` of the product; `columns` are those of the right operand.
    ///
    /// # Errors
    /// A step that cannot be made.
    pub fn row(&self, row: usize, columns: &[Vec<Addend>]) -> Result<FloatRow, FloatError> {
        let stages = self.acc.stages().len();
        let left = self.left(row);
        let mut result = FloatRow {
            values: Vec::with_capacity(columns.len()),
            rounded: 0,
            report: FloatReport::new(stages),
        };
        for (col, right) in columns.iter().enumerate() {
            let (value, traces) = self.traced((row, col), &left, right)?;
            let nearest = value.to_f64();
            result.values.push(nearest);
            result.rounded += u64::from(Value::from_f64(nearest) != value);
            result.report.add(row as u64, col as u64, traces);
        }
        Ok(result)
    }
}

/// Whether the machine takes these operands.
fn check_operands(
    datapath: &Datapath,
    a: &FloatOperand,
    b: &FloatOperand,
) -> Result<(), FloatError> {
    for operand in [a, b] {
        let scales = operand.scales().map(|s| (s.format, s.block));
        let expected = datapath.scales.map(|s| (s.format, s.block as usize));
        if datapath.operands.contains(&operand.format()) && scales == expected {
            continue;
        }
        let formats: Vec<String> = datapath.operands.iter().map(Format::to_string).collect();
        let blocks = |(format, block)| format!(" in blocks of {block} scaled by {format}");
        let expected =
            datapath.scales.map(|BlockScales { format, block }| (format, block as usize));
        return Err(FloatError::Operands {
            preset: datapath.to_string(),
            expected: formats.join(", ") + &expected.map_or(String::new(), blocks),
            found: operand.format().to_string() + &scales.map_or(String::new(), blocks),
        });
    }
    Ok(())
}

/// Subnormal values count as zero.
pub(crate) fn flushed(element: Addend, format: Format) -> Addend {
    let normal = format.smallest_normal().unwrap_or(0.0);
    if element.value.to_f64().abs() < normal {
        return Addend::new(Value::ZERO, Some(format));
    }
    element
}
