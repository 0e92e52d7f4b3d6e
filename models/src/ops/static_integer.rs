//! `Quantize` with one scale that is known, to integers: in one pass.

use fewbit::formats::{Format, Overflow, Rounding};
use fewbit::quantize::{Quantizer, ScaleSource, ZeroPoint, ZeroPointSource};
use fewbit::tensor::Granularity;
use fewbit::{Vectorized, vectorize};
use rayon::prelude::*;

use super::parallel::change_all;

/// Elements of a task.
const TASK: usize = 1 << 15;
/// Adding and subtracting it rounds what is below `2^22` to a whole number, ties to even: the last place of the sum is 1.
pub(crate) const ROUNDING: f32 = 12_582_912.0;

/// A quantizer of integers of at most 16 bits with one scale and zero point, ties to even, saturating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StaticInteger {
    pub(crate) scale: f32,
    pub(crate) zero_point: f32,
    pub(crate) low: f32,
    pub(crate) high: f32,
}

impl StaticInteger {
    /// The quantizer in this form, if it has one.
    pub(crate) fn of(quantizer: &Quantizer) -> Option<Self> {
        let (scheme, policy) = (quantizer.scheme(), quantizer.policy());
        let Format::Int(format) = scheme.format else { return None };
        let plain = format.bits() <= 16
            && scheme.granularity == Granularity::Tensor
            && policy.rounding == Rounding::TiesEven
            && policy.overflow == Overflow::Saturate;
        let ScaleSource::Given(scale) = &quantizer.scale_rule().source else { return None };
        let zero_point = match &scheme.zero_point {
            ZeroPoint::Zero => 0.0,
            ZeroPoint::Shifted { source: ZeroPointSource::Given(zero), .. } => *zero.first()?,
            _ => return None,
        };
        let scale = *scale.first().filter(|scale| plain && scale.is_normal() && **scale > 0.0)?;
        let (low, high) = (format.min() as f32, format.max() as f32);
        Some(Self { scale, zero_point, low, high })
    }

    /// The values of the codes; `None` where an element is not finite.
    pub(crate) fn values(&self, x: &[f32]) -> Option<Vec<f32>> {
        let plan = *self;
        self.each(x, move |x| plan.value(plan.code(x)))
    }

    /// The codes as whole numbers; `None` where an element is not finite.
    pub(crate) fn codes<T: Send + Copy + Default>(
        &self,
        x: &[f32],
        of: impl Fn(f32) -> T + Sync + Send + Copy,
    ) -> Option<Vec<T>> {
        let plan = *self;
        self.each(x, move |x| of(plan.code(x)))
    }

    /// The codes of a format of at most 8 bits, in their low bits; `None` where an element is not finite.
    pub(crate) fn bytes(&self, x: &[f32]) -> Option<Vec<u8>> {
        let plan = *self;
        self.each(x, move |x| plan.byte(x))
    }

    /// Replaces numbers by the values of their codes; `false`, and nothing is replaced, where one is not finite.
    pub(crate) fn change(&self, x: &mut [f32]) -> bool {
        let finite = x.par_chunks(TASK).map(|x| vectorize(AreFinite(x)));
        if !finite.reduce(|| true, |a, b| a && b) {
            return false;
        }
        let plan = *self;
        change_all(x, move |x| plan.value(plan.code(x)));
        true
    }

    /// The value of a code.
    #[inline(always)]
    pub(super) fn value(&self, code: f32) -> f32 {
        (code - self.zero_point) * self.scale
    }

    /// The code of a finite number.
    #[inline(always)]
    pub(super) fn code(&self, x: f32) -> f32 {
        let Self { scale, zero_point, low, high } = *self;
        let near = (x / scale + zero_point).max(low - 1.0).min(high + 1.0);
        ((near + ROUNDING) - ROUNDING).max(low).min(high)
    }

    /// The code of a finite number, in the low 8 bits: of formats of at most 8 bits.
    #[inline(always)]
    pub(crate) fn byte(&self, x: f32) -> u8 {
        let Self { scale, zero_point, low, high } = *self;
        // The ends are whole numbers, so that it does not matter whether rounding comes before or behind them.
        let near = (x / scale + zero_point).max(low).min(high);
        // Of this sum, whose last place is 1, the low bits are those of the whole number.
        (near + ROUNDING).to_bits() as u8
    }

    /// The scale.
    pub(crate) fn scale(&self) -> f32 {
        self.scale
    }

    /// The least and the greatest code.
    pub(crate) fn ends(&self) -> (f32, f32) {
        (self.low, self.high)
    }

    /// The zero point.
    pub(crate) fn zero_point(&self) -> f32 {
        self.zero_point
    }

