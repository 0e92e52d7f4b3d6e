//! An accumulator's values as the next layer's integers.

use fewbit_formats::{Format, IntFormat, philox};

use super::VectorClass;
use super::draw::Draw;
use super::field::{FieldFormat, FieldRole, VectorField};
use super::scalar::{is_random, random_field};
use crate::reference::requantize::element;
use crate::requantize::{Requantization, RequantizePolicy};

/// A requantization of values of an integer format.
///
/// Where numbers are per channel, a vector has the channel; its place in the array, which the random bits of a stochastic
/// rounding depend on, is `vector * channels + channel`.
#[derive(Clone, Debug, PartialEq)]
pub struct RequantizeJob {
    /// The format of values.
    pub from: IntFormat,
    /// The policy and its numbers.
    pub by: Requantization,
}

impl RequantizeJob {
    /// The same with the seed of all of the vectors.
    pub(super) fn seeded(&self, seed: u64) -> Requantization {
        self.by.clone().with_seed(seed)
    }

    fn channels(&self) -> u64 {
        self.by.channels().unwrap_or(1).max(1) as u64
    }

    fn is_random(&self) -> bool {
        match self.by.policy() {
            RequantizePolicy::Exact(mode) | RequantizePolicy::Shift(mode) => is_random(mode),
            _ => false,
        }
    }

    pub(super) fn fields(&self) -> Vec<VectorField> {
        let from = FieldFormat::Codes(Format::Int(self.from));
        let mut fields = vec![VectorField::new("value", FieldRole::Input, from, &[])];
        if self.channels() > 1 {
            let bits = u64::BITS - (self.channels() - 1).leading_zeros();
            let channel = FieldFormat::Unsigned(bits);
            fields.push(VectorField::new("channel", FieldRole::Input, channel, &[]));
        }
        if self.is_random() {
            fields.push(random_field(&[]));
        }
        let to = FieldFormat::Codes(Format::Int(self.by.format()));
        fields.push(VectorField::new("result", FieldRole::Expected, to, &[]));
        fields
    }

    /// The place of a vector in the array, from its channel.
    pub(super) fn place(&self, inputs: &[u64], index: u64) -> Result<u64, String> {
        let channel = inputs.get(1).copied().filter(|_| self.channels() > 1).unwrap_or(0);
        if channel >= self.channels() {
            return Err(format!("there is no channel {channel} of {}", self.channels()));
        }
        Ok(index.wrapping_mul(self.channels()).wrapping_add(channel))
    }

    /// The row of these inputs.
    pub(super) fn complete(
        &self,
        inputs: &[u64],
        seed: u64,
        index: u64,
    ) -> Result<Vec<u64>, String> {
        let code = inputs.first().copied().unwrap_or(0) as u32;
        let value = self.from.value(code);
        let value = value.ok_or_else(|| format!("{code:#x} is no code of {}", self.from))?;
        let place = self.place(inputs, index)?;
        let output = element(&self.seeded(seed), place as usize, value);
        let output = output.map_err(|error| error.to_string())?;
        let mut row = inputs.to_vec();
        if self.is_random() {
            row.push(philox::bits(seed, place).into());
        }
        row.push(self.by.format().code(output).into());
        Ok(row)
    }

    /// The directed classes.
    pub(super) fn classes(&self) -> &'static [VectorClass] {
        &[VectorClass::Steps, VectorClass::Overflow, VectorClass::Extremes]
    }

    /// A value of a class, and its channel.
    pub(super) fn stimulus(&self, class: VectorClass, draw: &mut Draw) -> Option<Vec<u64>> {
        let (low, high) = (self.from.min(), self.from.max());
        let channel = draw.below(self.channels());
        let to = self.by.format();
        let near = |value: i64, draw: &mut Draw| {
            value.saturating_add(draw.between(-2, 1)).clamp(low, high)
        };
        let value = match class {
            VectorClass::Steps => {
                let output = draw.between(to.min().saturating_add(1), to.max());
                near(self.first_at(output, channel)?, draw)
            }
            VectorClass::Overflow => {
                let output = if draw.coin() { to.max() } else { to.min().saturating_add(1) };
                near(self.first_at(output, channel)?, draw)
            }
            VectorClass::Extremes => {
                let bit = 1i64.checked_shl(draw.below(self.from.bits().into()) as u32).unwrap_or(1);
                let values = [low, low + 1, -1, 0, 1, high - 1, high, bit, -bit, bit - 1, 1 - bit];
                draw.one(&values)?.clamp(low, high)
            }
            _ => draw.between(low, high),
        };
        let mut inputs = vec![u64::from(self.from.code(value))];
        if self.channels() > 1 {
            inputs.push(channel);
        }
        Some(inputs)
    }

    /// The first value whose output is at least this one, by bisection; `None` where there is none, or where values on the
    /// way are refused.
    fn first_at(&self, output: i64, channel: u64) -> Option<i64> {
        let reaches = |value: i64| {
            element(&self.by, channel as usize, value).ok().map(|found| found >= output)
        };
        // Values that the policy refuses lie at the ends.
        let (mut low, mut high) = (self.from.min(), self.from.max());
        while low < 0 && reaches(low).is_none() {
            low /= 2;
        }
        while high > 0 && reaches(high).is_none() {
            high /= 2;
        }
        if reaches(low)? || !reaches(high)? {
            return None;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reaches(middle)? { high = middle } else { low = middle }
        }
        Some(high)
    }
}
