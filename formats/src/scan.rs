//! Numbers at the start of a name.

/// An unsigned number of at most four digits and what follows it.
pub(crate) fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end > 4 {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// A number of at most four digits with an optional minus sign and what follows it.
pub(crate) fn signed_number(text: &str) -> Option<(i32, &str)> {
    match text.strip_prefix('-') {
        Some(rest) => number(rest).map(|(n, rest)| (-(n as i32), rest)),
        None => number(text).map(|(n, rest)| (n as i32, rest)),
    }
}
