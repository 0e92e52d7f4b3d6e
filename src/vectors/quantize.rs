//! Numbers as codes: under one scale that is given, or in groups that have their own.

use fewbit_formats::{
    BlockScale, Format, GroupFormat, GroupPolicy, GroupZeroPoint, Policy, Real, philox,
};

use super::field::{FieldFormat, FieldRole, VectorField};
use super::scalar::{is_random, random_field};
use super::{VectorClass, VectorError, codes, draw::Draw};
use crate::reference::quantize::code;

/// What numbers become.
#[derive(Clone, Debug, PartialEq)]
pub enum QuantizeTarget {
    /// Codes of `x / scale + zero point`, as [`reference::quantize::code`](crate::reference::quantize::code) has it.
    Scaled {
        /// Their format.
        format: Format,
        /// The scale.
        scale: f32,
        /// The zero point, of integers.
        zero_point: f32,
        /// How quotients are rounded.
        policy: Policy,
    },
    /// A run of groups with their scales, a tensor of its own.
    Groups {
        /// Their format.
        format: GroupFormat,
        /// How scales and elements are chosen.
        policy: GroupPolicy,
    },
}

/// A quantization: the format that numbers come in, all of whose values are float32, and what they become.
///
/// A vector of groups is a tensor of one run: one group, or the groups whose scales are coupled.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizeJob {
    from: Format,
    target: QuantizeTarget,
}

/// Binades over which the elements of a group are drawn.
const BINADES: i64 = 8;

impl QuantizeJob {
    /// A quantization of numbers of `from`.
    ///
    /// # Errors
    /// A format with values that float32 does not have; a scale that is not positive and finite; policies that cannot be
    /// followed.
    ///
    /// ```
    /// use fewbit::formats::{Format, GroupFormat, PolicyPreset};
    /// use fewbit::vectors::{QuantizeJob, QuantizeTarget};
    /// let format = GroupFormat::MXFP4;
    /// let policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&format);
    /// let target = QuantizeTarget::Groups { format, policy };
    /// assert!(QuantizeJob::new(Format::F32, target.clone()).is_ok());
    /// assert!(QuantizeJob::new("int32".parse().unwrap(), target).is_err());
    /// ```
    pub fn new(from: Format, target: QuantizeTarget) -> Result<Self, VectorError> {
        let entry = |key: &str, found: String, reason: String| {
            Err(VectorError::Entry { key: key.into(), found, reason })
        };
        if !from.fits_f32() {
            return entry(
                "from",
                from.to_string(),
                "float32 does not have all of its values".into(),
            );
        }
        match &target {
            QuantizeTarget::Scaled { scale, zero_point, policy, format } => {
                if !(*scale > 0.0 && scale.is_finite()) {
                    return entry("scale", scale.to_string(), "expected a positive number".into());
                }
                if !zero_point.is_finite() {
                    let reason = "expected a finite number".into();
                    return entry("zero_point", zero_point.to_string(), reason);
                }
                codes::check_overflow(*format, policy)?;
            }
            QuantizeTarget::Groups { policy, format } => {
                codes::check_overflow(format.element(), &policy.element)?;
                if let Err(error) = policy.check() {
                    let found = policy.scale_code.rounding.to_string();
                    return entry("scale_code.rounding", found, error.to_string());
                }
                if format.size().saturating_mul(format.coupled()) > 1 << 16 {
                    let reason = "a vector has at most 65536 elements".into();
                    return entry("to", format.to_string(), reason);
                }
            }
        }
        Ok(Self { from, target })
    }

    /// The format that numbers come in.
    #[must_use]
    pub fn from(&self) -> Format {
        self.from
    }

    /// What they become.
    #[must_use]
    pub fn target(&self) -> &QuantizeTarget {
        &self.target
    }

    pub(super) fn fields(&self) -> Vec<VectorField> {
        let input = |shape: &[usize]| {
            VectorField::new("x", FieldRole::Input, FieldFormat::Codes(self.from), shape)
        };
        let expected = |name: &str, format: Format, shape: &[usize]| {
            VectorField::new(name, FieldRole::Expected, FieldFormat::Codes(format), shape)
        };
        match &self.target {
            QuantizeTarget::Scaled { format, policy, .. } => {
                let mut fields = vec![input(&[])];
                if is_random(policy.rounding) {
                    fields.push(random_field(&[]));
                }
                fields.push(expected("result", *format, &[]));
                let flags = FieldFormat::Unsigned(5);
                fields.push(VectorField::new("flags", FieldRole::Expected, flags, &[]));
                fields
            }
            QuantizeTarget::Groups { format, policy } => {
                let groups = format.coupled();
                let elements = format.size() * groups;
                let mut fields = vec![input(&[elements])];
                if is_random(policy.element.rounding) {
                    fields.push(random_field(&[elements]));
                }
                fields.push(expected("result", format.element(), &[elements]));
                fields.push(expected("scale", format.scale().format, &[groups]));
                if format.zero_point() == GroupZeroPoint::Code {
                    fields.push(expected("zero_point", format.element(), &[groups]));
                }
                if let Some(outer) = format.scale().outer {
                    fields.push(expected("outer_scale", outer.format, &[]));
                }
                fields
            }
        }
    }

