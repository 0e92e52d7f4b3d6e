//! What is chosen by name: operations, styles, classes of stimuli, contents of a file.

use std::fmt;
use std::str::FromStr;

use super::VectorError;

/// An enum whose variants have one name each.
macro_rules! named {
    (
        $(#[$meta:meta])*
        $kind:literal => pub enum $name:ident {
            $( $(#[doc = $doc:literal])* $variant:ident = $text:literal , )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[doc = $doc])* $variant, )+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// What it means, in the words of its documentation.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii_start()),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $name {
            type Err = VectorError;

            fn from_str(text: &str) -> Result<Self, VectorError> {
                Self::ALL.iter().copied().find(|value| value.name() == text).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|value| value.name()).collect();
                    VectorError::Name {
                        kind: $kind,
                        found: text.chars().take(48).collect(),
                        expected: names.join(", "),
                    }
                })
            }
        }
    };
}

named! {
    /// What a vector is of.
    ///
    /// ```
    /// use fewbit::vectors::VectorOp;
    /// assert_eq!("fma".parse::<VectorOp>()?.to_string(), "fma");
    /// assert!("pow".parse::<VectorOp>().is_err());
    /// # Ok::<(), fewbit::vectors::VectorError>(())
    /// ```
    "operation" => pub enum VectorOp {
        /// `a + b`, rounded once.
        Add = "add",
        /// `a - b`, rounded once.
        Sub = "sub",
        /// `a * b`, rounded once.
        Mul = "mul",
        /// `a / b`, rounded once.
        Div = "div",
        /// `a * b + c`, rounded once.
        Fma = "fma",
        /// The square root of `a`, rounded once.
        Sqrt = "sqrt",
        /// `a` in another format.
        Cast = "cast",
        /// Numbers as codes under a scale, or as codes and scales of groups.
        Quantize = "quantize",
        /// An accumulator's value as the next layer's integer.
        Requantize = "requantize",
        /// A sum of products through an accumulator.
        Dot = "dot",
        /// A product of matrices through an accumulator.
        Matmul = "matmul",
    }
}

named! {
    /// Which stimuli are drawn.
    ///
    /// ```
    /// use fewbit::vectors::VectorStyle;
    /// assert_eq!("mixed".parse::<VectorStyle>()?, VectorStyle::Mixed);
    /// # Ok::<(), fewbit::vectors::VectorError>(())
    /// ```
    "style" => pub enum VectorStyle {
        /// Every combination of codes, once.
        Exhaustive = "exhaustive",
        /// The directed classes in turn.
        Edges = "edges",
        /// Codes drawn uniformly.
        Random = "random",
        /// Directed and random ones in turn.
        Mixed = "mixed",
    }
}

named! {
    /// Why a stimulus was chosen.
    ///
    /// ```
    /// use fewbit::vectors::VectorClass;
    /// assert_eq!(VectorClass::Ties.to_string(), "ties");
    /// ```
    "class" => pub enum VectorClass {
        /// One of all combinations.
        Exhaustive = "exhaustive",
        /// Drawn uniformly.
        Random = "random",
        /// Given, not drawn.
        Given = "given",
        /// The exact result lies half-way between two neighbours.
        Ties = "ties",
        /// The exact result is near the largest value, or a register's sum at the end of its range.
        Overflow = "overflow",
        /// An operand or the exact result is subnormal or next to the smallest normal value.
        Subnormals = "subnormals",
        /// Terms that cancel all but a few of their bits; sums that rise and fall back.
        Cancellation = "cancellation",
        /// Infinities, NaN and zeros.
        Specials = "specials",
        /// The least and the greatest codes and values.
        Extremes = "extremes",
        /// The neighbours of a value at which the output changes.
        Steps = "steps",
        /// The greatest and the least product in turn.
        Alternating = "alternating",
        /// Weights at random, and the inputs that bring a register as far as these weights can.
        Witness = "witness",
        /// Fewer products than a tile has, or a last tile that is not full.
        Short = "short",
    }
}

named! {
    /// What the rows of a file are.
    "content" => pub enum VectorContent {
        /// A vector each: stimuli and expected results.
        Vectors = "vectors",
        /// A cycle each: one product entering an accumulator, and the registers after it.
        Trace = "trace",
    }
}
