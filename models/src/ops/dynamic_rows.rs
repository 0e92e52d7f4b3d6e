//! `Quantize` with a scale and a zero point of every row's own, to integers: extremes, parameters and codes in one pass.

use fewbit::formats::{Format, Overflow, Rounding};
use fewbit::quantize::{
    Quantizer, Restriction, ScaleFloor, ScaleSource, Statistic, Threshold, ZeroPoint,
    ZeroPointRounding, ZeroPointSource,
};
use fewbit::tensor::Granularity;
use fewbit::{Vectorized, vectorize};
use ndarray::{ArcArray, IxDyn};
use rayon::prelude::*;

use super::static_integer::{EXPONENT, StaticInteger};

/// Elements of a task, about.
const TASK: usize = 1 << 14;
/// Extremes are looked for in so many lanes.
const LANES: usize = 16;

/// A quantizer of integers of at most 16 bits, ties to even, saturating, whose scales are a range or a magnitude of each row over a
/// number, and whose zero points put the least element on the lowest code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DynamicRows {
    statistic: Statistic,
    floor: ScaleFloor,
    threshold: f32,
    zero: Zero,
    low: f32,
    high: f32,
    extent: Extent,
}

/// Which elements share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Row,
    Tensor,
}

/// What a zero point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zero {
    None,
    /// Any number of codes.
    Float,
    /// One of the codes.
    Code,
}

/// Codes or values, and the parameters of every row.
pub(crate) struct OfRows<T> {
    pub(crate) elements: Vec<T>,
    pub(crate) scales: Vec<f32>,
    pub(crate) zero_points: Option<Vec<f32>>,
}

impl DynamicRows {
    /// The quantizer in this form, if it has one.
    pub(crate) fn of(quantizer: &Quantizer) -> Option<Self> {
        let (scheme, policy, rule) =
            (quantizer.scheme(), quantizer.policy(), quantizer.scale_rule());
        let Format::Int(format) = scheme.format else { return None };
        let ScaleSource::Statistic(statistic) = rule.source else { return None };
        let is_plain = [&rule.restriction, &rule.threshold_restriction, &rule.ratio_restriction]
            .iter()
            .all(|restriction| **restriction == Restriction::Float);
        let suits = is_plain
            && matches!(statistic, Statistic::AbsMax | Statistic::MinMax | Statistic::Range)
            && format.bits() <= 16
            && policy.rounding == Rounding::TiesEven
            && policy.overflow == Overflow::Saturate;
        if !suits {
            return None;
        }
        let extent = match scheme.granularity {
            Granularity::Row => Extent::Row,
            Granularity::Tensor => Extent::Tensor,
            _ => return None,
        };
        let zero = match &scheme.zero_point {
            ZeroPoint::Zero => Zero::None,
            ZeroPoint::Shifted { source: ZeroPointSource::Minimum, rounding } => match rounding {
                ZeroPointRounding::Float => Zero::Float,
                ZeroPointRounding::Code => Zero::Code,
                _ => return None,
            },
            _ => return None,
        };
        let (low, high) = (format.min() as f32, format.max() as f32);
        let threshold = match rule.threshold {
            Threshold::Largest if format.is_signed() => -low,
            Threshold::Largest => high,
            Threshold::Value(value) => value,
            _ => return None,
        };
        Some(Self { statistic, floor: rule.floor, threshold, zero, low, high, extent })
    }

    /// The values of the codes; `None` where an element is not finite, and where it has no rows.
    pub(crate) fn values(&self, x: &ArcArray<f32, IxDyn>) -> Option<Vec<f32>> {
        Some(self.each(x, |plan, code| plan.value(code))?.elements)
    }

    /// The codes as whole numbers, with scales and zero points; `None` as for [`Self::values`].
    pub(crate) fn codes<T: Send + Copy + Default>(
        &self,
        x: &ArcArray<f32, IxDyn>,
        of: impl Fn(f32) -> T + Sync + Send + Copy,
    ) -> Option<OfRows<T>> {
        self.each(x, move |_, code| of(code))
    }

