//! Weights of convolutions as the kernels take them, made once for all inputs.

use std::sync::{Arc, OnceLock};

use ndarray::{Array1, Array2, ArrayView2, ArrayView4, s};

use super::words::Words;
use crate::kernels::operand::element::{Operand, range_of};
use crate::kernels::operand::packed::PackedMatrix;

/// Output channels whose weights of a step lie side by side.
pub(super) const BLOCK: usize = 8;
/// Steps between two looks at sums that may overflow, at least.
const STEPS: usize = 8;

/// The weights `[O, C / groups, U, V]` of a convolution, laid out at first use and kept, so that they serve every input.
///
/// Several threads may use them at once. [`conv2d`](crate::conv2d) makes them anew at every call.
///
/// ```
/// use fewbit::{Conv2d, MatmulOptions, PreparedConv};
/// use ndarray::Array4;
/// let weights = PreparedConv::new(Array4::from_elem((1, 1, 3, 3), 2i8).view());
/// let (conv, options, exact) = (Conv2d::default(), MatmulOptions::default(), "exact".parse()?);
/// for code in 0..3u8 {
///     let input = Array4::from_elem((1, 1, 3, 3), code);
///     let product = weights.run(input.view(), &conv, &exact, &options)?;
///     assert_eq!(product.values[[0, 0, 0, 0]], 18 * i64::from(code));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PreparedConv {
    /// `[O, C / groups * U * V]`
    weights: Array2<i64>,
    shape: (usize, usize, usize, usize),
    range: (i64, i64),
    sums: Vec<Signed>,
    blocks: [Made<WeightBlocks>; 3],
    guards: Made<GuardSums>,
    packed: Made<Vec<PackedMatrix>>,
}

/// What is made for a number of groups, which every use has in common but for unusual ones.
type Made<T> = OnceLock<(usize, Arc<T>)>;

/// Sums of factors.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signed {
    /// Of the positive ones.
    positive: i128,
    /// Of the negative ones.
    negative: i128,
}

impl Signed {
    fn of<'a>(factors: impl IntoIterator<Item = &'a i64>) -> Self {
        let mut sums = Self::default();
        for &factor in factors {
            sums.positive += i128::from(factor.max(0));
            sums.negative += i128::from(factor.min(0));
        }
        sums
    }

    /// Between what every prefix of the products with codes of `[low, high]` lies; both ends count 0.
    pub(super) fn reach(&self, (low, high): (i64, i64)) -> (i128, i128) {
        let (low, high) = (i128::from(low.min(0)), i128::from(high.max(0)));
        let least = self.negative * high + self.positive * low;
        (least, self.positive * high + self.negative * low)
    }

    /// The sum of all.
    pub(super) fn total(&self) -> i128 {
        self.positive + self.negative
    }
}

impl PreparedConv {
    /// Those of `weights`.
    pub fn new<W: Operand>(weights: ArrayView4<'_, W>) -> Self {
        let shape @ (outputs, depth, u, v) = weights.dim();
        // In the order of k, which is that of the array.
        let codes = Array1::from_iter(weights.iter().map(|w| w.to_i64()));
        let weights = codes.into_shape_with_order((outputs, depth * u * v));
        let weights = weights.unwrap_or_else(|_| unreachable!("as many weights as there are"));
        let sums = weights.outer_iter().map(Signed::of).collect();
        Self {
            range: range_of(weights.view()),
            weights,
            shape,
            sums,
            blocks: Default::default(),
            guards: OnceLock::new(),
            packed: OnceLock::new(),
        }
    }

    /// `[O, C / groups, U, V]`
    #[must_use]
    pub fn shape(&self) -> (usize, usize, usize, usize) {
        self.shape
    }

