//! Elements under block scales: their products, and the exponents that registers align by.

use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2, Axis};

use super::extent::Extent;
use super::power::{Powers, least_exponent, power, power_of, power_of_two};
use crate::memory::zero_matrix;
use crate::simd::{Detected, Vectorized};
use crate::tasks;

/// Numbers that one task scales.
const NUMBERS: usize = 1 << 13;
/// Above this exponent all numbers have one of their own, as `f64`.
const NORMAL: i32 = -1000;

/// The elements of an operand, `[K, outputs]`, and what `block` of them along k share, `[K / block, outputs]`.
#[derive(Clone, Copy)]
pub(super) struct Elements<'a> {
    pub(super) values: ArrayView2<'a, f64>,
    pub(super) format: Format,
    pub(super) scales: ArrayView2<'a, f64>,
    pub(super) scale_format: Format,
    pub(super) block: usize,
}

/// Elements times their scales, and exponents, all `[K, outputs]`.
pub(super) struct Scaled {
    /// The products.
    pub(super) values: Array2<f64>,
    /// The exponent of every element and its scale together, as a power of two; 0 for zeros.
    pub(super) powers: Option<Array2<f64>>,
    /// That of its scale; 0 where the element is a zero, whatever its scale.
    pub(super) scale_powers: Array2<f64>,
}

impl Scaled {
    /// Those of elements which reach as far as `extent` says.
    pub(super) fn new(
        elements: Elements<'_>,
        extent: &Extent,
        powers: Powers,
        isa: Detected,
    ) -> Self {
        let Elements { values: from, format, scales, scale_format, block } = elements;
        let (dim, outputs) = (from.dim(), from.ncols());
        let scales = scales.as_standard_layout();
        let of_scales = scales.mapv(|scale| power(scale, scale_format));
        let of_element = OfElement::new(format, extent);
        let mut values = zero_matrix(dim);
        let mut scale_powers = zero_matrix(dim);
        let mut powers = match powers {
            Powers::Wanted => zero_matrix(dim),
            Powers::Unwanted => Array2::zeros((dim.0, 0)),
        };
        let rows = (NUMBERS / outputs.max(1)).max(1);
        let tasks = from
            .axis_chunks_iter(Axis(0), rows)
            .zip(values.axis_chunks_iter_mut(Axis(0), rows))
            .zip(scale_powers.axis_chunks_iter_mut(Axis(0), rows))
            .zip(powers.axis_chunks_iter_mut(Axis(0), rows))
            .enumerate();
        tasks::for_each(tasks, |(task, (((from, mut values), mut alone), mut powers))| {
            values.assign(&from);
            let all = values.rows_mut().into_iter().zip(alone.rows_mut()).zip(powers.rows_mut());
            for (row, ((mut values, mut alone), mut powers)) in all.enumerate() {
                let of_block = (task * rows + row) / block;
                isa.vectorize(ScaleRow {
                    values: values.as_slice_mut().unwrap_or_default(),
                    alone: alone.as_slice_mut().unwrap_or_default(),
                    powers: powers.as_slice_mut().unwrap_or_default(),
                    scales: scales.row(of_block).to_slice().unwrap_or_default(),
                    of_scales: of_scales.row(of_block).to_slice().unwrap_or_default(),
                    of_element,
                });
            }
        });
        Self { values, powers: (powers.dim() == dim).then_some(powers), scale_powers }
    }
}

/// How the exponents of elements are found.
#[derive(Clone, Copy)]
enum OfElement {
    /// From their bits: they are no smaller than normal numbers of `f64`, and have no exponent below this power of two.
    Bits(f64),
    /// One by one.
    Digits(Format),
}

impl OfElement {
    fn new(format: Format, extent: &Extent) -> Self {
        let least = least_exponent(format);
        if extent.least_exponent > NORMAL && least.is_none_or(|least| least > NORMAL) {
            Self::Bits(least.map_or(0.0, power_of_two))
        } else {
            Self::Digits(format)
        }
    }
}

