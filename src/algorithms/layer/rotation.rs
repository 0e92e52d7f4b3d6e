//! Rotations of a layer's inputs by name.

use std::fmt;
use std::str::FromStr;

use super::name::LayerNameError;
use crate::algorithms::AlgorithmError;
use crate::algorithms::rotate::{Orders, Rotation};

/// A rotation of a layer's inputs by name.
///
/// ```
/// use fewbit::algorithms::layer::{LayerRotation, RotationMatrix};
/// let rotation: LayerRotation = "hadamard:64".parse()?;
/// assert_eq!(rotation, LayerRotation::Blocks(RotationMatrix::Hadamard, 64));
/// assert_eq!(rotation.to_string(), "hadamard:64");
/// # Ok::<(), fewbit::algorithms::layer::LayerNameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerRotation {
    /// `hadamard`: a matrix of this kind over all inputs.
    Whole(RotationMatrix),
    /// `hadamard:N`: one over each block of N inputs.
    Blocks(RotationMatrix, usize),
    /// `expansion:STEPS`: a Hadamard matrix of the larger order that so many steps lead to; `expansion` is one step.
    Expansion(usize),
}

/// A kind of orthogonal matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RotationMatrix {
    /// `hadamard`: `H / sqrt(n)`, from Sylvester's, Paley's or Goethals and Seidel's construction.
    Hadamard,
    /// `random-hadamard`: with random signs before it.
    RandomHadamard,
    /// `orthogonal`: Haar-distributed.
    Orthogonal,
}

impl RotationMatrix {
    const ALL: [Self; 3] = [Self::Hadamard, Self::RandomHadamard, Self::Orthogonal];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hadamard => "hadamard",
            Self::RandomHadamard => "random-hadamard",
            Self::Orthogonal => "orthogonal",
        }
    }

    fn rotation(self, order: usize, seed: u64) -> Result<Rotation, AlgorithmError> {
        match self {
            Self::Hadamard => Rotation::hadamard(order),
            Self::RandomHadamard => Rotation::random_hadamard(order, seed),
            Self::Orthogonal => Rotation::random_orthogonal(order, seed),
        }
    }
}

impl LayerRotation {
    /// The rotation of so many inputs.
    ///
    /// # Errors
    /// An order without a known Hadamard matrix, blocks that do not divide the inputs.
    pub fn of_inputs(self, inputs: usize, seed: u64) -> Result<Rotation, AlgorithmError> {
        match self {
            Self::Expansion(steps) => Rotation::expansion(inputs, steps, Orders::default(), None),
            Self::Whole(matrix) => matrix.rotation(inputs, seed),
            Self::Blocks(matrix, block) => matrix.rotation(block, seed)?.per_group(inputs),
        }
    }
}

impl FromStr for LayerRotation {
    type Err = LayerNameError;

    fn from_str(text: &str) -> Result<Self, LayerNameError> {
        let (name, number) = match text.split_once(':') {
            None => (text, None),
            Some((name, number)) => (name, Some(number.parse().ok().filter(|&n: &usize| n > 0))),
        };
        let matrix = RotationMatrix::ALL.into_iter().find(|matrix| matrix.name() == name);
        match (matrix, name, number) {
            (Some(matrix), _, None) => Ok(Self::Whole(matrix)),
            (Some(matrix), _, Some(Some(block))) => Ok(Self::Blocks(matrix, block)),
            (None, "expansion", None) => Ok(Self::Expansion(1)),
            (None, "expansion", Some(Some(steps))) => Ok(Self::Expansion(steps)),
            _ => Err(LayerNameError::new(
                text,
                "hadamard, random-hadamard, orthogonal (each also with :N, in blocks of N inputs), \
                 expansion, expansion:STEPS",
            )),
        }
    }
}

impl fmt::Display for LayerRotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(matrix) => f.pad(matrix.name()),
            Self::Blocks(matrix, block) => write!(f, "{}:{block}", matrix.name()),
            Self::Expansion(steps) => write!(f, "expansion:{steps}"),
        }
    }
}
