//! Words as hexadecimal digits, each field with its own number of them, and rows as one long word.

use fewbit::vectors::{VectorField, VectorTable};

use super::header::bits;

/// Digits of a word of this field.
pub(super) fn digits(field: &VectorField) -> usize {
    field.format.bits().div_ceil(4) as usize
}

/// A word of a field.
pub(super) fn text(field: &VectorField, word: u64) -> String {
    format!("{:0digits$x}", word & field.format.mask(), digits = digits(field))
}

/// The word of a text: as many digits as the field has, in lower case.
///
/// # Errors
/// Any other text.
pub(super) fn word(field: &VectorField, text: &str) -> Result<u64, String> {
    let digits = digits(field);
    let are_digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let word = u64::from_str_radix(text, 16).ok().filter(|_| are_digits && text.len() == digits);
    word.filter(|word| word & !field.format.mask() == 0).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        format!(
            "`{text}` is no word of {}: expected {digits} hexadecimal digits in lower case, {} bits",
            field.format,
            field.format.bits()
        )
    })
}

/// Digits of a packed row of these fields.
pub(super) fn packed_digits(fields: &[VectorField]) -> usize {
    fields.iter().map(bits).sum::<u64>().div_ceil(4) as usize
}

/// A row as one word, the first field in the top bits, the first word of a field above the others.
pub(super) fn packed(table: &VectorTable, row: usize) -> String {
    let total = table.fields().iter().map(bits).sum::<u64>();
    let digits = packed_digits(table.fields());
    let mut nibbles = Vec::with_capacity(digits);
    // The unused bits above the first field.
    let mut nibble = (0u64, (digits as u64 * 4 - total) as u32);
    for (field, words) in table.cells(row) {
        let width = field.format.bits();
        for &word in words {
            for bit in (0..width).rev() {
                nibble = (nibble.0 << 1 | word >> bit & 1, nibble.1 + 1);
                if nibble.1 == 4 {
                    nibbles.push(nibble.0);
                    nibble = (0, 0);
                }
            }
        }
    }
    nibbles.into_iter().filter_map(|nibble| char::from_digit(nibble as u32, 16)).collect()
}

/// The words of a packed row, appended.
///
/// # Errors
/// Another number of digits; what is no digit, with the field that it stands in; bits above the first field.
pub(super) fn unpack(
    fields: &[VectorField],
    text: &str,
    words: &mut Vec<u64>,
) -> Result<(), String> {
    let digits = packed_digits(fields);
    let total = fields.iter().map(bits).sum::<u64>();
    if text.len() != digits {
        return Err(format!("has {} characters where a word has {digits} digits", text.len()));
    }
    let mut unused = digits as u64 * 4 - total;
    let mut bits = Bits { bytes: text.as_bytes(), at: 0 };
    while unused > 0 {
        if bits.next(&fields[0].name)? {
            return Err("has a bit above its first field".into());
        }
        unused -= 1;
    }
    for field in fields {
        for word in 0..field.words() {
            let mut value = 0;
            for _ in 0..field.format.bits() {
                value = value << 1 | u64::from(bits.next(&field.place(word))?);
            }
            words.push(value);
        }
    }
    Ok(())
}

/// The bits of hexadecimal digits, the top one first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn next(&mut self, place: &str) -> Result<bool, String> {
        let byte = self.bytes.get(self.at / 4).copied().unwrap_or(0);
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => {
                return Err(format!(
                    "has `{}` in field {place}, which is no hexadecimal digit in lower case",
                    char::from(byte).escape_default()
                ));
            }
        };
        let bit = digit >> (3 - self.at % 4) & 1;
        self.at += 1;
        Ok(bit == 1)
    }
}
