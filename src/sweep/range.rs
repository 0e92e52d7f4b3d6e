//! Ranges of widths of registers.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::template::TemplateError;

/// Numbers of bits of registers, both ends included, within 2 to 64; as text `8..24`, or `16` for one alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitRange(RangeInclusive<u32>);

impl BitRange {
    /// Both ends included.
    ///
    /// # Errors
    /// A range that falls, or that leaves 2 to 64.
    pub fn new(bits: RangeInclusive<u32>) -> Result<Self, TemplateError> {
        let (first, last) = (*bits.start(), *bits.end());
        if first > last || first < 2 || last > 64 {
            return Err(TemplateError::Bits(format!("{first}..{last}")));
        }
        Ok(Self(bits))
    }

    /// The numbers, rising.
    pub fn bits(&self) -> impl ExactSizeIterator<Item = u32> + use<> {
        let first = *self.0.start();
        (0..self.len()).map(move |index| first + index as u32)
    }

    /// How many there are, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        (self.0.end() - self.0.start()) as usize + 1
    }
}

impl FromStr for BitRange {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let unreadable = || TemplateError::Range(text.into());
        let number = |part: &str| part.trim().parse::<u32>().map_err(|_| unreadable());
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last.trim_start_matches('='))?),
            None => (number(text)?, number(text)?),
        };
        Self::new(first..=last).map_err(|_| TemplateError::Bits(text.into()))
    }
}