    fn each<T: Send + Copy + Default>(
        &self,
        x: &[f32],
        of: impl Fn(f32) -> T + Sync + Send + Copy,
    ) -> Option<Vec<T>> {
        let mut values = vec![T::default(); x.len()];
        let finite = values
            .par_chunks_mut(TASK)
            .zip(x.par_chunks(TASK))
            .map(|(values, x)| vectorize(Part { values, x, of }))
            .reduce(|| true, |a, b| a && b);
        finite.then_some(values)
    }
}

/// Exponent bits of what is not finite.
pub(super) const EXPONENT: u32 = 0x7f80_0000;

/// Codes of some numbers; whether all of these are finite.
struct Part<'a, T, F> {
    values: &'a mut [T],
    x: &'a [f32],
    of: F,
}

impl<T, F: Fn(f32) -> T> Vectorized for Part<'_, T, F> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let mut infinite = 0u32;
        for (value, &x) in self.values.iter_mut().zip(self.x) {
            infinite |= u32::from(x.to_bits() & EXPONENT == EXPONENT);
            *value = (self.of)(x);
        }
        infinite == 0
    }
}

/// Whether all numbers are finite.
struct AreFinite<'a>(&'a [f32]);

impl Vectorized for AreFinite<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let infinite = self.0.iter().map(|x| u32::from(x.to_bits() & EXPONENT == EXPONENT));
        infinite.fold(0, |any, one| any | one) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit::quantize::{Parameters, Preset, Recipe};
    use ndarray::{Array1, arr0};

    fn quantizer(preset: &str, bits: u32, scale: f32, zero: Option<f32>) -> Quantizer {
        let recipe = preset.parse::<&Preset>().and_then(|preset| preset.recipe());
        let recipe = recipe.and_then(|recipe| recipe.set("bit_width", bits.into()));
        let Ok(Recipe::Quantizer(quantizer)) = recipe else { panic!("a quantizer") };
        let zero_point = zero.map(|zero| arr0(zero).into_dyn());
        let parameters = Parameters { scale: arr0(scale).into_dyn(), zero_point };
        quantizer.with_parameters(parameters).expect("parameters")
    }

    #[test]
    fn the_values_are_those_of_the_quantizer() {
        // Every f32 whose low 13 bits are these: all exponents, both signs, ties and their neighbours.
        let every = (0..1u32 << 19).flat_map(|high| {
            [0u32, 1, 0xfff, 0x1000, 0x1fff].map(|low| f32::from_bits(high << 13 | low))
        });
        let x: Vec<f32> = every.filter(|x| x.is_finite()).collect();
        let x = Array1::from(x);
        for (preset, bits, scale, zero) in [
            ("Int8ActPerTensorFloat", 8, 0.037, None),
            ("Uint8ActPerTensorFloat", 4, 1.0, None),
            ("Int8ActPerTensorFloat", 3, 2.0f32.powi(-20), None),
            ("ShiftedUint8ActPerTensorFloat", 8, 0.1, Some(77.0)),
            ("Int8ActPerTensorFloat", 16, 3e-4, None),
        ] {
            let quantizer = quantizer(preset, bits, scale, zero);
            let plan = StaticInteger::of(&quantizer).expect("a plain one");
            let expected = quantizer.quantize(&x.view()).expect("codes").dequantize();
            let found = plan.values(x.as_slice().expect("a slice")).expect("all are finite");
            let wrong = x.iter().find(|&&x| {
                let code = plan.code(x);
                bits <= 8 && plan.byte(x) != if code < 0.0 { code as i8 as u8 } else { code as u8 }
            });
            assert_eq!(wrong, None, "{preset} {bits}");
            let mut changed = x.to_vec();
            assert!(plan.change(&mut changed), "all are finite");
            assert!(changed.iter().zip(&found).all(|(a, b)| a.to_bits() == b.to_bits()));
            let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
            let wrong = found.iter().zip(&expected).position(|pair| !same(pair));
            assert_eq!(wrong.map(|at| (x[at], found[at], expected[at])), None, "{preset} {bits}");
        }
    }

    #[test]
    fn what_is_not_finite_is_left_to_the_quantizer() {
        let plan = StaticInteger::of(&quantizer("Int8ActPerTensorFloat", 8, 0.1, None));
        let plan = plan.expect("a plain one");
        assert!(plan.values(&[1.0, f32::NAN]).is_none());
        assert!(plan.values(&[f32::INFINITY]).is_none());
        let mut kept = [1.0, f32::NEG_INFINITY];
        assert!(!plan.change(&mut kept) && kept == [1.0, f32::NEG_INFINITY]);
        assert!(plan.values(&[f32::MAX, -0.0, f32::MIN_POSITIVE]).is_some());
    }
}
