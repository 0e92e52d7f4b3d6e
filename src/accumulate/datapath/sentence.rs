//! A unit in a sentence.

use std::fmt;

use super::{Addends, Aligned, AlignmentGroups, Cdna3, SplitHalves, Unit, ZeroExponent};

/// What a step computes, in a sentence.
impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aligned(unit) => unit.fmt(f),
            Self::Fused { format, rounding } => write!(
                f,
                "products and the register are summed exactly and rounded to {format} ({rounding})"
            ),
            Self::Cdna2 => f.write_str(
                "products are summed pairwise, then the register is added, each result rounded to f32 (ties-even); \
                 subnormal operands and results count as zero",
            ),
            Self::Vdpbf16ps => f.write_str(
                "the second product is added to the register, then the first one, each sum exact and rounded to f32 \
                 (ties-even); subnormal operands and results count as zero",
            ),
            Self::SplitHalves(SplitHalves { unit }) => write!(
                f,
                "products whose index mod 4 is below 2, and then the others, go through another unit from zero \
                 ({unit}); what comes of it is added to the register and rounded to {} (ties-even)",
                unit.format
            ),
            Self::Cdna3(Cdna3 { fraction_bits, sum_bits, groups }) => {
                let groups = match groups {
                    AlignmentGroups::One => "products",
                    AlignmentGroups::EvenOdd => "products of even and of odd index, each among themselves,",
                };
                write!(
                    f,
                    "{groups} are aligned and cut to {fraction_bits} fraction bits (toward-zero) and summed; the sum is \
                     aligned with the register and cut to {sum_bits} (down); their sum is rounded to f32 (ties-even)"
                )
            }
        }
    }
}

impl fmt::Display for Aligned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fraction_bits, alignment, zero, addends, format, rounding, .. } = self;
        match addends {
            Addends::Products => f.write_str("products and the register are")?,
            Addends::ScaledGroups(size) => write!(
                f,
                "exact sums of {size} products, by their scales' exponents, and the register are"
            )?,
        }
        write!(
            f,
            " aligned to the largest exponent, cut to {fraction_bits} fraction bits ({alignment}), summed exactly, rounded \
             to {format} ({rounding}); an addend that is zero "
        )?;
        match zero {
            ZeroExponent::None => f.write_str("has no exponent"),
            ZeroExponent::Fixed(exponent) => write!(f, "has exponent {exponent}"),
        }
    }
}
