//! What was probably meant by a text that is almost a register.

use fewbit_formats::Rounding;

use super::{Accumulator, AccumulatorError, Datapath};

/// How a register that saturates is called elsewhere.
const SATURATE: [&str; 8] =
    ["sat", "s", "saturate", "saturated", "saturating", "saturation", "clamp", "clip"];
/// How a register that wraps is called elsewhere.
const WRAP: [&str; 7] = ["wrap", "w", "wrapping", "wraparound", "modulo", "mod", "trunc"];

/// The error of a text that is a register in all but its spelling; `None` for any other text.
///
/// ```text
/// [u|s][int|i]<P>[_t]        int<P>-sat or int<P>-wrap
/// int<P><word>               the one that the word means, else either
/// <word><P>                  the same
/// other letters' case        the text in lower case
/// a machine's name           preset:<name>
/// ```
pub(super) fn near(text: &str) -> Option<AccumulatorError> {
    let lower = text.trim().to_ascii_lowercase();
    let error = |meant: String| Some(AccumulatorError::Near { text: text.into(), meant });
    if lower != text && lower.parse::<Accumulator>().is_ok() {
        return error(lower);
    }
    if lower.parse::<&Datapath>().is_ok() {
        return error(format!("preset:{lower}"));
    }
    let (bits, word) = integer(&lower)?;
    if word.parse::<Rounding>().is_ok() {
        // Meant as a float register.
        return None;
    }
    if !(2..=64).contains(&bits) {
        return Some(AccumulatorError::Bits(bits));
    }
    let meant = match (SATURATE.contains(&word), WRAP.contains(&word)) {
        (true, _) => format!("int{bits}-sat"),
        (_, true) => format!("int{bits}-wrap"),
        _ => format!("int{bits}-sat or int{bits}-wrap"),
    };
    error(meant)
}

/// The width of an integer register, and the word that says what happens outside of its range.
fn integer(text: &str) -> Option<(u64, &str)> {
    let is_joint = |c: char| matches!(c, '-' | '_' | ' ' | '.' | ':');
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = text.split_at(digits);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at(end);
    let bits = number.parse().ok()?;
    let (before, after) = (before.trim_matches(is_joint), after.trim_matches(is_joint));
    let is_word = |word: &str| SATURATE.contains(&word) || WRAP.contains(&word);
    match before {
        "int" | "i" | "uint" | "u" | "sint" | "s"
            if after.chars().all(|c| c.is_ascii_lowercase()) =>
        {
            Some((bits, after))
        }
        word if is_word(word) && after.is_empty() => Some((bits, word)),
        _ => None,
    }
}
