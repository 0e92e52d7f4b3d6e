//! `e<X>m<Y>[b<bias>][fn|fnuz|fin][u]` and `binary<K>p<P>{s|u}{e|f}`.

use super::{Domain, FloatFormat, Signedness, Specials};
use crate::error::FormatError;
use crate::named::Excerpt;
use crate::scan::{number, signed_number};
use core::fmt;

impl FloatFormat {
    /// Reads a custom float's or P3109 format's name in lower case; `None` if it follows neither pattern.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, FormatError>> {
        Self::parse_custom(text).or_else(|| Self::parse_p3109(text))
    }

    fn parse_custom(text: &str) -> Option<Result<Self, FormatError>> {
        let (exponent_bits, rest) = number(text.strip_prefix('e')?)?;
        let (fraction_bits, rest) = number(rest.strip_prefix('m')?)?;
        let (bias, rest) = match rest.strip_prefix('b') {
            Some(rest) => signed_number(rest).map(|(bias, rest)| (Some(bias), rest))?,
            None => (None, rest),
        };
        let (specials, signedness) = match rest {
            "" => (Specials::Ieee, Signedness::Signed),
            "u" => (Specials::Ieee, Signedness::Unsigned),
            "fn" => (Specials::Fn, Signedness::Signed),
            "fnu" => (Specials::Fn, Signedness::Unsigned),
            "fnuz" => (Specials::Fnuz, Signedness::Signed),
            "fnuzu" => (Specials::Fnuz, Signedness::Unsigned),
            "fin" => (Specials::Fin, Signedness::Signed),
            "finu" => (Specials::Fin, Signedness::Unsigned),
            _ => return None,
        };
        Some(Self::custom(
            exponent_bits,
            fraction_bits,
            bias,
            specials,
            signedness,
            Excerpt::new(text),
        ))
    }

    fn parse_p3109(text: &str) -> Option<Result<Self, FormatError>> {
        let (bits, rest) = number(text.strip_prefix("binary")?)?;
        let (precision, rest) = number(rest.strip_prefix('p')?)?;
        let (signedness, domain) = match rest {
            "se" => (Signedness::Signed, Domain::Extended),
            "sf" => (Signedness::Signed, Domain::Finite),
            "ue" => (Signedness::Unsigned, Domain::Extended),
            "uf" => (Signedness::Unsigned, Domain::Finite),
            _ => return None,
        };
        Some(Self::p3109(bits, precision, signedness, domain, Excerpt::new(text)))
    }

    /// The suffix under which [`FloatFormat::custom`] makes this format; `None` if only P3109's names reach it.
    fn specials(self) -> Option<Specials> {
        [Specials::Ieee, Specials::Fn, Specials::Fnuz, Specials::Fin].into_iter().find(
            |&specials| {
                let (e, m) = (self.exponent_bits(), self.fraction_bits());
                Self::custom(e, m, Some(self.bias()), specials, self.signedness, Excerpt::EMPTY)
                    == Ok(self)
            },
        )
    }
}

impl fmt::Display for FloatFormat {
    /// The name by pattern; the table's names are [`Format`](crate::Format)'s to print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (e, m) = (self.exponent_bits(), self.fraction_bits());
        let Some(specials) = self.specials() else {
            let sign = if self.is_signed() { 's' } else { 'u' };
            let domain = if self.has_infinity() { 'e' } else { 'f' };
            return write!(f, "binary{}p{}{sign}{domain}", self.bits(), m + 1);
        };
        write!(f, "e{e}m{m}")?;
        if self.bias() != Self::default_bias(e, self.nan) {
            write!(f, "b{}", self.bias())?;
        }
        f.write_str(match specials {
            Specials::Ieee => "",
            Specials::Fn => "fn",
            Specials::Fnuz => "fnuz",
            Specials::Fin => "fin",
        })?;
        f.write_str(if self.is_signed() { "" } else { "u" })
    }
}

impl FloatFormat {
    /// A row of the table.
    ///
    /// # Panics
    ///
    /// At compile time, if there can be no such format.
    pub(crate) const fn row(
        exponent_bits: u32,
        fraction_bits: u32,
        bias: Option<i32>,
        specials: Specials,
        signedness: Signedness,
    ) -> Self {
        match Self::custom(exponent_bits, fraction_bits, bias, specials, signedness, Excerpt::EMPTY)
        {
            Ok(format) => format,
            Err(_) => panic!("a row of the table is no format"),
        }
    }

    /// A row of the table: a signed, extended format of P3109.
    ///
    /// # Panics
    ///
    /// At compile time, if there can be no such format.
    pub(crate) const fn p3109_row(bits: u32, precision: u32, signedness: Signedness) -> Self {
        match Self::p3109(bits, precision, signedness, Domain::Extended, Excerpt::EMPTY) {
            Ok(format) => format,
            Err(_) => panic!("a row of the table is no format"),
        }
    }
}
