//! Operands as the lanes see them: numbers under their scales, exponents, and how far both reach.

use std::collections::BTreeSet;

use ndarray::{Array2, ArrayView2, CowArray, Ix2};

use super::extent::{ElementExtent, Extent};
use super::power::{Powers, least_exponent, power_of_two};
use super::scaled::{Elements, Scaled};
use crate::accumulate::datapath::SplitHalves;
use crate::memory;
use crate::reference::{FloatOperand, Scales};
use crate::simd::Detected;

/// In which order products enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProductOrder {
    /// Ascending k.
    Ascending,
    /// Of every so many products, completed by zeros, those of [`SplitHalves`]'s first half before the others.
    Halves(usize),
}

/// An operand whose outputs are columns: the rows of a left one, the columns of a right one.
#[derive(Clone, Debug)]
pub(super) struct PackedOperand<'a> {
    /// `[K, outputs]`: elements times their scales.
    pub(super) values: CowArray<'a, f64, Ix2>,
    /// The smallest normal value of the elements' format.
    least: f64,
    /// `[K, outputs]`: the exponent of every element and its scale together, as a power of two; 0 for zeros. Where there are no
    /// scales, or no register asks, there is nothing.
    powers: Option<Array2<f64>>,
    /// The same of the scales alone.
    pub(super) scale_powers: Option<Array2<f64>>,
    /// How far the values reach.
    pub(super) extent: Extent,
}

impl Drop for PackedOperand<'_> {
    fn drop(&mut self) {
        let mut values = CowArray::from(ArrayView2::from(&[[0.0; 0]; 0]));
        std::mem::swap(&mut values, &mut self.values);
        if values.is_owned() {
            memory::keep_matrix(values.into_owned());
        }
        for matrix in [self.powers.take(), self.scale_powers.take()].into_iter().flatten() {
            memory::keep_matrix(matrix);
        }
    }
}

impl<'a> PackedOperand<'a> {
    /// The rows of a left operand.
    pub(super) fn rows(operand: &'a FloatOperand, powers: Powers, isa: Detected) -> Self {
        Self::new(operand, powers, isa, |matrix| matrix.reversed_axes())
    }

    /// The columns of a right operand.
    pub(super) fn columns(operand: &'a FloatOperand, powers: Powers, isa: Detected) -> Self {
        Self::new(operand, powers, isa, |matrix| matrix)
    }

    fn new(
        operand: &'a FloatOperand,
        powers: Powers,
        isa: Detected,
        turn: fn(ArrayView2<'_, f64>) -> ArrayView2<'_, f64>,
    ) -> Self {
        let elements = turn(operand.values());
        let mut extent = Extent::of_matrix(elements, isa);
        let Extent { least, most, .. } = extent;
        let mut element = ElementExtent { least, most, scale_digits: 0, block: None };
        let floor = least_exponent(operand.format());
        let least = floor.map_or(0.0, power_of_two);
        let Some(Scales { format, block, values: scales }) = operand.scales() else {
            extent.least_exponent = extent.least_exponent.max(floor.unwrap_or(i32::MIN));
            extent.element = element;
            let values = CowArray::from(elements);
            return Self { values, least, powers: None, scale_powers: None, extent };
        };
        let scales = turn(scales.view());
        (element.block, element.scale_digits) = (Some(*block), Extent::of(scales).digits);
        let elements = Elements {
            values: elements,
            format: operand.format(),
            scales,
            scale_format: *format,
            block: *block,
        };
        let Scaled { values, powers, scale_powers } = Scaled::new(elements, &extent, powers, isa);
        extent = Extent::of_matrix(values.view(), isa);
        if let Some(powers) = &powers {
            extent.least_exponent = Extent::of_matrix(powers.view(), isa).least;
        }
        extent.element = element;
        let values = CowArray::from(values);
        Self { values, least, powers, scale_powers: Some(scale_powers), extent }
    }

    /// Numbers `[K, outputs]` whose exponents are those of the elements with their scales, and the least one, as a power of
    /// two.
    pub(super) fn powers(&self) -> (ArrayView2<'_, f64>, f64) {
        match &self.powers {
            Some(powers) => (powers.view(), 0.0),
            None => (self.values.view(), self.least),
        }
    }

    /// `(K, outputs)`
    pub(super) fn dim(&self) -> (usize, usize) {
        self.values.dim()
    }

    /// Brings k into the order in which a plan takes it.
    pub(super) fn reorder(&mut self, order: ProductOrder) {
        let ProductOrder::Halves(width) = order else { return };
        let (k, outputs) = self.dim();
        let mut sources: Vec<usize> = (0..k.next_multiple_of(width)).collect();
        for step in sources.chunks_mut(width) {
            // Stable: ascending within each half.
            step.sort_by_key(|index| SplitHalves::second(index % width));
        }
        let turned = |matrix: ArrayView2<'_, f64>| {
            Array2::from_shape_fn((sources.len(), outputs), |(to, output)| {
                matrix.get((sources[to], output)).copied().unwrap_or(0.0)
            })
        };
        self.values = turned(self.values.view()).into();
        self.powers = self.powers.as_ref().map(|powers| turned(powers.view()));
        self.scale_powers = self.scale_powers.as_ref().map(|powers| turned(powers.view()));
    }

    /// The outputs that an infinity or NaN enters.
    pub(super) fn not_finite(&self) -> BTreeSet<usize> {
        if !self.extent.special {
            return BTreeSet::new();
        }
        let special = self.values.indexed_iter().filter(|(_, x)| !x.is_finite());
        special.map(|((_, output), _)| output).collect()
    }
}
