//! The general path: patches of a block of images and a group as one matrix, `[C / groups * U * V, block * positions]`, whose
//! columns the weights multiply; k ascends as (channel, row, column) of the kernel.
//!
//! Blocks and groups run in parallel. In a block's product outputs are named by its columns, those of all images side by
//! side, and a report names them image by image. So the first event of all is looked for again where it must be: in the
//! first block that has events, one image after the other.

use std::ops::Range;

use ndarray::{Array2, ArrayViewMut4, Axis, s};

use super::problem::{Problem, Reported};
use crate::accumulate::FirstEvent;
use crate::kernels::driver;
use crate::kernels::operand::element::Operand;
use crate::kernels::operand::matrix::Matrix;
use crate::kernels::operand::packed::PackedMatrix;
use crate::kernels::output::{AnyOutputs, Output};
use crate::kernels::product::{MatmulError, MatmulOptions, ProductReport, ReportLevel};
use crate::simd::{Detected, Vectorized};
use crate::tasks;

/// Bytes of patches that are multiplied at once: with their packed form and the outputs, within a core's second cache.
const CACHED: usize = 1 << 19;
/// Blocks and groups for each thread, where there are so many images.
const PER_THREAD: usize = 4;

/// The images of a block.
fn block_of<X: Operand, T>(problem: &Problem<'_, X>) -> usize {
    let column = problem.k() * size_of::<X>() + problem.per_group() * size_of::<T>();
    let fitting = CACHED / column.saturating_mul(problem.positions()).max(1);
    let jobs = (PER_THREAD * rayon::current_num_threads()).div_ceil(problem.conv.groups);
    fitting.min(problem.images().div_ceil(jobs)).max(1)
}

/// Writes all outputs to `out`, `[N, O, rows, columns]`.
pub(super) fn convolve<X: Operand, T: Output>(
    problem: &Problem<'_, X>,
    options: &MatmulOptions<'_>,
    mut out: ArrayViewMut4<'_, T>,
) -> Result<Reported, MatmulError> {
    let (per_group, groups) = (problem.per_group(), problem.conv.groups);
    let packed = problem.weights.packed(groups);
    let block = block_of::<X, T>(problem);
    let mut jobs = Vec::new();
    for (index, images) in out.axis_chunks_iter_mut(Axis(0), block).enumerate() {
        let mut rest = images;
        for group in 0..groups {
            let (here, more) = rest.split_at(Axis(1), per_group);
            jobs.push((index, group, here));
            rest = more;
        }
    }
    let parts = tasks::map(jobs, |(index, group, mut out)| {
        let images = index * block..index * block + out.dim().0;
        let part = product_of(problem, &packed[group], images, group, options, &mut out);
        (index, part)
    });
    let mut all = Reported { events: None, report: None };
    // Of every stage, the first block that has events.
    let mut first_blocks: Vec<Option<usize>> = vec![None; problem.acc.stages().len()];
    for (index, part) in parts {
        let images = index * block..problem.images().min((index + 1) * block);
        let ProductReport { events, report, .. } =
            part.map_err(|error| first_error(problem, images, options, error))?;
        for (first, stage) in first_blocks.iter_mut().zip(events.iter().flatten()) {
            if stage.events > 0 && first.is_none() {
                *first = Some(index);
            }
        }
        match (&mut all.events, events) {
            (Some(all), Some(more)) => {
                all.iter_mut().zip(&more).for_each(|(all, more)| all.merge(more));
            }
            (all, more) => *all = all.take().or(more),
        }
        match (&mut all.report, report) {
            (Some(all), Some(more)) => all.merge(&more),
            (all, more) => *all = all.take().or(more),
        }
    }
    let firsts = first_events(problem, block, &first_blocks)?;
    for (stage, &first) in all.events.iter_mut().flatten().zip(&firsts) {
        stage.first = first;
    }
    for (stage, &first) in all.report.iter_mut().flat_map(|all| &mut all.stages).zip(&firsts) {
        stage.first = first;
    }
    Ok(all)
}

/// The product of a block of images and a group, in `out`.
fn product_of<X: Operand, T: Output>(
    problem: &Problem<'_, X>,
    weights: &PackedMatrix,
    images: Range<usize>,
    group: usize,
    options: &MatmulOptions<'_>,
    out: &mut ArrayViewMut4<'_, T>,
) -> Result<ProductReport, MatmulError> {
    let (positions, per_group) = (problem.positions(), problem.per_group());
    let patches = patches(problem, images.clone(), group);
    let mut values = Array2::<T>::default((per_group, images.len() * positions));
    let init = problem.init.map(|init| {
        Array2::from_shape_fn((images.len() * positions, per_group), |(column, o)| {
            let image = images.start + column / positions;
            init[[image * problem.channels() + group * per_group + o, column % positions]]
        })
    });
    let options = MatmulOptions { init: init.as_ref().map(|init| init.view()), ..*options };
    let part = driver::multiply_into(
        &Matrix::new(patches.t()),
        weights,
        problem.acc,
        &options,
        T::any(values.view_mut().reversed_axes()),
    )?;
    for (o, values) in values.outer_iter().enumerate() {
        let values = values.to_slice().unwrap_or(&[]);
        for (image, values) in values.chunks_exact(positions).enumerate() {
            let mut to = out.slice_mut(s![image, o, .., ..]);
            if let Some(to) = to.as_slice_mut() {
                to.copy_from_slice(values);
            } else {
                to.iter_mut().zip(values).for_each(|(to, &value)| *to = value);
            }
        }
    }
    Ok(part)
}

