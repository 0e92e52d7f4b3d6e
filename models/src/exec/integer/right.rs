//! The right operand of products of lines, and what they make of it once.

use std::sync::{Arc, Mutex, OnceLock};

use fewbit::PackedMatrix;
use fewbit::reference::FloatOperand;
use ndarray::{ArrayView2, Axis, Slice};

use super::ints::{Ints, each};
use super::lines::{Elements, Lines, Side};

/// A right operand: its columns as lines, and what is made of them at first use and kept.
#[derive(Debug)]
pub(super) struct Right {
    pub(super) lines: Lines,
    blocks: BySize<Vec<Block>>,
    float_blocks: BySize<Result<Vec<FloatOperand>, String>>,
    operand: OnceLock<Result<FloatOperand, String>>,
}

/// The codes of some neighbouring k.
#[derive(Debug)]
pub(super) struct Block {
    /// The first k.
    pub(super) first: usize,
    /// The k behind the last.
    pub(super) end: usize,
    /// `[end - first, columns]`.
    pub(super) packed: PackedMatrix,
    /// The sum of the codes of every column.
    pub(super) sums: Vec<f64>,
}

impl Right {
    pub(super) fn new(lines: Lines) -> Self {
        let (blocks, float_blocks) = (BySize::default(), BySize::default());
        Self { lines, blocks, float_blocks, operand: OnceLock::new() }
    }

    /// The codes in blocks of so many along k, packed; none where they are no whole numbers.
    pub(super) fn blocks(&self, size: usize) -> Arc<Vec<Block>> {
        self.blocks.get(size.max(1), |size| {
            let Elements::Ints(ints) = &self.lines.elements else { return Vec::new() };
            let block = |(first, end)| {
                let packed = packed(ints, first, end)?;
                Some(Block { first, end, packed, sums: self.lines.sums(first, end) })
            };
            self.lines.places(size).filter_map(block).collect()
        })
    }

    /// The same for float registers, without scales.
    pub(super) fn float_blocks(&self, size: usize) -> Arc<Result<Vec<FloatOperand>, String>> {
        self.float_blocks.get(size.max(1), |size| {
            let places = self.lines.places(size);
            places.map(|(first, end)| self.lines.bare(first, end).operand(Side::Right)).collect()
        })
    }

    /// The operand for float registers.
    pub(super) fn operand(&self) -> Result<&FloatOperand, String> {
        let operand = self.operand.get_or_init(|| self.lines.operand(Side::Right));
        operand.as_ref().map_err(Clone::clone)
    }
}

/// What was made once, by the size of its blocks.
#[derive(Debug)]
struct BySize<T>(Mutex<Vec<(usize, Arc<T>)>>);

impl<T> Default for BySize<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> BySize<T> {
    fn get(&self, size: usize, make: impl FnOnce(usize) -> T) -> Arc<T> {
        // A poisoned lock means a panic in another thread; what is in the list is whole nevertheless.
        let lock = || self.0.lock().unwrap_or_else(|poison| poison.into_inner());
        let known = |all: &[(usize, Arc<T>)]| {
            all.iter().find(|(known, _)| *known == size).map(|(_, made)| Arc::clone(made))
        };
        if let Some(found) = known(&lock()) {
            return found;
        }
        // Made outside the lock, so that another product may run meanwhile.
        let made = Arc::new(make(size));
        let mut all = lock();
        known(&all).unwrap_or_else(|| {
            all.push((size, Arc::clone(&made)));
            made
        })
    }
}

/// Some columns of `[lines, K]`, packed as `[columns, lines]`.
fn packed(ints: &Ints, first: usize, end: usize) -> Option<PackedMatrix> {
    each!(ints, array => {
        let part = array.slice_axis(Axis(1), Slice::from(first..end));
        let part: ArrayView2<'_, _> = part.into_dimensionality().ok()?;
        Some(PackedMatrix::new(part.reversed_axes()))
    })
}