    fn each<T: Send + Copy + Default>(
        &self,
        x: &ArcArray<f32, IxDyn>,
        of: impl Fn(&StaticInteger, f32) -> T + Sync + Send + Copy,
    ) -> Option<OfRows<T>> {
        let length = match self.extent {
            Extent::Row => *x.shape().last()?,
            Extent::Tensor => x.len(),
        };
        let x = x.as_slice().filter(|x| !x.is_empty())?;
        let mut elements = vec![T::default(); x.len()];
        let none = StaticInteger { scale: 0.0, zero_point: 0.0, low: self.low, high: self.high };
        let mut plans = vec![none; x.len() / length];
        let together = (TASK / length).max(1);
        let found = elements
            .par_chunks_mut(length * together)
            .zip(x.par_chunks(length * together))
            .zip(plans.par_chunks_mut(together))
            .map(|((elements, x), plans)| {
                vectorize(Part { rule: *self, length, elements, x, plans, of })
            });
        if !found.reduce(|| true, |a, b| a && b) {
            return None;
        }
        let scales = plans.iter().map(|plan| plan.scale).collect();
        let zero_points = plans.iter().map(|plan| plan.zero_point);
        let zero_points = (self.zero != Zero::None).then(|| zero_points.collect());
        Some(OfRows { elements, scales, zero_points })
    }

    /// The scale and the zero point of a row with these extremes.
    #[inline(always)]
    fn plan(&self, least: f32, most: f32) -> StaticInteger {
        let below = if least > 0.0 { 0.0 } else { least };
        let statistic = match self.statistic {
            Statistic::AbsMax => least.abs().max(most.abs()),
            Statistic::Range => most.max(0.0) - least.min(0.0),
            _ => (most - below).abs(),
        };
        let at_least = |x: f32, least: f32| if x.abs() < least { least } else { x.abs() };
        let scale = match self.floor {
            ScaleFloor::Statistic(floor) | ScaleFloor::Restricted(floor) => {
                at_least(statistic, floor) / self.threshold
            }
            ScaleFloor::Scale(floor) => at_least(statistic / self.threshold, floor),
            ScaleFloor::Collected(floor) => {
                at_least(at_least(statistic, floor) / self.threshold, floor)
            }
            _ => statistic / self.threshold,
        };
        let exact = below.abs() / scale + self.low;
        let zero_point = match self.zero {
            Zero::None => 0.0,
            Zero::Float => exact,
            Zero::Code => exact.round_ties_even().max(self.low).min(self.high),
        };
        StaticInteger { scale, zero_point, low: self.low, high: self.high }
    }
}

/// Some rows; whether all of their elements are finite and all of their scales normal.
struct Part<'a, T, F> {
    rule: DynamicRows,
    length: usize,
    elements: &'a mut [T],
    x: &'a [f32],
    plans: &'a mut [StaticInteger],
    of: F,
}

impl<T, F: Fn(&StaticInteger, f32) -> T> Vectorized for Part<'_, T, F> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let Self { rule, length, elements, x, plans, of } = self;
        let rows = elements.chunks_exact_mut(length).zip(x.chunks_exact(length));
        for ((elements, x), kept) in rows.zip(plans) {
            let Some((least, most)) = extremes(x) else { return false };
            let plan = rule.plan(least, most);
            if !plan.scale.is_normal() {
                return false;
            }
            *kept = plan;
            for (element, &x) in elements.iter_mut().zip(x) {
                *element = of(&plan, plan.code(x));
            }
        }
        true
    }
}

