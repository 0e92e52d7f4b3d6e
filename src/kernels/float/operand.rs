//! Operands as the lanes see them: numbers under their scales, exponents, and how far both reach.

use std::collections::BTreeSet;

use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2, CowArray, Ix2, Zip};

use super::extent::{ElementExtent, Extent, digits};
use crate::accumulate::datapath::SplitHalves;
use crate::accumulate::{Accumulator, Register, Stage};
use crate::reference::{FloatOperand, Scales};
use crate::simd::Detected;

/// Whether exponents are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Powers {
    /// A register aligns by them.
    Wanted,
    /// None does.
    Unwanted,
}

impl Powers {
    /// What the registers of `acc` ask for.
    pub(super) fn of(acc: &Accumulator) -> Self {
        let aligns = |stage: &Stage| {
            matches!(stage.register, Register::Aligned { .. } | Register::Datapath(_))
        };
        if acc.stages().iter().any(aligns) { Self::Wanted } else { Self::Unwanted }
    }
}

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

/// The power of two of the exponent that `x` has in a format whose least one is that of `least`; 0 for zero. For numbers
/// near neither end of the range of `f64`; what infinities and NaN have means nothing.
#[inline(always)]
pub(super) fn power_of(x: f64, least: f64) -> f64 {
    let own = f64::from_bits(x.to_bits() & POWER);
    let power = if own < least { least } else { own };
    if x == 0.0 { 0.0 } else { power }
}

/// The same exponent as an integer of 8 bits, where these hold it; the least integer for zero.
#[inline(always)]
pub(super) fn exponent_of(x: f64, least: f64) -> i8 {
    let field = (power_of(x, least).to_bits() >> 52) as i32;
    if x == 0.0 { i8::MIN } else { (field - 1023) as i8 }
}

/// The exponent of an `f64`.
const POWER: u64 = 0x7ff0_0000_0000_0000;

/// `2^exponent` of the exponent that `x` has in `format`, which is not below that of the smallest normal value; 0 for zero,
/// infinities and NaN.
fn power(x: f64, format: Format) -> f64 {
    let least = least_exponent(format).unwrap_or(i32::MIN);
    let field = (x.to_bits() >> 52 & 0x7ff) as i32;
    match field {
        0x7ff => 0.0,
        0 => digits(x).map_or(0.0, |(_, exponent)| power_of_two(exponent.max(least))),
        _ => power_of_two((field - 1023).max(least)),
    }
}

/// `2^exponent`
fn power_of_two(exponent: i32) -> f64 {
    match exponent {
        -1022..=1023 => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => 2f64.powi(exponent),
    }
}

/// The exponent of the smallest normal value; `None` for formats that have no such value.
fn least_exponent(format: Format) -> Option<i32> {
    match format {
        Format::Float(float) => Some(float.min_exponent()),
        _ => None,
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
        let mut values = elements.as_standard_layout().into_owned();
        let scale = Array2::from_shape_fn(values.dim(), |(k, i)| scales[[k / block, i]]);
        // A zero element counts as zero, whatever its scale.
        let mut alone = scale.mapv(|scale| power(scale, *format));
        Zip::from(&mut alone).and(&values).for_each(|alone, &own| {
            *alone = if digits(own).is_none() { 0.0 } else { *alone };
        });
        let powers = match powers {
            Powers::Wanted => Some(values.mapv(|x| power(x, operand.format())) * &alone),
            Powers::Unwanted => None,
        };
        values *= &scale;
        extent = Extent::of_matrix(values.view(), isa);
        if let Some(powers) = &powers {
            extent.least_exponent = Extent::of_matrix(powers.view(), isa).least;
        }
        extent.element = element;
        let values = CowArray::from(values);
        Self { values, least, powers, scale_powers: Some(alone), extent }
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
