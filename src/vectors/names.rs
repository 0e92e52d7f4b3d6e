//! What is chosen by name: operations, styles, classes of stimuli, contents of a file.

use super::VectorError;
use crate::named::named;

named! {
    VectorError;
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
    VectorError;
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
    VectorError;
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
    VectorError;
    /// What the rows of a file are.
    "content" => pub enum VectorContent {
        /// A vector each: stimuli and expected results.
        Vectors = "vectors",
        /// A cycle each: one product entering an accumulator, and the registers after it.
        Trace = "trace",
    }
}
