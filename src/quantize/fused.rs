//! Scales from largest magnitudes and codes in one pass: what is read for the scale is still in the cache for the codes.

use std::borrow::Cow;

use ndarray::Array1;

use crate::convert::Encoder;
use crate::simd::{Detected, Vectorized};
use crate::tasks;
use crate::tensor::{Arrangement, Code, Granularity};

use super::execute::{Piece, Run, TASK};
use super::scale::ScaleSource;
use super::scheme::ZeroPoint;
use super::{QuantizeError, Quantizer, Restriction, ScaleRule, Statistic};

/// Codes and scales, both arranged.
pub(super) struct Fused<C> {
    pub(super) codes: Vec<C>,
    pub(super) scales: Vec<f32>,
}

/// The codes and scales of arranged elements, where the quantizer takes its scales from largest magnitudes of groups
/// that are not the whole tensor; `None` where it does not. They are those that computing the parameters first gives.
pub(super) fn fused<C: Code>(
    quantizer: &Quantizer,
    arrangement: &Arrangement,
    x: &[f32],
) -> Option<Result<Fused<C>, QuantizeError>> {
    let task = task_of(quantizer, arrangement)?;
    let groups = groups_of(arrangement, task);
    let (mut codes, mut scales) = (vec![C::default(); x.len()], vec![0.0; arrangement.scales()]);
    let encoder = Encoder::new(quantizer.scheme().format, *quantizer.policy());
    let parts = x.chunks(task).zip(codes.chunks_mut(task)).zip(scales.chunks_mut(groups));
    let done = tasks::try_for_each(parts.enumerate(), |(index, ((x, codes), scales))| {
        let run = Run {
            arrangement,
            scale: Cow::Borrowed(&[]),
            zero_point: None,
            scheme: quantizer.scheme(),
            policy: *quantizer.policy(),
            seed: 0,
            first_group: index * groups,
        };
        let first = index * task;
        let magnitudes = Magnitudes { run: &run, first, x, magnitudes: scales };
        Detected::best().vectorize(magnitudes);
        let rule = quantizer.scale_rule();
        let found = Array1::from_vec(scales.to_vec()).into_dyn();
        let found = rule.finish(found, quantizer.scheme().format)?;
        scales.iter_mut().zip(&found).for_each(|(scale, found)| *scale = *found);
        Run { scale: Cow::Borrowed(scales), ..run }.tiles(first, x, codes, &encoder)
    });
    Some(done.map(|()| Fused { codes, scales }))
}

/// Elements of a task, which begins and ends with a group.
fn task_of(quantizer: &Quantizer, arrangement: &Arrangement) -> Option<usize> {
    let scheme = quantizer.scheme();
    let suits = arrangement.granularity() != Granularity::Tensor
        && quantizer.scale_rule().source == ScaleSource::Statistic(Statistic::AbsMax)
        && is_elementwise(quantizer.scale_rule())
        && scheme.zero_point == ZeroPoint::Zero
        && !Run::is_one_by_one(scheme, quantizer.policy());
    let (row, group) = (arrangement.length.max(1), arrangement.group);
    if !suits {
        None
    } else if row.is_multiple_of(group) {
        Some((TASK / group).max(1) * group)
    } else {
        Some((TASK / row).max(1) * row)
    }
}

/// The number of groups in so many elements from the beginning of a row or of a group.
fn groups_of(arrangement: &Arrangement, elements: usize) -> usize {
    let (row, group) = (arrangement.length.max(1), arrangement.group);
    elements / row * row.div_ceil(group) + (elements % row).div_ceil(group)
}

/// Whether a scale depends on nothing but its own statistic.
fn is_elementwise(rule: &ScaleRule) -> bool {
    [&rule.restriction, &rule.threshold_restriction, &rule.ratio_restriction]
        .iter()
        .all(|restriction| !matches!(restriction, Restriction::Quantized(_)))
}

/// The largest magnitude of each group.
struct Magnitudes<'r, 'a> {
    run: &'r Run<'a>,
    first: usize,
    x: &'r [f32],
    magnitudes: &'r mut [f32],
}

impl Vectorized for Magnitudes<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { run, first, x, magnitudes } = self;
        // The usual size has a loop of its own.
        if let Some(group) = run.whole_groups::<32>(first) {
            let (blocks, _) = x.as_chunks::<32>();
            for (x, magnitude) in blocks.iter().zip(&mut magnitudes[group..]) {
                let most = most(x);
                *magnitude = f32::from_bits(most);
                // Never so; but a loop without an exit would be turned into one over 16 groups at a time, which gathers
                // its operands word by word.
                if most == u32::MAX {
                    break;
                }
            }
            return;
        }
        for Piece { start, end, group } in run.pieces(first, x.len()) {
            magnitudes[group] = f32::from_bits(most(&x[start..end]));
        }
    }
}

/// The bits of the largest magnitude; they order as the magnitude does, with every NaN above infinity.
#[inline(always)]
fn most(x: &[f32]) -> u32 {
    x.iter().fold(0, |most, x| most.max(x.to_bits() & 0x7fff_ffff))
}
