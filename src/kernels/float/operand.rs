//! Operands as the lanes see them: numbers under their scales, exponents, and how far both reach.

use std::collections::BTreeSet;

use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2, CowArray, Ix2, Zip};

use crate::accumulate::datapath::SplitHalves;
use crate::accumulate::{Accumulator, Register, Stage};
use crate::reference::{FloatOperand, Scales};

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
    /// `[K, outputs]`: the exponent of every element and its scale together, as a power of two; 0 for zeros. Nothing where
    /// no register asks.
    pub(super) powers: Array2<f64>,
    /// The same of the scales alone.
    pub(super) scale_powers: Option<Array2<f64>>,
    /// How far the values reach.
    pub(super) extent: Extent,
}

/// How far numbers that are neither zero, infinite nor NaN reach; of no number, `least` is beyond `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// All are multiples of 2 to this power.
    pub(super) least: i32,
    /// All are below 2 to the power after this.
    pub(super) most: i32,
    /// None has more binary digits.
    pub(super) digits: u32,
    /// Whether an infinity or NaN is among them.
    pub(super) special: bool,
    /// The least exponent by which one is aligned.
    pub(super) least_exponent: i32,
    /// What elements are without their scales.
    pub(super) element: ElementExtent,
}

/// How far elements reach without their scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementExtent {
    /// All are multiples of 2 to this power.
    pub(super) least: i32,
    /// All are below 2 to the power after this.
    pub(super) most: i32,
    /// No scale has more binary digits; 0 where there are none.
    pub(super) scale_digits: u32,
    /// How many neighbours along k share a scale.
    pub(super) block: Option<usize>,
}

impl ElementExtent {
    /// Whether elements `width * i` to `width * (i + 1) - 1` share a scale.
    pub(super) fn shares(&self, width: usize) -> bool {
        self.block.is_none_or(|block| block.is_multiple_of(width))
    }
}

impl Extent {
    pub(super) const EMPTY: Self = Self {
        least: i32::MAX / 4,
        most: i32::MIN / 4,
        digits: 0,
        special: false,
        least_exponent: i32::MAX / 4,
        element: ElementExtent {
            least: i32::MAX / 4,
            most: i32::MIN / 4,
            scale_digits: 0,
            block: None,
        },
    };

    fn add(&mut self, x: f64) {
        if let Some((least, most)) = digits(x) {
            self.least = self.least.min(least);
            self.most = self.most.max(most);
            self.digits = self.digits.max((most - least + 1) as u32);
        }
    }

    /// The extent of a matrix.
    fn of_matrix(matrix: ArrayView2<'_, f64>) -> Self {
        match matrix.as_slice() {
            Some(numbers) => Self::of(numbers),
            None => Self::of(matrix),
        }
    }

    /// The extent of numbers.
    ///
    /// Of numbers with one exponent, the digits of all of them together reach as far as those of the longest: a table has
    /// them by exponent, without a branch per number.
    pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a f64> + Clone) -> Self {
        // Two, so that neighbours of one exponent do not wait for each other.
        let mut tables = vec![[0u64; 2048]; 2];
        for (index, &x) in values.clone().into_iter().enumerate() {
            let bits = x.to_bits() & !(1 << 63);
            tables[index % 2][(bits >> 52) as usize] |= bits & ((1 << 52) - 1) | 1 << 52;
        }
        let mut extent = Self::EMPTY;
        let fields = tables[0].iter().zip(&tables[1]).map(|(a, b)| a | b).enumerate();
        for (field, together) in fields.filter(|&(_, together)| together > 0) {
            match field {
                0x7ff => extent.special = true,
                // Zeros alone, or subnormal numbers, whose exponents differ.
                0 if together == 1 << 52 => {}
                0 => values
                    .clone()
                    .into_iter()
                    .filter(|x| !x.is_normal())
                    .for_each(|&x| extent.add(x)),
                _ => extent.add(f64::from_bits((field as u64) << 52 | together & ((1 << 52) - 1))),
            }
        }
        extent
    }
}

/// The exponents of the lowest and of the highest digit; `None` for zeros, infinities and NaN.
fn digits(x: f64) -> Option<(i32, i32)> {
    let bits = x.to_bits() & !(1 << 63);
    let field = (bits >> 52) as i32;
    if bits == 0 || field == 0x7ff {
        return None;
    }
    let fraction = bits & ((1 << 52) - 1);
    if field > 0 {
        let significand = fraction | 1 << 52;
        return Some((field - 1075 + significand.trailing_zeros() as i32, field - 1023));
    }
    Some((fraction.trailing_zeros() as i32 - 1074, fraction.ilog2() as i32 - 1074))
}

/// `2^exponent` of the exponent that `x` has in `format`, which is not below that of the smallest normal value.
fn power(x: f64, format: Format) -> f64 {
    let least = match format {
        Format::Float(float) => float.min_exponent(),
        _ => i32::MIN,
    };
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

impl<'a> PackedOperand<'a> {
    /// The rows of a left operand.
    pub(super) fn rows(operand: &'a FloatOperand, powers: Powers) -> Self {
        Self::new(operand, powers, |matrix| matrix.reversed_axes())
    }

    /// The columns of a right operand.
    pub(super) fn columns(operand: &'a FloatOperand, powers: Powers) -> Self {
        Self::new(operand, powers, |matrix| matrix)
    }

    fn new(
        operand: &'a FloatOperand,
        powers: Powers,
        turn: fn(ArrayView2<'_, f64>) -> ArrayView2<'_, f64>,
    ) -> Self {
        let elements = turn(operand.values());
        let mut values = match elements.is_standard_layout() {
            true => CowArray::from(elements),
            false => CowArray::from(elements.as_standard_layout().into_owned()),
        };
        let mut extent = Extent::of_matrix(values.view());
        let Extent { least, most, .. } = extent;
        let mut element = ElementExtent { least, most, scale_digits: 0, block: None };
        let scaled = operand.scales().is_some();
        let mut powers = match powers {
            Powers::Wanted => values.mapv(|x| power(x, operand.format())),
            Powers::Unwanted => Array2::zeros((0, 0)),
        };
        let scale_powers = operand.scales().map(|Scales { format, block, values: scales }| {
            let scales = turn(scales.view());
            (element.block, element.scale_digits) = (Some(*block), Extent::of(scales).digits);
            let scale = Array2::from_shape_fn(values.dim(), |(k, i)| scales[[k / block, i]]);
            // A zero element counts as zero, whatever its scale.
            let mut alone = scale.mapv(|scale| power(scale, *format));
            Zip::from(&mut alone).and(&values).for_each(|alone, &own| {
                *alone = if digits(own).is_none() { 0.0 } else { *alone };
            });
            if !powers.is_empty() {
                powers *= &alone;
            }
            values *= &scale;
            alone
        });
        if scaled {
            extent = Extent::of_matrix(values.view());
        }
        extent.least_exponent = Extent::of_matrix(powers.view()).least;
        extent.element = element;
        Self { values, powers, scale_powers, extent }
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
        self.powers = turned(self.powers.view());
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
