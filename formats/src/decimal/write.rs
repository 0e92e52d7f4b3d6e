//! From a code to the shortest text that is read back as the code.
//!
//! Digits are added until the number they say is rounded to the code again. With `n` digits there are two candidates:
//! the closest number to the value, and the one on the other side of it. Both are tried, because the neighbours of a
//! value need not be equally far from it: the closest may lie on the side of the nearer neighbour, outside of what is
//! rounded to the value, while the other one lies within.

use super::code::parse;
use crate::format::Format;
use core::fmt::{self, Write};

/// The most digits: `f64` is told apart by 17.
const MOST_DIGITS: usize = 17;

/// Whole numbers below this one are written in full: the text is as short as one of fewer digits and zeros.
const WRITTEN_IN_FULL: f64 = 1e16;

/// From here on `Debug` writes an exponent, and below [`PLAIN_FROM`]; as for `f64`.
const PLAIN_BELOW: f64 = 1e16;
const PLAIN_FROM: f64 = 1e-5;

/// A text on the stack. The longest is that of 2^-255 with its 77 zeros.
struct Text {
    bytes: [u8; 128],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [0; 128], length: 0 }
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

/// `digits * 10^(exponent - count + 1)`: `count` digits, the first of which counts `10^exponent`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u64,
    count: usize,
    exponent: i32,
}

impl Decimal {
    /// The closest number of `count` digits to a positive value.
    fn closest(value: f64, count: usize) -> Option<Self> {
        let mut text = Text::new();
        write!(text, "{:.*e}", count - 1, value).ok()?;
        let (mantissa, exponent) = text.as_str().split_once('e')?;
        let digits = mantissa.bytes().filter(u8::is_ascii_digit);
        let digits = digits.fold(0, |digits, byte| digits * 10 + u64::from(byte - b'0'));
        Some(Self { digits, count, exponent: exponent.parse().ok()? })
    }

    /// The next number of as many digits on the other side of a value; this one is not the value itself.
    fn across(self, value: f64) -> Option<Self> {
        let mut text = Text::new();
        self.write_exponent(&mut text, "e").ok()?;
        let above = text.as_str().parse::<f64>().ok()? > value;
        let first = 10u64.pow(self.count as u32 - 1);
        if !above {
            return (self.digits + 1 < 10 * first)
                .then_some(Self { digits: self.digits + 1, ..self });
        }
        // Below a power of ten the digits are nines, one place lower.
        Some(if self.digits == first {
            Self { digits: 10 * first - 1, exponent: self.exponent - 1, ..self }
        } else {
            Self { digits: self.digits - 1, ..self }
        })
    }

    /// With exponent: `1.5e3`.
    fn write_exponent(self, text: &mut Text, e: &str) -> fmt::Result {
        let unit = 10u64.pow(self.count as u32 - 1);
        write!(text, "{}", self.digits / unit)?;
        if self.count > 1 {
            write!(text, ".{:01$}", self.digits % unit, self.count - 1)?;
        }
        write!(text, "{e}{}", self.exponent)
    }

    /// Without exponent: `1500`, `0.0015`.
    fn write_plain(self, text: &mut Text) -> fmt::Result {
        let behind_point = self.count as i32 - 1 - self.exponent;
        if behind_point <= 0 {
            write!(text, "{}", self.digits)?;
            return zeros(text, -behind_point);
        }
        if self.exponent < 0 {
            text.write_str("0.")?;
            zeros(text, -1 - self.exponent)?;
            return write!(text, "{}", self.digits);
        }
        let unit = 10u64.pow(behind_point as u32);
        let width = behind_point as usize;
        write!(text, "{}.{:02$}", self.digits / unit, self.digits % unit, width)
    }
}

fn zeros(text: &mut Text, count: i32) -> fmt::Result {
    (0..count).try_for_each(|_| text.write_str("0"))
}

/// The number of fewest digits that is rounded to the code; of those the closest.
fn shortest(format: Format, code: u32) -> Option<Decimal> {
    let value = format.decode(code);
    let size = value.abs();
    if size == 0.0 {
        return Some(Decimal { digits: 0, count: 1, exponent: 0 });
    }
    let is_read_back = |decimal: &Decimal| {
        let mut text = Text::new();
        let sign = if value < 0.0 { "-" } else { "" };
        let written = text.write_str(sign).and_then(|()| decimal.write_exponent(&mut text, "e"));
        written.is_ok() && parse(format, text.as_str()).is_ok_and(|read| read.code == code)
    };
    (1..=MOST_DIGITS).find_map(|count| {
        let closest = Decimal::closest(size, count)?;
        if is_read_back(&closest) {
            return Some(closest);
        }
        closest.across(size).filter(is_read_back)
    })
}

/// Writes what is not finite, and what a precision is asked for, as `f64` does: exactly rounded from the exact value.
macro_rules! as_f64 {
    ($trait:ident, $value:expr, $f:expr) => {
        if !$value.is_finite() || $f.precision().is_some() {
            return fmt::$trait::fmt(&$value, $f);
        }
    };
}

/// `Display`: without exponent.
pub(crate) fn fmt_plain(format: Format, code: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let value = format.decode(code);
    as_f64!(Display, value, f);
    let mut text = Text::new();
    write_plain(format, code, &mut text)?;
    f.pad_integral(value.is_sign_positive(), "", text.as_str())
}

fn write_plain(format: Format, code: u32, text: &mut Text) -> fmt::Result {
    let size = format.decode(code).abs();
    if size < WRITTEN_IN_FULL && (size as u64) as f64 == size {
        return write!(text, "{}", size as u64);
    }
    shortest(format, code).ok_or(fmt::Error)?.write_plain(text)
}

/// `LowerExp` and `UpperExp`, by the letter.
pub(crate) fn fmt_exponent(
    format: Format,
    code: u32,
    letter: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let value = format.decode(code);
    match letter {
        "E" => as_f64!(UpperExp, value, f),
        _ => as_f64!(LowerExp, value, f),
    }
    let mut text = Text::new();
    shortest(format, code).ok_or(fmt::Error)?.write_exponent(&mut text, letter)?;
    f.pad_integral(value.is_sign_positive(), "", text.as_str())
}

/// `Debug`: a point always, and an exponent where the number is very large or small; as `f64`.
pub(crate) fn fmt_debug(format: Format, code: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let value = format.decode(code);
    as_f64!(Debug, value, f);
    let size = value.abs();
    if size != 0.0 && !(PLAIN_FROM..PLAIN_BELOW).contains(&size) {
        return fmt_exponent(format, code, "e", f);
    }
    let mut text = Text::new();
    write_plain(format, code, &mut text)?;
    if !text.as_str().contains('.') {
        text.write_str(".0")?;
    }
    f.pad_integral(value.is_sign_positive(), "", text.as_str())
}
