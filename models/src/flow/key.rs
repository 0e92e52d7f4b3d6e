//! Keys of a configuration: names, and values as they are written.

use std::collections::BTreeMap;

use serde_json::Value;

use super::FlowError;

/// A key of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name, with `_` between words; `-` is taken as well.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub help: &'static str,
}

/// Values by key, in the order of the keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys(BTreeMap<String, Value>);

impl Keys {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key of those that there are.
    ///
    /// # Errors
    /// A key that there is not, with the nearest ones.
    pub fn set(&mut self, known: &[Key], key: &str, value: Value) -> Result<(), FlowError> {
        let name = key.replace('-', "_");
        if known.iter().any(|key| key.name == name) {
            self.0.insert(name, value);
            return Ok(());
        }
        Err(FlowError::UnknownKey { key: key.into(), nearest: nearest(known, &name) })
    }

    /// As a JSON object.
    #[must_use]
    pub fn into_json(self) -> Value {
        Value::Object(self.0.into_iter().collect())
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }
}

/// The names nearest to one, in words.
fn nearest(known: &[Key], name: &str) -> String {
    let mut by_distance: Vec<(usize, &str)> =
        known.iter().map(|key| (strsim::levenshtein(key.name, name), key.name)).collect();
    by_distance.sort_unstable();
    // Within a third of the name's letters, and hardly farther than the nearest of all.
    let most =
        name.len().div_ceil(3).max(2).min(by_distance.first().map_or(0, |(best, _)| best + 1));
    let near: Vec<&str> = by_distance
        .iter()
        .take_while(|(distance, _)| *distance <= most)
        .take(3)
        .map(|(_, name)| *name)
        .collect();
    match near[..] {
        [] => "`--help` lists those that there are".into(),
        [one] => format!("did you mean `{one}`?"),
        _ => format!("the nearest are {}", near.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Key; 2] =
        [Key { name: "weight_bit_width", help: "" }, Key { name: "act_bit_width", help: "" }];

    #[test]
    fn keys_are_taken_with_either_dash() {
        let mut keys = Keys::new();
        keys.set(&KNOWN, "weight-bit-width", 4.into()).expect("a key");
        assert_eq!(keys.get("weight_bit_width"), Some(&4.into()));
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let error = Keys::new().set(&KNOWN, "weights_bit_width", 4.into()).expect_err("no key");
        assert_eq!(
            error.to_string(),
            "there is no key `weights_bit_width`: did you mean `weight_bit_width`?"
        );
        let error = Keys::new().set(&KNOWN, "zzz", 4.into()).expect_err("no key");
        assert!(error.to_string().ends_with("`--help` lists those that there are"));
    }
}