    /// The row of these inputs.
    pub(super) fn complete(
        &self,
        inputs: &[u64],
        seed: u64,
        index: u64,
    ) -> Result<Vec<u64>, String> {
        let x: Vec<f32> = inputs.iter().map(|&word| self.from.decode(word as u32) as f32).collect();
        let mut row = inputs.to_vec();
        match &self.target {
            QuantizeTarget::Scaled { format, scale, zero_point, policy } => {
                let x = x.first().copied().unwrap_or(0.0);
                let random = philox::bits(seed, index);
                let encoded = code(x, *scale, *zero_point, (*format).into(), policy, random);
                let encoded = encoded.map_err(|error| error.to_string())?;
                if is_random(policy.rounding) {
                    row.push(random.into());
                }
                row.extend([u64::from(encoded.code), u64::from(encoded.status.bits())]);
            }
            QuantizeTarget::Groups { format, policy } => {
                let random = |element: usize| {
                    let place = index.wrapping_mul(x.len() as u64).wrapping_add(element as u64);
                    philox::bits(seed, place)
                };
                let magnitudes = x.iter().map(|&x| format.outer_magnitude(x, policy));
                let amax =
                    magnitudes.fold(0f32, |most, x| if x > most || x.is_nan() { x } else { most });
                let outer = format.outer_scale(amax, policy).map_err(|error| error.to_string())?;
                let mut found = vec![0; x.len()];
                let mut scales = vec![BlockScale::default(); format.coupled()];
                format
                    .encode_run(&x, outer.as_ref(), policy, random, &mut found, &mut scales)
                    .map_err(|error| error.to_string())?;
                if is_random(policy.element.rounding) {
                    row.extend((0..x.len()).map(|element| u64::from(random(element))));
                }
                row.extend(found.into_iter().map(u64::from));
                row.extend(scales.iter().map(|scale| u64::from(scale.code)));
                if format.zero_point() == GroupZeroPoint::Code {
                    row.extend(scales.iter().map(|scale| u64::from(scale.zero_point)));
                }
                row.extend(outer.map(|outer| u64::from(outer.code)));
            }
        }
        Ok(row)
    }

    /// The directed classes.
    pub(super) fn classes(&self) -> &'static [VectorClass] {
        use VectorClass::{Extremes, Overflow, Specials, Subnormals, Ties};
        &[Ties, Overflow, Subnormals, Specials, Extremes]
    }

    /// Numbers of a class.
    pub(super) fn stimulus(&self, class: VectorClass, draw: &mut Draw) -> Option<Vec<u64>> {
        let (elements, target, unit) = match &self.target {
            QuantizeTarget::Scaled { format, scale, .. } => (1, *format, Real::from_f32(*scale)),
            QuantizeTarget::Groups { format, .. } => {
                let unit = Real::from_scaled(false, 1, draw.between(-20, 20) as i32);
                (format.size() * format.coupled(), format.element(), unit)
            }
        };
        let one = |draw: &mut Draw| match class {
            VectorClass::Ties => self.tie(target, unit, draw),
            VectorClass::Overflow => {
                // At and around the largest element, in eighths of it.
                let largest = Real::from_f64(target.max_finite()).product(unit).value;
                let part = Real::from_scaled(draw.coin(), u128::from(4 + draw.below(12)), -3);
                codes::nearest(self.from, largest.product(part).value)
            }
            VectorClass::Subnormals => {
                let list = codes::subnormals(self.from);
                let normal = target.smallest_normal().unwrap_or(target.smallest_positive());
                let part = Real::from_scaled(draw.coin(), u128::from(draw.below(9)), -2);
                let small = Real::from_f64(normal).product(unit).value.product(part).value;
                match draw.coin() && !list.is_empty() {
                    true => draw.one(&list),
                    false => codes::nearest(self.from, small),
                }
            }
            VectorClass::Specials => match draw.below(3) {
                0 => draw.one(&codes::specials(self.from)),
                _ => self.any(unit, draw),
            },
            VectorClass::Extremes => draw.one(&codes::extremes(self.from)),
            _ => match self.target {
                QuantizeTarget::Scaled { .. } => codes::any(self.from, draw),
                QuantizeTarget::Groups { .. } => self.any(unit, draw),
            },
        };
        let drawn: Option<Vec<u32>> = (0..elements).map(|_| one(draw)).collect();
        drawn.map(|codes| codes.into_iter().map(u64::from).collect())
    }

    /// A number within a few binades below the unit.
    fn any(&self, unit: Real, draw: &mut Draw) -> Option<u32> {
        let exponent = -(draw.below(BINADES as u64) as i32) - 23;
        let number =
            Real::from_scaled(draw.coin(), u128::from((1 << 23) | draw.below(1 << 23)), exponent);
        codes::nearest(self.from, number.product(unit).value)
    }

    /// The middle of two elements, in units of the scale.
    fn tie(&self, format: Format, unit: Real, draw: &mut Draw) -> Option<u32> {
        (0..codes::TRIES).find_map(|_| {
            let code = codes::finite(format, draw)?;
            let next = code.wrapping_add(1);
            if !codes::is_finite(format, next) {
                return None;
            }
            let sum = format
                .decode_real(code)
                .sum(format.decode_real(next), fewbit_formats::Rounding::TiesEven);
            let half = Real::from_f64(0.5);
            codes::nearest(self.from, sum.value.product(half).value.product(unit).value)
        })
    }
}