/// The least and the greatest element; `None` where one is not finite.
#[inline(always)]
fn extremes(x: &[f32]) -> Option<(f32, f32)> {
    let (mut least, mut most) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let mut infinite = [0u32; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut last = [*x.first()?; LANES];
    last[..rest.len()].copy_from_slice(rest);
    for chunk in chunks.iter().chain(std::iter::once(&last)) {
        for lane in 0..LANES {
            let x = chunk[lane];
            least[lane] = if x < least[lane] { x } else { least[lane] };
            most[lane] = if x > most[lane] { x } else { most[lane] };
            infinite[lane] |= u32::from(x.to_bits() & EXPONENT == EXPONENT);
        }
    }
    if infinite.iter().any(|&any| any != 0) {
        return None;
    }
    let least = least.into_iter().fold(f32::INFINITY, f32::min);
    Some((least, most.into_iter().fold(f32::NEG_INFINITY, f32::max)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit::quantize::{Preset, Recipe, Scheme};
    use ndarray::Array2;

    fn quantizer(preset: &str, bits: u32) -> Quantizer {
        let recipe = preset.parse::<&Preset>().and_then(|preset| preset.recipe());
        let recipe = recipe.and_then(|recipe| recipe.set("bit_width", bits.into()));
        let Ok(Recipe::Quantizer(quantizer)) = recipe else { panic!("a quantizer") };
        quantizer
    }

    fn with_float_zero_points(quantizer: Quantizer) -> Quantizer {
        let zero_point = ZeroPoint::Shifted {
            source: ZeroPointSource::Minimum,
            rounding: ZeroPointRounding::Float,
        };
        let scheme: Scheme = quantizer.scheme().clone().with_zero_point(zero_point);
        quantizer.with_scheme(scheme).expect("a scheme")
    }

    /// Rows of many magnitudes: of either sign, of one sign, of zeros, of equal numbers, of subnormal ones.
    fn rows(length: usize) -> ArcArray<f32, IxDyn> {
        let x = Array2::from_shape_fn((97, length), |(row, column)| {
            let x = ((row * length + column + 1) as f64 * 0.618_033_988_749_894_9).fract() - 0.5;
            let size = 2f64.powi(row as i32 % 40 - 20);
            let x = (x * size) as f32;
            match row % 7 {
                0 => x.abs(),
                1 => -x.abs(),
                2 if row < 20 => 0.0,
                3 if row < 20 => -3.25,
                4 if row < 20 => f32::from_bits(column as u32),
                _ => x,
            }
        });
        x.into_dyn().into_shared()
    }

    #[test]
    fn codes_scales_and_zero_points_are_those_of_the_quantizer() {
        let shifted = quantizer("ShiftedUint8DynamicActPerRowFloat", 8);
        let quantizers = [
            quantizer("Int8DynamicActPerRowFloat", 8),
            quantizer("Int8DynamicActPerRowFloat", 4),
            with_float_zero_points(shifted.clone()),
            with_float_zero_points(quantizer("ShiftedUint8DynamicActPerRowFloat", 3)),
            shifted,
            quantizer("Int8DynamicActPerTensorFloat", 8),
            with_float_zero_points(quantizer("ShiftedUint8DynamicActPerTensorFloat", 8)),
        ];
        for quantizer in quantizers {
            for length in [1, 5, 16, 33, 576] {
                let x = rows(length);
                let plan = DynamicRows::of(&quantizer).expect("rows");
                let expected = quantizer.quantize(&x.view()).expect("codes");
                let found = plan.codes(&x, |code| code as i64).expect("finite rows");
                let ints = expected.ints().expect("integers");
                assert!(ints.iter().eq(&found.elements), "{quantizer:?} {length}");
                let same = |a: &mut dyn Iterator<Item = &f32>, b: &[f32]| {
                    a.map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits()))
                };
                assert!(same(&mut expected.scale().iter(), &found.scales), "{length}");
                let zeros = found.zero_points.unwrap_or_default();
                let expected_zeros = expected.zero_point().map(|zero| zero.iter());
                assert!(same(&mut expected_zeros.into_iter().flatten(), &zeros), "{length}");
                let values = plan.values(&x).expect("finite rows");
                assert!(same(&mut expected.dequantize().iter(), &values), "{length}");
            }
        }
    }

    #[test]
    fn the_rest_is_left_to_the_quantizer() {
        let dynamic = quantizer("Int8DynamicActPerRowFloat", 8);
        let plan = DynamicRows::of(&dynamic).expect("rows");
        let of = |x: &[f32]| plan.values(&ndarray::arr1(x).into_dyn().into_shared());
        assert!(of(&[1.0, f32::NAN]).is_none() && of(&[f32::INFINITY]).is_none());
        assert!(of(&[]).is_none() && of(&[1.0, -0.0]).is_some());
        for other in ["Int8DynamicActPerRowFixedPoint", "Int8DynamicActPerGroupFloat"] {
            assert_eq!(DynamicRows::of(&quantizer(other, 8)), None, "{other}");
        }
    }
}