/// One row of elements.
struct ScaleRow<'a> {
    /// The elements, and then their products.
    values: &'a mut [f64],
    alone: &'a mut [f64],
    /// Nothing, where no register asks.
    powers: &'a mut [f64],
    scales: &'a [f64],
    of_scales: &'a [f64],
    of_element: OfElement,
}

impl Vectorized for ScaleRow<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { values, alone, powers, scales, of_scales, of_element } = self;
        for ((alone, &scale), &own) in alone.iter_mut().zip(of_scales).zip(&*values) {
            *alone = if own == 0.0 || !own.is_finite() { 0.0 } else { scale };
        }
        let all = powers.iter_mut().zip(&*alone).zip(&*values);
        match of_element {
            OfElement::Bits(least) => {
                for ((power, &alone), &own) in all {
                    let own = if own.is_finite() { power_of(own, least) } else { 0.0 };
                    *power = own * alone;
                }
            }
            OfElement::Digits(format) => {
                for ((to, &alone), &own) in all {
                    *to = power(own, format) * alone;
                }
            }
        }
        for (value, &scale) in values.iter_mut().zip(scales) {
            *value *= scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn scaled(values: &Array2<f64>, format: Format, scales: &Array2<f64>) -> Scaled {
        let isa = Detected::best();
        let extent = Extent::of_matrix(values.view(), isa);
        let elements = Elements {
            values: values.view(),
            format,
            scales: scales.view(),
            scale_format: Format::E4M3FNU,
            block: 2,
        };
        Scaled::new(elements, &extent, Powers::Wanted, isa)
    }

    #[test]
    fn elements_times_scales_by_hand() {
        // The least exponent of e2m1fn is 0, that of e4m3fnu -6.
        let values = array![[0.5, -6.0], [0.0, 1.5], [4.0, 0.5]];
        let scales = array![[1.5, 0.001953125], [2.0, 1.0]];
        let Scaled { values, powers, scale_powers } = scaled(&values, Format::E2M1FN, &scales);
        assert_eq!(values, array![[0.75, -0.01171875], [0.0, 0.0029296875], [8.0, 0.5]]);
        assert_eq!(scale_powers, array![[1.0, 0.015625], [0.0, 0.015625], [2.0, 1.0]]);
        assert_eq!(powers, Some(array![[1.0, 0.0625], [0.0, 0.015625], [8.0, 1.0]]));
    }

    #[test]
    fn exponents_from_bits_are_those_of_digits() {
        // Some hundred rows are several tasks.
        let value = |(row, col): (usize, usize)| match (row * 31 + col * 7) % 11 {
            0 => 0.0,
            1 => -0.0,
            2 => f64::INFINITY,
            3 => f64::NAN,
            place => (place as f64 - 6.5) * 2f64.powi((row % 40) as i32 - 20),
        };
        let ordinary = Array2::from_shape_fn((701, 33), value);
        let scales = Array2::from_shape_fn((351, 33), |(row, col)| (row + col) as f64 / 4.0);
        for format in [Format::F16, Format::E4M3FN, Format::F32, Format::POSIT16] {
            let found = scaled(&ordinary, format, &scales);
            // A number smaller than any normal one has exponents found one by one.
            let mut small = ordinary.clone();
            small[(700, 32)] = 5e-324;
            let extent = Extent::of_matrix(small.view(), Detected::best());
            assert!(matches!(OfElement::new(format, &extent), OfElement::Digits(_)));
            let one_by_one = scaled(&small, format, &scales);
            let (Some(one), Some(other)) = (found.powers, one_by_one.powers) else { panic!() };
            for ((at, one), other) in one.indexed_iter().zip(&other) {
                assert!(at == (700, 32) || one == other, "{format} {at:?}: {one}, not {other}");
            }
        }
    }
}
