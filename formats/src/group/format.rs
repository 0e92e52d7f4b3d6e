//! What a group is made of.

use super::error::GroupFormatError;
use crate::float::Signedness;
use crate::format::Format;
use crate::integer::{IntFormat, IntRange};
use crate::named::Excerpt;
use crate::real::Real;

/// Elements of one format that share a scale.
///
/// ```
/// use fewbit_formats::{Format, GroupFormat};
/// let mxfp4: GroupFormat = "mxfp4".parse().unwrap();
/// assert_eq!(mxfp4, "mx(e2m1fn,e8m0fnu,32)".parse().unwrap());
/// assert_eq!(mxfp4.to_string(), "mxfp4");
/// let nvfp4: GroupFormat = "mx(e2m1fn,e4m3fn*f32,16)".parse().unwrap();
/// assert_eq!(nvfp4.to_string(), "nvfp4");
/// let hierarchical: GroupFormat = "mx(int4,uint6*f16/8,32)".parse().unwrap();
/// assert_eq!(hierarchical.scale().outer.unwrap().format, Format::F16);
/// assert_eq!(hierarchical.bits_per_element(), 4.0 + 6.0 / 32.0 + 16.0 / 256.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupFormat {
    pub(super) element: Format,
    pub(super) scale: ScaleFormat,
    pub(super) size: u32,
    pub(super) zero_point: GroupZeroPoint,
    pub(super) coupled: u16,
}

/// What the scale of a block is, and the scale above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScaleFormat {
    /// The format of a block's own scale.
    pub format: Format,
    /// The scale that several blocks share, if there is one.
    pub outer: Option<Outer>,
}

/// A scale of scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outer {
    /// Its format.
    pub format: Format,
    /// Who shares it.
    pub span: Span,
}

/// Which blocks share an outer scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// All of the tensor.
    Tensor,
    /// As many consecutive ones; the last ones of a row may be fewer.
    Groups(u32),
}

/// Whether the codes of a group are shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupZeroPoint {
    /// Zero is code zero.
    None,
    /// One code per block stands for zero.
    Code,
}

/// The largest group, and the most groups that share an outer scale.
const MOST: u32 = 1 << 24;
/// Scales up to here leave room for an outer one.
const OUTER_LIMIT: f64 = (1u128 << 64) as f64;

impl GroupFormat {
    /// The format of these parts.
    ///
    /// # Errors
    /// A group of no elements or of more than 2^24; an element or scale without positive values; an outer scale that
    /// no group shares, or above scales that reach beyond 2^64; a zero point in a format that is not an integer of full
    /// range of at most 16 bits.
    pub fn new(
        element: Format,
        scale: ScaleFormat,
        size: u32,
        zero_point: GroupZeroPoint,
    ) -> Result<Self, GroupFormatError> {
        if size == 0 || size > MOST {
            return Err(GroupFormatError::Size(number(size)));
        }
        if !has_positive(element) {
            return Err(GroupFormatError::Element(element));
        }
        let holds_scales =
            |format| has_positive(format) && !matches!(format, Format::Binary | Format::Ternary);
        if !holds_scales(scale.format) {
            return Err(GroupFormatError::Scale(scale.format));
        }
        if let Some(outer) = scale.outer {
            if !holds_scales(outer.format) {
                return Err(GroupFormatError::Scale(outer.format));
            }
            match outer.span {
                Span::Groups(count) if count == 0 || count > MOST => {
                    return Err(GroupFormatError::Count(number(count)));
                }
                _ if scale.format.max_finite() > OUTER_LIMIT => {
                    return Err(GroupFormatError::OuterRange(scale.format));
                }
                _ => {}
            }
        }
        let shifted = |int: IntFormat| int.range() == IntRange::Full && int.bits() <= 16;
        match (zero_point, element) {
            (GroupZeroPoint::None, _) => {}
            (GroupZeroPoint::Code, Format::Int(int)) if shifted(int) => {}
            (GroupZeroPoint::Code, _) => return Err(GroupFormatError::ZeroPoint(element)),
        }
        Ok(Self { element, scale, size, zero_point, coupled: 1 })
    }

