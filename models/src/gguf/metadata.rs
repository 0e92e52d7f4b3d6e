//! Entries by key, in the file's order.

use std::collections::HashMap;

use super::{ALIGNMENT_KEY, Array, DEFAULT_ALIGNMENT, GgufError, Value};

/// The metadata of a file: values by key, in the order of the file.
///
/// ```
/// use fewbit_models::gguf::{Metadata, Value};
/// let mut metadata = Metadata::default();
/// metadata.insert("general.architecture", "llama");
/// metadata.insert("llama.block_count", 30u32);
/// assert_eq!(metadata.integer("llama.block_count")?, Some(30));
/// assert_eq!(metadata.text("general.name")?, None);
/// assert!(metadata.float("llama.block_count").is_err());
/// # Ok::<(), fewbit_models::gguf::GgufError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    entries: Vec<(String, Value)>,
    places: HashMap<String, usize>,
}

impl Metadata {
    /// The entries, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.places.get(key).map(|&place| &self.entries[place].1)
    }

    /// Sets the value of a key: in its place where there is one, at the end otherwise. Returns the one before.
    pub fn insert(&mut self, key: &str, value: impl Into<Value>) -> Option<Value> {
        let value = value.into();
        if let Some(&place) = self.places.get(key) {
            return Some(std::mem::replace(&mut self.entries[place].1, value));
        }
        self.places.insert(key.to_owned(), self.entries.len());
        self.entries.push((key.to_owned(), value));
        None
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let wrong = |value: &Value| {
            let found = match value {
                Value::Array(array) => format!("an array of {}", array.value_type()),
                value => value.value_type().to_string(),
            };
            GgufError::metadata(key, format!("it is {found}, expected {expected}"))
        };
        self.get(key).map(|value| read(value).ok_or_else(|| wrong(value))).transpose()
    }

    /// An integer of any type.
    ///
    /// # Errors
    /// A value of another type, or beyond `i64`.
    pub fn integer(&self, key: &str) -> Result<Option<i64>, GgufError> {
        self.typed(key, "an integer", Value::integer)
    }

    /// A float of any type.
    ///
    /// # Errors
    /// A value of another type.
    pub fn float(&self, key: &str) -> Result<Option<f32>, GgufError> {
        self.typed(key, "a float", Value::float)
    }

    /// A text.
    ///
    /// # Errors
    /// A value of another type.
    pub fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        self.typed(key, "a string", Value::text)
    }

    /// A truth value.
    ///
    /// # Errors
    /// A value of another type.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.typed(key, "a bool", |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        })
    }

    /// An array of texts.
    ///
    /// # Errors
    /// A value of another type.
    pub fn texts(&self, key: &str) -> Result<Option<&[String]>, GgufError> {
        self.typed(key, "an array of strings", |value| match value {
            Value::Array(Array::String(values)) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// An array of `f32`.
    ///
    /// # Errors
    /// A value of another type.
    pub fn floats(&self, key: &str) -> Result<Option<&[f32]>, GgufError> {
        self.typed(key, "an array of float32", |value| match value {
            Value::Array(Array::F32(values)) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// An array of integers of any type.
    ///
    /// # Errors
    /// A value of another type.
    pub fn integers(&self, key: &str) -> Result<Option<Vec<i64>>, GgufError> {
        self.typed(key, "an array of integers", |value| match value {
            Value::Array(array) => array.integers(),
            _ => None,
        })
    }

    /// The alignment of tensors in bytes: `general.alignment`, 32 where there is none.
    ///
    /// # Errors
    /// Another type than `u32`, or a number that is no power of two.
    pub(super) fn alignment(&self) -> Result<u64, GgufError> {
        let alignment = self.typed(ALIGNMENT_KEY, "a uint32", |value| match value {
            Value::U32(value) => Some(*value),
            _ => None,
        })?;
        match alignment {
            None => Ok(DEFAULT_ALIGNMENT),
            Some(alignment) if alignment.is_power_of_two() => Ok(alignment.into()),
            Some(alignment) => {
                let problem = format!("it is {alignment}, expected a power of two");
                Err(GgufError::metadata(ALIGNMENT_KEY, problem))
            }
        }
    }
}
