//! The names of group formats: those of the table, and their grammar.
//!
//! ```text
//! group   := name | "mx(" element "," scale "," size ["," "zero-point"] ["," "coupled" count] ")"
//! scale   := format ["*" format ["/" count]]
//! element, format: any scalar format; name: one of the table's
//! ```

use core::fmt;
use core::str::FromStr;

use super::error::GroupFormatError;
use super::format::{GroupFormat, GroupZeroPoint, Outer, ScaleFormat, Span};
use super::table::{GroupRow, TABLE};
use crate::named::Excerpt;

impl GroupFormat {
    /// The rows of the table of group formats, in the order in which they are listed.
    #[must_use]
    pub const fn table() -> &'static [GroupRow] {
        TABLE
    }

    /// The row of the table that describes this format, if there is one.
    #[must_use]
    pub fn row(&self) -> Option<&'static GroupRow> {
        TABLE.iter().find(|row| row.format == *self)
    }
}

impl fmt::Display for GroupFormat {
    /// The table's name where there is one, else the parts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row() {
            return f.pad(row.name);
        }
        let Self { element, scale, size, zero_point, coupled } = self;
        write!(f, "mx({element},{scale},{size}")?;
        match zero_point {
            GroupZeroPoint::None => {}
            GroupZeroPoint::Code => f.write_str(",zero-point")?,
        }
        match coupled {
            1 => f.write_str(")"),
            groups => write!(f, ",coupled{groups})"),
        }
    }
}

impl fmt::Display for ScaleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.format, f)?;
        match self.outer {
            None => Ok(()),
            Some(Outer { format, span: Span::Tensor }) => write!(f, "*{format}"),
            Some(Outer { format, span: Span::Groups(count) }) => write!(f, "*{format}/{count}"),
        }
    }
}

impl FromStr for GroupFormat {
    type Err = GroupFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(row) = TABLE.iter().find(|row| row.is_named(text)) {
            return Ok(row.format);
        }
        let starts = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("mx("));
        let inner = text
            .get(3..)
            .filter(|_| starts)
            .ok_or(GroupFormatError::Unknown(Excerpt::new(text)))?;
        let parts_missing = GroupFormatError::Parts(Excerpt::new(text));
        let inner = inner.strip_suffix(')').ok_or(parts_missing)?;
        let mut parts = split(inner, b',');
        let (Some(element), Some(scale), Some(size)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(parts_missing);
        };
        let mut rest = parts.next();
        let zero_point = match rest {
            Some(word) if word.eq_ignore_ascii_case("zero-point") => {
                rest = parts.next();
                GroupZeroPoint::Code
            }
            _ => GroupZeroPoint::None,
        };
        let coupled = match rest {
            None => 1,
            Some(word) => {
                let (start, count) = word.split_at_checked(7).ok_or(parts_missing)?;
                if !start.eq_ignore_ascii_case("coupled") {
                    return Err(parts_missing);
                }
                whole(count).ok_or(GroupFormatError::Coupled(Excerpt::new(count)))?
            }
        };
        if parts.next().is_some() {
            return Err(parts_missing);
        }
        let size_error = GroupFormatError::Size(Excerpt::new(size));
        let size = whole(size).ok_or(size_error)?;
        Self::new(element.parse()?, scale.parse()?, size, zero_point)?.with_coupled(coupled)
    }
}

impl FromStr for ScaleFormat {
    type Err = GroupFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((format, outer)) = text.split_once('*') else {
            return Ok(Self::new(text.parse()?));
        };
        let (outer, span) = match outer.split_once('/') {
            None => (outer, Span::Tensor),
            Some((outer, count)) => {
                let groups = whole(count).ok_or(GroupFormatError::Count(Excerpt::new(count)))?;
                (outer, Span::Groups(groups))
            }
        };
        let outer = Outer { format: outer.parse()?, span };
        Ok(Self { format: format.parse()?, outer: Some(outer) })
    }
}

/// A number written in digits alone.
fn whole(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The parts between separators that stand in no `<...>`, which names such as `ap_fixed<8,4>` have.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let mut depth = 0usize;
        let end = text.bytes().position(|byte| {
            match byte {
                b'<' => depth += 1,
                b'>' => depth = depth.saturating_sub(1),
                _ => {}
            }
            byte == separator && depth == 0
        });
        let part = text.get(..end.unwrap_or(text.len()))?;
        rest = end.and_then(|end| text.get(end + 1..));
        Some(part.trim())
    })
}
