//! Names of policies, read and written.
//!
//! ```text
//! policy   := stack ["-wrap" | "-saturate" | "-refuse"] | "exact-" rounding | "shift-" rounding | "onnx" | "finn" | "thresholds"
//! stack    := "tosa32" | "tosa32-double" | "tosa16" | "gemmlowp" | "tflite-single" | "tflite16" | "cmsis" | "cmsis-single" | "ruy"
//! rounding := any mode of the formats, as "ties-even" or "rne"
//! ```

use std::fmt;
use std::str::FromStr;

use fewbit_formats::Rounding;

use super::error::RequantizeError;
use super::policy::{Excess, RequantizePolicy};

/// A policy for each choice of its intermediate values.
type OfExcess = fn(Excess) -> RequantizePolicy;

/// The stacks that have that choice.
const STACKS: [(OfExcess, &str); 9] = [
    (RequantizePolicy::Tosa32, "tosa32"),
    (RequantizePolicy::Tosa32Double, "tosa32-double"),
    (RequantizePolicy::Tosa16, "tosa16"),
    (RequantizePolicy::Gemmlowp, "gemmlowp"),
    (RequantizePolicy::TfliteSingle, "tflite-single"),
    (RequantizePolicy::Tflite16, "tflite16"),
    (RequantizePolicy::Cmsis, "cmsis"),
    (RequantizePolicy::CmsisSingle, "cmsis-single"),
    (RequantizePolicy::Ruy, "ruy"),
];

/// The policies that have none and are one word.
const WORDS: [(RequantizePolicy, &str); 3] = [
    (RequantizePolicy::Onnx, "onnx"),
    (RequantizePolicy::Finn, "finn"),
    (RequantizePolicy::Thresholds, "thresholds"),
];

impl RequantizePolicy {
    /// The names that the grammar is made of, for a message or a list; `<rounding>` stands for any mode.
    ///
    /// ```
    /// use fewbit::requantize::RequantizePolicy;
    /// assert_eq!(RequantizePolicy::names().count(), 14);
    /// ```
    pub fn names() -> impl Iterator<Item = &'static str> {
        let stacks = STACKS.iter().map(|(_, name)| *name);
        stacks.chain(["exact-<rounding>", "shift-<rounding>"]).chain(WORDS.iter().map(|w| w.1))
    }

    /// Every policy but those of the roundings, with every choice of intermediate values.
    ///
    /// ```
    /// use fewbit::requantize::RequantizePolicy;
    /// assert_eq!(RequantizePolicy::all().count(), 9 * 3 + 3);
    /// ```
    pub fn all() -> impl Iterator<Item = Self> {
        let stacks = STACKS.iter().flat_map(|(of, _)| Excess::ALL.into_iter().map(of));
        stacks.chain(WORDS.iter().map(|word| word.0))
    }
}

impl fmt::Display for RequantizePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(rounding) => return write!(f, "exact-{rounding}"),
            Self::Shift(rounding) => return write!(f, "shift-{rounding}"),
            _ => {}
        }
        let Some(excess) = self.excess() else {
            let word = WORDS.iter().find(|(policy, _)| policy == self);
            return f.write_str(word.map_or("", |(_, name)| name));
        };
        let stack = STACKS.iter().find(|(of, _)| of(excess) == *self);
        f.write_str(stack.map_or("", |(_, name)| name))?;
        if excess == self.default_excess() { Ok(()) } else { write!(f, "-{}", excess.name()) }
    }
}

impl FromStr for RequantizePolicy {
    type Err = RequantizeError;

    fn from_str(text: &str) -> Result<Self, RequantizeError> {
        if let Some((policy, _)) = WORDS.iter().find(|(_, name)| *name == text) {
            return Ok(*policy);
        }
        type OfRounding = fn(Rounding) -> RequantizePolicy;
        let families: [(OfRounding, &str); 2] = [(Self::Exact, "exact-"), (Self::Shift, "shift-")];
        for (of, name) in families {
            if let Some(mode) = text.strip_prefix(name) {
                return mode.parse().map(of).map_err(RequantizeError::Rounding);
            }
        }
        for (of, name) in STACKS {
            if text == name {
                return Ok(of(of(Excess::Wrap).default_excess()));
            }
            let suffix = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            let excess = Excess::ALL.into_iter().find(|excess| suffix == Some(excess.name()));
            if let Some(excess) = excess {
                return Ok(of(excess));
            }
        }
        Err(RequantizeError::Policy(text.chars().take(80).collect()))
    }
}
