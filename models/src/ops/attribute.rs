//! Attributes as files carry them.

use std::collections::BTreeMap;

use crate::tensor::Tensor;

use super::OpError;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// A number.
    Float(f32),
    /// A text.
    Text(String),
    /// Integers.
    Ints(Vec<i64>),
    /// Numbers.
    Floats(Vec<f32>),
    /// Texts.
    Texts(Vec<String>),
    /// A tensor.
    Tensor(Tensor),
}

/// The attributes of a node, by name. Reading takes them out, so that what is left over is what nobody understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(BTreeMap<String, Attribute>);

impl Attributes {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: Attribute) -> Self {
        self.insert(name, value);
        self
    }

    /// Puts one in.
    pub fn insert(&mut self, name: &str, value: Attribute) {
        self.0.insert(name.to_owned(), value);
    }

    /// Takes one out.
    pub fn take(&mut self, name: &str) -> Option<Attribute> {
        self.0.remove(name)
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Takes an integer.
    ///
    /// # Errors
    /// Something else of this name.
    pub fn int(&mut self, name: &str) -> Result<Option<i64>, OpError> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Int(value)) => Ok(Some(value)),
            Some(other) => Err(wrong(name, &other, "an integer")),
        }
    }

    /// Takes a number.
    ///
    /// # Errors
    /// Something else of this name.
    pub fn float(&mut self, name: &str) -> Result<Option<f32>, OpError> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Float(value)) => Ok(Some(value)),
            Some(other) => Err(wrong(name, &other, "a number")),
        }
    }

    /// Takes a text.
    ///
    /// # Errors
    /// Something else of this name.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, OpError> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Text(value)) => Ok(Some(value)),
            Some(other) => Err(wrong(name, &other, "a text")),
        }
    }

    /// Takes integers.
    ///
    /// # Errors
    /// Something else of this name.
    pub fn ints(&mut self, name: &str) -> Result<Option<Vec<i64>>, OpError> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Ints(value)) => Ok(Some(value)),
            Some(other) => Err(wrong(name, &other, "integers")),
        }
    }

    /// Takes numbers.
    ///
    /// # Errors
    /// Something else of this name.
    pub fn floats(&mut self, name: &str) -> Result<Option<Vec<f32>>, OpError> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Floats(value)) => Ok(Some(value)),
            Some(other) => Err(wrong(name, &other, "numbers")),
        }
    }

    /// Takes texts.
    ///
    /// # Errors
    /// Something else of this name.
    pub fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, OpError> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Texts(value)) => Ok(Some(value)),
            Some(other) => Err(wrong(name, &other, "texts")),
        }
    }

    /// Takes a truth value, an integer of 0 or 1.
    ///
    /// # Errors
    /// Something else of this name.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, OpError> {
        match self.int(name)? {
            None => Ok(None),
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            Some(other) => Err(OpError::attribute(name, format!("{other} is neither 0 nor 1"))),
        }
    }
}

fn wrong(name: &str, found: &Attribute, expected: &str) -> OpError {
    OpError::attribute(name, format!("{found:?} is not {expected}"))
}
