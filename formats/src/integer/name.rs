//! `int4`, `uint8`, `int8n` and `uint8n` of narrow range, `fix8.4`, `ufix8.4`, and HLS spellings `ap_int<4>`, `ap_fixed<8,4>`.

use super::{FixedFormat, IntFormat, IntRange};
use crate::error::FormatError;
use crate::float::Signedness;
use crate::named::Excerpt;
use crate::scan::{number, signed_number};
use core::fmt;

/// Strips a prefix that says signed, or one that says unsigned.
fn sign<'a>(text: &'a str, signed: &str, unsigned: &str) -> Option<(Signedness, &'a str)> {
    match text.strip_prefix(unsigned) {
        Some(rest) => Some((Signedness::Unsigned, rest)),
        None => text.strip_prefix(signed).map(|rest| (Signedness::Signed, rest)),
    }
}

impl IntFormat {
    /// Reads a name in lower case; `None` if it follows no pattern of integers.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, FormatError>> {
        let name = Excerpt::new(text);
        if let Some((signedness, rest)) = sign(text, "ap_int<", "ap_uint<") {
            let (bits, _) = number(rest).filter(|(_, end)| *end == ">")?;
            return Some(Self::new(bits, signedness, IntRange::Full, name));
        }
        let (signedness, rest) = sign(text, "int", "uint")?;
        let (bits, rest) = number(rest)?;
        let range = match rest {
            "" => IntRange::Full,
            "n" => IntRange::Narrow,
            _ => return None,
        };
        Some(Self::new(bits, signedness, range, name))
    }
}

impl FixedFormat {
    /// Reads a name in lower case; `None` if it follows no pattern of fixed point.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, FormatError>> {
        let name = Excerpt::new(text);
        if let Some((signedness, rest)) = sign(text, "ap_fixed<", "ap_ufixed<") {
            // HLS counts the bits before the point.
            let (bits, rest) = number(rest)?;
            let (whole, _) = signed_number(rest.strip_prefix(',')?.trim_start())
                .filter(|(_, end)| *end == ">")?;
            let fraction_bits = i8::try_from(bits as i32 - whole).ok()?;
            return Some(Self::new(bits, fraction_bits, signedness, name));
        }
        let (signedness, rest) = sign(text, "fix", "ufix")?;
        let (bits, rest) = number(rest)?;
        let (fraction_bits, _) =
            signed_number(rest.strip_prefix('.')?).filter(|(_, end)| end.is_empty())?;
        let fraction_bits = i8::try_from(fraction_bits).ok()?;
        Some(Self::new(bits, fraction_bits, signedness, name))
    }
}

impl fmt::Display for IntFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.is_signed() { "int" } else { "uint" };
        let suffix = match self.range {
            IntRange::Full => "",
            IntRange::Narrow => "n",
        };
        write!(f, "{prefix}{}{suffix}", self.bits)
    }
}

impl fmt::Display for FixedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.integer.is_signed() { "fix" } else { "ufix" };
        write!(f, "{prefix}{}.{}", self.integer.bits, self.fraction_bits)
    }
}