    /// The weights of every output channel, `[O, K]`.
    pub(super) fn weights(&self) -> ArrayView2<'_, i64> {
        self.weights.view()
    }

    /// The least and the greatest weight.
    pub(super) fn range(&self) -> (i64, i64) {
        self.range
    }

    /// The weights of each output channel, summed.
    pub(super) fn sums(&self) -> &[Signed] {
        &self.sums
    }

    /// The weights of a group, `[outputs, K]`.
    pub(super) fn group(&self, group: usize, groups: usize) -> ArrayView2<'_, i64> {
        let outputs = self.shape.0 / groups;
        self.weights.slice(s![group * outputs..(group + 1) * outputs, ..])
    }

    /// The weights of every group as a packed matrix, `[K, outputs]`.
    pub(super) fn packed(&self, groups: usize) -> Arc<Vec<PackedMatrix>> {
        made(&self.packed, groups, || {
            let group = |group| PackedMatrix::new(self.group(group, groups).reversed_axes());
            (0..groups).map(group).collect()
        })
    }

    /// The words of all steps.
    pub(super) fn blocks(&self, words: Words, groups: usize) -> Arc<WeightBlocks> {
        made(&self.blocks[words as usize], groups, || WeightBlocks::new(self, words, groups))
    }

    /// What is known of the sums between four channels and the next.
    pub(super) fn guards(&self, groups: usize) -> Arc<GuardSums> {
        made(&self.guards, groups, || GuardSums::new(self, groups))
    }
}

/// What is there for these groups, or else is made.
fn made<T>(place: &Made<T>, groups: usize, make: impl Fn() -> T) -> Arc<T> {
    match place.get_or_init(|| (groups, Arc::new(make()))) {
        (of, made) if *of == groups => made.clone(),
        _ => Arc::new(make()),
    }
}

/// Words of weights, in blocks of output channels: `[group][block][step][channel]`, 0 past the last channel of a group.
#[derive(Debug)]
pub(super) struct WeightBlocks {
    words: Vec<i32>,
    /// Steps of a group.
    steps: usize,
    /// Channels of a block.
    pub(super) width: usize,
    per_group: usize,
}

impl WeightBlocks {
    fn new(prepared: &PreparedConv, kind: Words, groups: usize) -> Self {
        let (outputs, depth, u, v) = prepared.shape;
        let per_group = outputs / groups;
        // Rows of several channels always find as many weights.
        let width = if per_group == 1 && kind != Words::Channels { 1 } else { BLOCK };
        let steps = kind.steps(depth, [u, v]);
        let all = prepared.weights.as_slice().unwrap_or(&[]);
        let (k, count) = (depth * u * v, steps.len());
        let mut words = Vec::with_capacity(groups * per_group.next_multiple_of(width) * count);
        for group in 0..groups {
            for first in (0..per_group).step_by(width) {
                for step in &steps {
                    for o in first..first + width {
                        let weights = &all[(group * per_group + o.min(per_group - 1)) * k..][..k];
                        let word = if o < per_group { kind.word(weights, step) } else { 0 };
                        words.push(word);
                    }
                }
            }
        }
        Self { words, steps: count, width, per_group }
    }

    /// The words of the block with output channel `first` of a group, from this one on: [`Self::width`] to a step.
    pub(super) fn from(&self, group: usize, first: usize) -> &[i32] {
        let block = group * self.per_group.div_ceil(self.width) + first / self.width;
        let length = self.steps * self.width;
        &self.words[block * length + first % self.width..(block + 1) * length]
    }
}

/// Weights summed over some groups of four channels, with all their steps: products between two looks at the sums.
#[derive(Debug)]
pub(super) struct GuardSums {
    /// Steps between two looks.
    pub(super) steps: usize,
    /// Pieces of all steps.
    pub(super) pieces: usize,
    /// `[O][piece]`
    sums: Vec<Signed>,
}

impl GuardSums {
    fn new(prepared: &PreparedConv, groups: usize) -> Self {
        let (_, depth, u, v) = prepared.shape;
        let taps = (u * v).max(1);
        let fours = STEPS.div_ceil(taps);
        let pieces = depth.div_ceil(4 * fours);
        debug_assert!(groups > 0);
        let of = |weights: &[i64]| -> Vec<Signed> {
            weights.chunks(4 * fours * taps).map(Signed::of).collect()
        };
        let rows = prepared.weights.outer_iter();
        let sums = rows.flat_map(|row| of(row.to_slice().unwrap_or(&[]))).collect();
        Self { steps: fours * taps, pieces, sums }
    }

    /// Those of an output channel, piece by piece.
    pub(super) fn of(&self, output: usize) -> &[Signed] {
        &self.sums[output * self.pieces..(output + 1) * self.pieces]
    }
}
