//! Operands as the lanes see them: numbers under their scales, exponents, and how far both reach.

use std::collections::BTreeSet;

use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2, Zip};

use crate::accumulate::datapath::SplitHalves;
use crate::reference::{PackedOperand, Scales};

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
pub(super) struct PackedOperand {
    /// `[K, outputs]`: elements times their scales.
    pub(super) values: Array2<f64>,
    /// `[K, outputs]`: the exponent of every element and its scale together, as a power of two; 0 for zeros.
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

    /// The extent of numbers.
    pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a f64>) -> Self {
        let mut extent = Self::EMPTY;
        values.into_iter().for_each(|&x| extent.add(x));
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
    let significand = if field == 0 { fraction } else { fraction | 1 << 52 };
    let place = field.max(1) - 1075;
    let lowest = place + significand.trailing_zeros() as i32;
    Some((lowest, place + significand.ilog2() as i32))
}

/// `2^exponent` of the exponent that `x` has in `format`, which is not below that of the smallest normal value.
fn power(x: f64, format: Format) -> f64 {
    let least = match format {
        Format::Float(float) => float.min_exponent(),
        _ => i32::MIN,
    };
    digits(x).map_or(0.0, |(_, exponent)| 2f64.powi(exponent.max(least)))
}

impl PackedOperand {
    /// The rows of a left operand.
    pub(super) fn rows(operand: &PackedOperand) -> Self {
        Self::new(operand, |matrix| matrix.reversed_axes())
    }

    /// The columns of a right operand.
    pub(super) fn columns(operand: &PackedOperand) -> Self {
        Self::new(operand, |matrix| matrix)
    }

    fn new(operand: &PackedOperand, turn: fn(ArrayView2<'_, f64>) -> ArrayView2<'_, f64>) -> Self {
        let elements = turn(operand.values());
        let mut values = elements.as_standard_layout().into_owned();
        let mut powers = values.mapv(|x| power(x, operand.format()));
        let Extent { least, most, .. } = Extent::of(&values);
        let mut element = ElementExtent { least, most, scale_digits: 0, block: None };
        let scale_powers = operand.scales().map(|Scales { format, block, values: scales }| {
            let scales = turn(scales.view());
            (element.block, element.scale_digits) = (Some(*block), Extent::of(scales).digits);
            let scale = Array2::from_shape_fn(values.dim(), |(k, i)| scales[[k / block, i]]);
            // A zero element counts as zero, whatever its scale.
            let mut alone = scale.mapv(|scale| power(scale, *format));
            Zip::from(&mut alone).and(&powers).for_each(|alone, &own| {
                *alone = if own == 0.0 { 0.0 } else { *alone };
            });
            powers *= &alone;
            values *= &scale;
            alone
        });
        let mut extent = Extent::of(&values);
        extent.least_exponent = Extent::of(&powers).least;
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
        let turned = |matrix: &Array2<f64>| {
            Array2::from_shape_fn((sources.len(), outputs), |(to, output)| {
                matrix.get((sources[to], output)).copied().unwrap_or(0.0)
            })
        };
        self.values = turned(&self.values);
        self.powers = turned(&self.powers);
        self.scale_powers = self.scale_powers.as_ref().map(turned);
    }

    /// The outputs that an infinity or NaN enters.
    pub(super) fn not_finite(&self) -> BTreeSet<usize> {
        let special = self.values.indexed_iter().filter(|(_, x)| !x.is_finite());
        special.map(|((_, output), _)| output).collect()
    }
}