/// One image and group as a product that names outputs as the convolution does, but for the row of the first.
fn image_of<X: Operand>(
    problem: &Problem<'_, X>,
    image: usize,
    group: usize,
    report: ReportLevel,
) -> Result<ProductReport, MatmulError> {
    let patches = PackedMatrix::new(patches(problem, image..image + 1, group).view());
    let row = image * problem.channels() + group * problem.per_group();
    let init = problem.init.map(|init| init.slice_move(s![row..row + problem.per_group(), ..]));
    let mut values = Array2::<i64>::zeros((problem.per_group(), problem.positions()));
    driver::multiply_into(
        &Matrix::new(problem.weights.group(group, problem.conv.groups)),
        &patches,
        problem.acc,
        &MatmulOptions { report, isa: None, init },
        AnyOutputs::I64(values.view_mut()),
    )
}

/// The first event of every stage, which lies in the block that is named.
fn first_events<X: Operand>(
    problem: &Problem<'_, X>,
    block: usize,
    first_blocks: &[Option<usize>],
) -> Result<Vec<Option<FirstEvent>>, MatmulError> {
    let mut firsts = vec![None; first_blocks.len()];
    let mut blocks: Vec<_> = first_blocks.iter().copied().flatten().collect();
    blocks.sort_unstable();
    blocks.dedup();
    for index in blocks {
        let is_open = |firsts: &[Option<FirstEvent>]| {
            first_blocks.iter().zip(firsts).any(|(&at, first)| at == Some(index) && first.is_none())
        };
        for image in index * block..problem.images().min((index + 1) * block) {
            for group in 0..problem.conv.groups {
                if !is_open(&firsts) {
                    break;
                }
                let part = image_of(problem, image, group, ReportLevel::Events)?;
                let row = (image * problem.channels() + group * problem.per_group()) as u64;
                let stages = part.events.into_iter().flatten().zip(&mut firsts);
                for ((stage, first), &at) in stages.zip(first_blocks) {
                    if at == Some(index) && first.is_none() {
                        *first =
                            stage.first.map(|event| FirstEvent { row: event.row + row, ..event });
                    }
                }
            }
        }
    }
    Ok(firsts)
}

/// The error of the first output of `images` that has one, where a block of them has `error`.
fn first_error<X: Operand>(
    problem: &Problem<'_, X>,
    images: Range<usize>,
    options: &MatmulOptions<'_>,
    error: MatmulError,
) -> MatmulError {
    if !matches!(error, MatmulError::ExceedsI64 { .. }) {
        return error;
    }
    for image in images {
        for group in 0..problem.conv.groups {
            let first = image * problem.channels() + group * problem.per_group();
            match image_of(problem, image, group, options.report) {
                Err(MatmulError::ExceedsI64 { row, col, value }) => {
                    return MatmulError::ExceedsI64 { row: row + first, col, value };
                }
                Err(other) => return other,
                Ok(_) => {}
            }
        }
    }
    error
}

/// What every weight of a group meets at every position of `images`: `[K, images * positions]`.
fn patches<X: Operand>(problem: &Problem<'_, X>, images: Range<usize>, group: usize) -> Array2<X> {
    let positions = problem.positions();
    let padding = problem.conv.padding_code;
    let mut patches = Array2::from_elem((problem.k(), images.len() * positions), padding);
    if let Some(all) = patches.as_slice_mut() {
        Detected::best().vectorize(Fill { problem, images, group, patches: all });
    }
    patches
}

/// Fills patches.
struct Fill<'a, 'p, X> {
    problem: &'a Problem<'p, X>,
    images: Range<usize>,
    group: usize,
    patches: &'a mut [X],
}

impl<X: Operand> Vectorized for Fill<'_, '_, X> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { problem, images, group, patches } = self;
        let (positions, [u, v]) = (problem.positions(), problem.kernel);
        let (_, _, rows, cols) = problem.shape;
        let width = images.len() * positions;
        let Some(planes) = &problem.planes else {
            let columns = problem.outputs[1];
            for (k, patches) in patches.chunks_exact_mut(width.max(1)).enumerate() {
                for (column, to) in patches.iter_mut().enumerate() {
                    let (image, at) = (images.start + column / positions, column % positions);
                    *to = problem.meets(image, group, [at / columns, at % columns], k);
                }
            }
            return;
        };
        // Outputs that are copied at once, and those behind the last one that come with them.
        const PIECE: usize = 16;
        let ([_, columns], pitch) = (planes.outputs, planes.pitch());
        let is_dense = pitch == columns;
        let mut words = vec![problem.conv.padding_code; planes.len() + PIECE];
        for (place, image) in images.enumerate() {
            for c in 0..problem.depth() {
                let channel = problem.channel(image, group * problem.depth() + c);
                let padding = problem.conv.padding_code;
                planes.fill([channel], [rows, cols], padding, |[x]: [X; 1]| x, &mut words);
                for (du, dv) in (0..u).flat_map(|du| (0..v).map(move |dv| (du, dv))) {
                    let k = (c * u + du) * v + dv;
                    let to = &mut patches[k * width + place * positions..][..positions];
                    let from = &words[planes.tap(du, dv)..];
                    if is_dense {
                        to.copy_from_slice(&from[..positions]);
                        continue;
                    }
                    for (row, start) in (0..positions).step_by(columns).enumerate() {
                        let from = &from[row * pitch..];
                        for at in (0..columns).step_by(PIECE) {
                            // What is too much is overwritten by the next row.
                            let (from, to) = (&from[at..], &mut to[start + at..]);
                            match (from.first_chunk::<PIECE>(), to.first_chunk_mut::<PIECE>()) {
                                (Some(from), Some(to)) => *to = *from,
                                _ => {
                                    let count = PIECE.min(columns - at);
                                    to[..count].copy_from_slice(&from[..count]);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
