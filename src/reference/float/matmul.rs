//! The matrix product of real matrices through any accumulator.

use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2};

use super::operand::Along;
use super::report::FloatTrace;
use super::{Addend, FloatError, FloatReport, Operand, RandomBits, Value, sum_addends};
use crate::accumulate::datapath::{BlockScales, Unit};
use crate::accumulate::{Accumulator, Datapath, Register};

/// A product and its report.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatProduct {
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
/// use fewbit::reference::{Operand, matmul_float};
/// use ndarray::array;
/// let a = Operand::from_values(array![[1.0, 1.0]].view(), "e4m3fn".parse()?)?;
/// let b = Operand::from_values(array![[256.0], [0.015625]].view(), "e4m3fn".parse()?)?;
/// let product = matmul_float(&a, &b, &"aligned13:e8m13-rz*2".parse()?, None, 0)?;
/// assert_eq!(product.values[[0, 0]], 256.0); // 2^-6 is below 2^(8 - 13)
/// assert_eq!(product.report.stages[0].inexact, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul_float(
    a: &Operand,
    b: &Operand,
    acc: &Accumulator,
    init: Option<ArrayView2<'_, f64>>,
    seed: u64,
) -> Result<FloatProduct, FloatError> {
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
            matches!(datapath.unit, Unit::FlushedTree)
        }
        _ => false,
    };
    let element = |operand: &Operand, row, col, along| {
        let element = operand.addend(row, col, along);
        if flush { flushed(element, operand.format()) } else { element }
    };
    let columns: Vec<Vec<Addend>> =
        (0..n).map(|col| (0..ka).map(|k| element(b, k, col, Along::Rows)).collect()).collect();

    let mut product = FloatProduct {
        values: Array2::zeros((m, n)),
        rounded: 0,
        report: FloatReport::new(acc.stages().len()),
    };
    for row in 0..m {
        let left: Vec<Addend> = (0..ka).map(|k| element(a, row, k, Along::Columns)).collect();
        for (col, right) in columns.iter().enumerate() {
            let start = init.map_or(Value::ZERO, |init| Value::from_f64(init[[row, col]]));
            let mut traces = FloatTrace::starting(acc.stages().len(), &start);
            let random = RandomBits { seed, output: (row * n + col) as u64 };
            let products = left.iter().zip(right).map(|(a, b)| a.times(b));
            let observe = &mut |record: super::StepRecord<'_>| traces[record.stage].add(record);
            let value = sum_addends(acc, start, products, random, observe)
                .map_err(|(stage, k, error)| FloatError::Step { row, col, stage, k, error })?;
            let nearest = value.to_f64();
            product.values[[row, col]] = nearest;
            product.rounded += u64::from(Value::from_f64(nearest) != value);
            product.report.add(row as u64, col as u64, traces);
        }
    }
    Ok(product)
}

/// Whether the machine takes these operands.
fn check_operands(datapath: &Datapath, a: &Operand, b: &Operand) -> Result<(), FloatError> {
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
fn flushed(element: Addend, format: Format) -> Addend {
    let normal = format.smallest_normal().unwrap_or(0.0);
    if element.value.to_f64().abs() < normal {
        return Addend::new(Value::ZERO, Some(format));
    }
    element
}