    /// With scales that are coupled: those of `groups` consecutive groups of a row, counted from its beginning or from
    /// that of an outer scale, differ by one power of two at most. Each is at least half of the largest of them, which
    /// takes one bit for all and one for each group, where every scale of the format takes more.
    ///
    /// ```
    /// use fewbit_formats::GroupFormat;
    /// let hif4: GroupFormat = "hif4".parse().unwrap();
    /// assert_eq!((hif4.size(), hif4.coupled()), (4, 2));
    /// assert_eq!(hif4, "mx(e1m2b1fn,ue2m0*ue6m2/16,4,coupled2)".parse().unwrap());
    /// assert_eq!(hif4.bits_per_element(), 4.5); // 4, and 16 + 8 + 8 bits per 64 elements
    /// ```
    ///
    /// # Errors
    /// None or more than 65535 groups; scales that are not powers of two alone, of at least two exponents; an outer scale
    /// over a number of groups that is no multiple of this one; a zero point.
    pub fn with_coupled(self, groups: u32) -> Result<Self, GroupFormatError> {
        let coupled = match u16::try_from(groups) {
            Ok(coupled) if coupled > 0 => coupled,
            _ => return Err(GroupFormatError::Coupled(number(groups))),
        };
        let scale = self.scale.format;
        let has_levels = has_powers_alone(scale) && scale.max_finite() > scale.smallest_positive();
        let fits = match self.scale.outer {
            Some(Outer { span: Span::Groups(count), .. }) => count.is_multiple_of(groups),
            Some(Outer { span: Span::Tensor, .. }) | None => true,
        };
        if groups > 1 && !(has_levels && fits && self.zero_point == GroupZeroPoint::None) {
            return Err(GroupFormatError::Coupling(scale));
        }
        Ok(Self { coupled, ..self })
    }

    /// Consecutive groups whose scales are coupled ([`Self::with_coupled`]); 1 where they are not.
    #[must_use]
    pub const fn coupled(&self) -> usize {
        self.coupled as usize
    }

    /// The format of an element.
    #[must_use]
    pub const fn element(&self) -> Format {
        self.element
    }

    /// The format of the scales.
    #[must_use]
    pub const fn scale(&self) -> ScaleFormat {
        self.scale
    }

    /// Elements that share a scale.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size as usize
    }

    /// Whether codes are shifted.
    #[must_use]
    pub const fn zero_point(&self) -> GroupZeroPoint {
        self.zero_point
    }

    /// Bits that an element takes with its share of the scales of whole groups; what a tensor has once is not counted.
    #[must_use]
    pub fn bits_per_element(&self) -> f64 {
        let zero_point = match self.zero_point {
            GroupZeroPoint::None => 0,
            GroupZeroPoint::Code => self.element.bits(),
        };
        let outer = match self.scale.outer {
            Some(Outer { format, span: Span::Groups(count) }) => {
                f64::from(format.bits()) / f64::from(count)
            }
            _ => 0.0,
        };
        let scale = match self.coupled {
            1 => f64::from(self.scale.format.bits()),
            groups => 1.0 + f64::from(self.shared_bits()) / f64::from(groups),
        };
        let block = scale + f64::from(zero_point) + outer;
        f64::from(self.element.bits()) + block / f64::from(self.size)
    }

    /// The format whose largest value a block's largest magnitude is brought to: that of the elements, or, with a zero
    /// point, the unsigned integer whose largest value is the extent of theirs.
    #[must_use]
    pub const fn measure(&self) -> Format {
        match (self.zero_point, self.element) {
            (GroupZeroPoint::Code, Format::Int(int)) => {
                Format::Int(IntFormat::row(int.bits() as u8, Signedness::Unsigned, IntRange::Full))
            }
            _ => self.element,
        }
    }

    /// Bits of the lower of the two exponents of coupled scales.
    fn shared_bits(&self) -> u32 {
        let exponent = |value: f64| Real::from_f64(value).exponent();
        let levels = exponent(self.scale.format.max_finite())
            - exponent(self.scale.format.smallest_positive());
        u32::BITS - (levels as u32 - 1).leading_zeros()
    }

    /// The integers of the elements, where they are shifted by a zero point.
    pub(super) const fn shifted(&self) -> Option<IntFormat> {
        match (self.zero_point, self.element) {
            (GroupZeroPoint::Code, Format::Int(int)) => Some(int),
            _ => None,
        }
    }
}

impl ScaleFormat {
    /// One scale per block, none above it.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format, outer: None }
    }

    /// With a scale above the blocks'.
    #[must_use]
    pub const fn with_outer(self, format: Format, span: Span) -> Self {
        Self { outer: Some(Outer { format, span }), ..self }
    }
}

/// Whether every positive value is a power of two: a float without fraction bits.
pub(super) const fn has_powers_alone(format: Format) -> bool {
    matches!(format, Format::Float(float) if float.fraction_bits() == 0)
}

/// Whether there is a value above zero.
fn has_positive(format: Format) -> bool {
    format.max_finite() > 0.0
}

/// A number in an error.
fn number(number: u32) -> Excerpt {
    let mut digits = [b'0'; 10];
    let (mut rest, mut first) = (number, digits.len());
    while first > 0 && (rest > 0 || first == digits.len()) {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Excerpt::new(core::str::from_utf8(&digits[first..]).unwrap_or_default())
}
