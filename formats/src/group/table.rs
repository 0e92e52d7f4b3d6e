//! The table of group formats.

use super::format::{GroupFormat, GroupZeroPoint, ScaleFormat, Span};
use crate::format::Format;
use crate::table::{Alias, Stack};

/// One row: a group format, its name, its names elsewhere, and where it is defined.
#[derive(Clone, Copy, Debug)]
pub struct GroupRow {
    /// The canonical name.
    pub name: &'static str,
    /// The format.
    pub format: GroupFormat,
    /// What it is, in a few words.
    pub description: &'static str,
    /// Its names in other stacks.
    pub aliases: &'static [Alias],
    /// Where it is defined.
    pub source: &'static str,
}

impl GroupRow {
    /// Whether `name` is the row's name or one of its aliases, in either case.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.name.eq_ignore_ascii_case(name))
    }
}

/// Elements of a format in groups without a zero point.
const fn group(element: Format, scale: ScaleFormat, size: u32) -> GroupFormat {
    GroupFormat { element, scale, size, zero_point: GroupZeroPoint::None, coupled: 1 }
}

/// 32 elements and a power of two, as OCP MX has it.
const fn mx(element: Format) -> GroupFormat {
    group(element, ScaleFormat::new(Format::E8M0FNU), 32)
}

const MX: &str = "OCP Microscaling Formats (MX) Specification 1.0, 2023";
const NVFP4: &str = "NVIDIA, Pretraining Large Language Models with NVFP4, arXiv 2509.25149, 2025";
const PER_TENSOR: ScaleFormat =
    ScaleFormat::new(Format::E4M3FN).with_outer(Format::F32, Span::Tensor);

/// Two levels of one-bit exponents: of 8 elements and of 4 of them.
const HIF4: GroupFormat = GroupFormat {
    coupled: 2,
    ..group(
        Format::E1M2,
        ScaleFormat::new(Format::UE2M0).with_outer(Format::UE6M2, Span::Groups(16)),
        4,
    )
};

/// Declares each row once: a constant of [`GroupFormat`] and an entry of the table.
macro_rules! table {
    ($( $constant:ident $name:literal = $format:expr, $description:literal,
        [$($stack:ident $alias:literal),*], $source:expr; )+) => {
        impl GroupFormat {
            $( #[doc = concat!("`", $name, "`: ", $description, ".")] pub const $constant: Self = $format; )+
        }

        /// Every named group format.
        pub(super) const TABLE: &[GroupRow] = &[$( GroupRow {
            name: $name,
            format: GroupFormat::$constant,
            description: $description,
            aliases: &[$( Alias { stack: Stack::$stack, name: $alias } ),*],
            source: $source,
        } ),+];
    };
}

table! {
    MXFP8E4M3 "mxfp8e4m3" = mx(Format::E4M3FN), "32 e4m3fn elements and a power of two",
        [Torch "mxfp8", Common "mxfp8_e4m3"], MX;
    MXFP8E5M2 "mxfp8e5m2" = mx(Format::E5M2), "32 e5m2 elements and a power of two", [Common "mxfp8_e5m2"], MX;
    MXFP6E2M3 "mxfp6e2m3" = mx(Format::E2M3FN), "32 e2m3fn elements and a power of two", [Common "mxfp6_e2m3"], MX;
    MXFP6E3M2 "mxfp6e3m2" = mx(Format::E3M2FN), "32 e3m2fn elements and a power of two", [Common "mxfp6_e3m2"], MX;
    MXFP4 "mxfp4" = mx(Format::E2M1FN), "32 e2m1fn elements and a power of two",
        [Ptx "mxf4", Common "mxfp4_e2m1"], MX;
    MXINT8 "mxint8" = mx(Format::FIX8_6), "32 8-bit fixed-point elements with 6 fraction bits and a power of two",
        [Common "mxint8_fix8.6"], MX;
    NVFP4 "nvfp4" = group(Format::E2M1FN, PER_TENSOR, 16),
        "16 e2m1fn elements and an e4m3fn scale, over all of them one f32", [Ptx "mxf4nvf4"], NVFP4;
    NVFP4UE5M3 "nvfp4ue5m3" = group(Format::E2M1FN, ScaleFormat::new(Format::E5M3FNU), 16),
        "16 e2m1fn elements and an e5m3fnu scale, none above it", [Common "nvfp4_ue5m3"],
        "NVIDIA PTX ISA 9.4 (preview), alternate floating-point data formats; arXiv 2601.19026, 2026";
    HIF4 "hif4" = HIF4,
        "e1m2b1fn elements, one exponent bit for 8 of them and one for 4, an ue6m2 scale for 64", [Common "hifloat4"],
        "Luo et al., HiFloat4 Format for Language Model Inference, arXiv 2602.11287, 2026";
}
