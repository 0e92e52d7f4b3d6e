//! The carried networks by name.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::Perceptron;

/// A carried network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// A multilayer perceptron, under the name of its shape: `64-128-128-10`.
    Perceptron(Perceptron),
    /// The convolutional network: `cnn`.
    #[cfg(feature = "networks")]
    Cnn,
}

/// A text that is no [`Carried`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{found}` is no carried network: expected {}", names.join(" or "))]
pub struct CarriedError {
    /// The text.
    found: String,
    /// All names.
    names: Vec<String>,
}

impl Carried {
    /// All that there are.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let perceptrons = Perceptron::ALL.into_iter().map(Self::Perceptron);
        #[cfg(feature = "networks")]
        let perceptrons = perceptrons.chain([Self::Cnn]);
        perceptrons.collect()
    }
}

impl FromStr for Carried {
    type Err = CarriedError;

    fn from_str(text: &str) -> Result<Self, CarriedError> {
        let all = Self::all();
        let named = all.iter().find(|network| network.to_string() == text).copied();
        let names = || all.iter().map(ToString::to_string).collect();
        named.ok_or_else(|| CarriedError { found: text.into(), names: names() })
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Perceptron(perceptron) => perceptron.fmt(f),
            #[cfg(feature = "networks")]
            Self::Cnn => f.pad("cnn"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_parsed() {
        for network in Carried::all() {
            assert_eq!(network.to_string().parse(), Ok(network));
        }
        let error = "64-10".parse::<Carried>().map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("64-128-128-10 or 64-96-64-32-10")));
    }
}
