//! Convolutions as products of matrices.
//!
//! Per image and group, the patches that the kernel sees are laid out as a matrix `[C / groups * U * V, positions]`, which
//! the weights `[outputs, C / groups * U * V]` are multiplied by; k ascends as (channel, row, column) of the kernel.

use ndarray::{Array2, Array4, ArrayView3, ArrayView4, s};
use thiserror::Error;

use super::matmul::matmul;
use super::operand::element::Operand;
use super::product::{MatmulError, MatmulOptions, StageEvents};
use crate::accumulate::{Accumulator, FirstEvent, Report};
use crate::convolution::{Conv2d, ConvShapeError};
use crate::reference::check_init;
use crate::room::{self, TooLarge};
use crate::simd::Isa;

/// Why a convolution cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConvError {
    /// Shapes that do not fit.
    #[error(transparent)]
    Shape(#[from] ConvShapeError),
    /// A result, or the patches of one image, that cannot be held.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The product of a group.
    #[error(transparent)]
    Product(#[from] MatmulError),
}

/// A convolution's result.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvProduct {
    /// The last register of every output, `[N, O, rows, columns]`.
    pub values: Array4<i64>,
    /// As [`Product::events`](crate::Product::events); an output is named as row `n * O + o` and column
    /// `i * columns + j`.
    pub events: Option<Vec<StageEvents>>,
    /// As [`Product::report`](crate::Product::report), with outputs named so.
    pub report: Option<Report>,
    /// The instruction set that ran.
    pub isa: Isa,
    /// Wall-clock seconds of the products alone.
    pub seconds: f64,
}

/// Convolves `input`, `[N, C, H, W]`, with `weights`, `[O, C / groups, U, V]`: codes times codes, through `acc`.
///
/// Products enter in ascending (channel, row, column) of the kernel; padded positions enter with the padding code. Initial
/// values are `[N * O, rows * columns]`, as outputs are named in reports. Equal
/// to [`reference::conv2d`](crate::reference::conv2d) on every instruction set and any number of threads.
///
/// # Errors
/// Shapes that do not fit, and as [`matmul`].
///
/// ```
/// use fewbit::{Conv2d, MatmulOptions, conv2d};
/// use ndarray::Array4;
/// let input = Array4::from_elem((1, 1, 3, 3), 2u8);
/// let weights = Array4::from_elem((1, 1, 3, 3), 1i8);
/// let conv = Conv2d { padding: [(1, 1); 2], ..Conv2d::default() };
/// let product = conv2d(input.view(), weights.view(), &conv, &"int8-sat".parse()?, &MatmulOptions::default())?;
/// assert_eq!(product.values[[0, 0, 1, 1]], 18); // nine inputs
/// assert_eq!(product.values[[0, 0, 0, 0]], 8); // four inputs, five zeros
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn conv2d<X: Operand, W: Operand>(
    input: ArrayView4<'_, X>,
    weights: ArrayView4<'_, W>,
    conv: &Conv2d<X>,
    acc: &Accumulator,
    options: &MatmulOptions<'_>,
) -> Result<ConvProduct, ConvError> {
    let [height, width] = conv.output(input.dim(), weights.dim())?;
    let images = input.dim().0;
    let (outputs, depth, u, v) = weights.dim();
    let per_group = outputs / conv.groups;
    room::check::<i64>(&[images, outputs, height, width])?;
    if images > 0 && outputs > 0 {
        let positions = height.saturating_mul(width);
        room::check::<X>(&[depth * u * v, positions])?;
    }
    let weights = Array2::from_shape_fn((outputs, depth * u * v), |(o, k)| {
        weights[[o, k / (u * v), k / v % u, k % v]]
    });
    let init = options.init;
    if let Some(init) = init {
        check_init(init, acc, (images * outputs, height * width)).map_err(MatmulError::from)?;
    }
    let mut product = ConvProduct {
        values: Array4::zeros((images, outputs, height, width)),
        events: None,
        report: None,
        isa: options.isa.unwrap_or_else(Isa::best),
        seconds: 0.0,
    };
    for n in 0..images {
        for group in 0..conv.groups {
            let channels = group * depth..(group + 1) * depth;
            let first = group * per_group;
            let patches =
                patches(input.slice(s![n, channels, .., ..]), [u, v], conv, [height, width]);
            let rows = weights.slice(s![first..first + per_group, ..]);
            let row = n * outputs + first;
            let part_init = init.map(|init| init.slice_move(s![row..row + per_group, ..]));
            let options = MatmulOptions { init: part_init, ..*options };
            let part =
                matmul(rows, patches.view(), acc, &options).map_err(|error| at_row(error, row))?;
            for (mut to, from) in product
                .values
                .slice_mut(s![n, first..first + per_group, .., ..])
                .outer_iter_mut()
                .zip(part.values.outer_iter())
            {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = *from;
                }
            }
            product.seconds += part.seconds;
            let row = row as u64;
            let moved = |first: Option<FirstEvent>| {
                first.map(|event| FirstEvent { row: event.row + row, ..event })
            };
            if let Some(mut stages) = part.events {
                stages.iter_mut().for_each(|stage| stage.first = moved(stage.first));
                match &mut product.events {
                    Some(all) => {
                        all.iter_mut().zip(&stages).for_each(|(all, more)| all.merge(more))
                    }
                    none => *none = Some(stages),
                }
            }
            if let Some(mut report) = part.report {
                report.stages.iter_mut().for_each(|stage| stage.first = moved(stage.first));
                match &mut product.report {
                    Some(all) => all.merge(&report),
                    none => *none = Some(report),
                }
            }
        }
    }
    Ok(product)
}

/// The error with the row that the output has among all.
fn at_row(error: MatmulError, first: usize) -> MatmulError {
    match error {
        MatmulError::ExceedsI64 { row, col, value } => {
            MatmulError::ExceedsI64 { row: row + first, col, value }
        }
        other => other,
    }
}

/// What every weight meets at every position: `[C * U * V, positions]`.
fn patches<X: Operand>(
    input: ArrayView3<'_, X>,
    [u, v]: [usize; 2],
    conv: &Conv2d<X>,
    [height, width]: [usize; 2],
) -> Array2<X> {
    let (depth, rows, cols) = input.dim();
    let mut patches = Array2::from_elem((depth * u * v, height * width), conv.padding_code);
    for (k, mut patch) in patches.outer_iter_mut().enumerate() {
        let (c, du, dv) = (k / (u * v), k / v % u, k % v);
        for i in 0..height {
            let Some(row) = conv.source(0, i, du).filter(|&row| row < rows) else { continue };
            let line = input.slice(s![c, row, ..]);
            for j in 0..width {
                if let Some(col) = conv.source(1, j, dv).filter(|&col| col < cols) {
                    patch[i * width + j] = line[col];
                }
            }
        }
    }
    patches
}
