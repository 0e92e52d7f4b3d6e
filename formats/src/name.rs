//! The names of formats: those of the table, and those by pattern.

use core::fmt;
use core::str::FromStr;

use crate::error::FormatError;
use crate::float::FloatFormat;
use crate::format::Format;
use crate::integer::{FixedFormat, IntFormat};
use crate::named::Excerpt;
use crate::table::{FormatRow, TABLE};
use crate::tapered::{PositFormat, TakumFormat};

impl Format {
    /// The rows of the table of formats, in the order in which they are listed.
    #[must_use]
    pub const fn table() -> &'static [FormatRow] {
        TABLE
    }

    /// The row of the table that describes this format, if there is one.
    #[must_use]
    pub fn row(self) -> Option<&'static FormatRow> {
        TABLE.iter().find(|row| row.format == self)
    }
}

impl fmt::Display for Format {
    /// The table's name where there is one, else the name by pattern.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row() {
            return f.pad(row.name);
        }
        match self {
            Self::Float(float) => float.fmt(f),
            Self::Int(int) => int.fmt(f),
            Self::Fixed(fixed) => fixed.fmt(f),
            Self::Binary => f.pad("binary"),
            Self::Ternary => f.pad("ternary"),
            Self::Posit(posit) => posit.fmt(f),
            Self::Takum(takum) => takum.fmt(f),
            Self::HiF8 => f.pad("hif8"),
        }
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(row) = TABLE.iter().find(|row| row.is_named(text)) {
            return Ok(row.format);
        }
        let name = Excerpt::new(text);
        let lower = name.to_ascii_lowercase();
        let lower = lower.as_str();
        let float = || FloatFormat::parse(lower).map(|parsed| parsed.map(Self::Float));
        let int = || IntFormat::parse(lower).map(|parsed| parsed.map(Self::Int));
        let fixed = || FixedFormat::parse(lower).map(|parsed| parsed.map(Self::Fixed));
        if lower.len() < text.len() {
            return Err(FormatError::Unknown(name));
        }
        let posit = || PositFormat::parse(lower).map(|parsed| parsed.map(Self::Posit));
        let takum = || TakumFormat::parse(lower).map(|parsed| parsed.map(Self::Takum));
        let any = float().or_else(int).or_else(fixed).or_else(posit).or_else(takum);
        any.unwrap_or(Err(FormatError::Unknown(name)))
    }
}
