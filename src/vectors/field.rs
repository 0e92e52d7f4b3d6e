//! The fields of a row: a name, what its words stand for, and how many there are.

use std::fmt;

use fewbit_formats::Format;

use crate::trace::decimal;

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldRole {
    /// A stimulus.
    Input,
    /// Random bits that a rounding took; they follow from the seed.
    Random,
    /// What must come out.
    Expected,
}

/// What the words of a field stand for.
///
/// ```
/// use fewbit::vectors::FieldFormat;
/// assert_eq!(FieldFormat::Signed(20).to_string(), "int20");
/// assert_eq!(FieldFormat::Signed(4).value(0xe), "-2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldFormat {
    /// Codes.
    Codes(Format),
    /// Two's complement of so many bits, at most 64.
    Signed(u32),
    /// Unsigned integers of so many bits, at most 64.
    Unsigned(u32),
    /// The bits of a float64.
    Float64,
}

impl FieldFormat {
    /// The width of a word.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Codes(format) => format.bits(),
            Self::Signed(bits) | Self::Unsigned(bits) => bits,
            Self::Float64 => 64,
        }
    }

    /// The bits of a word that count.
    #[must_use]
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// The value of a word as a decimal number.
    #[must_use]
    pub fn value(self, word: u64) -> String {
        let word = word & self.mask();
        match self {
            Self::Codes(format) => decimal(format.decode(word as u32)),
            Self::Signed(bits) => {
                let unused = 64 - bits;
                (((word << unused) as i64) >> unused).to_string()
            }
            Self::Unsigned(_) => word.to_string(),
            Self::Float64 => decimal(f64::from_bits(word)),
        }
    }

    /// Whether words are two's complement.
    #[must_use]
    pub fn is_signed_integer(self) -> bool {
        match self {
            Self::Signed(_) => true,
            Self::Codes(Format::Int(int)) => int.is_signed(),
            _ => false,
        }
    }
}

impl fmt::Display for FieldFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codes(format) => format.fmt(f),
            Self::Signed(bits) => write!(f, "int{bits}"),
            Self::Unsigned(bits) => write!(f, "uint{bits}"),
            Self::Float64 => f.write_str("f64"),
        }
    }
}

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorField {
    /// Its name: a letter, then letters, digits and underscores.
    pub name: String,
    /// What it is for.
    pub role: FieldRole,
    /// What its words stand for.
    pub format: FieldFormat,
    /// The extent of each axis; none for a single word.
    pub shape: Vec<usize>,
}

impl VectorField {
    pub(super) fn new(
        name: impl Into<String>,
        role: FieldRole,
        format: FieldFormat,
        shape: &[usize],
    ) -> Self {
        Self { name: name.into(), role, format, shape: shape.to_vec() }
    }

    /// Words of a row.
    #[must_use]
    pub fn words(&self) -> usize {
        self.shape.iter().fold(1usize, |count, &n| count.saturating_mul(n))
    }

    /// A word of the field as it is named: `a`, `a[3]`, `a[1][2]`.
    ///
    /// ```
    /// use fewbit::vectors::{FieldFormat, FieldRole, VectorField};
    /// let field = VectorField {
    ///     name: "b".into(),
    ///     role: FieldRole::Input,
    ///     format: FieldFormat::Signed(8),
    ///     shape: vec![2, 3],
    /// };
    /// assert_eq!(field.place(4), "b[1][1]");
    /// ```
    #[must_use]
    pub fn place(&self, mut word: usize) -> String {
        let mut indices = Vec::with_capacity(self.shape.len());
        for &extent in self.shape.iter().rev() {
            indices.push(word % extent.max(1));
            word /= extent.max(1);
        }
        let indices = indices.iter().rev().map(|index| format!("[{index}]"));
        self.name.clone() + &indices.collect::<String>()
    }
}
