//! Any kind of block, chosen at run time.

use super::{BlockMxfp4, BlockQ4_0, BlockQ4_1, BlockQ8_0, BlockTq2_0};
use crate::named::named_enum;

named_enum! {
    /// A kind of block, under the name that GGUF files give it.
    "ggml block type" =>
    pub enum GgmlType {
        /// [`BlockQ4_0`].
        Q4_0 = "q4_0",
        /// [`BlockQ4_1`].
        Q4_1 = "q4_1",
        /// [`BlockQ8_0`].
        Q8_0 = "q8_0",
        /// [`BlockMxfp4`].
        Mxfp4 = "mxfp4",
        /// [`BlockTq2_0`].
        Tq2_0 = "tq2_0",
    }
}

/// A row that is not a whole number of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GgmlError {
    /// Elements.
    #[error("{elements} elements are not a whole number of {kind} blocks of {}", kind.elements())]
    Elements {
        /// The kind of block.
        kind: GgmlType,
        /// How many elements there are.
        elements: usize,
    },
    /// Bytes.
    #[error(
        "{found} bytes are not the blocks of {elements} elements in {kind}: expected {expected}"
    )]
    Bytes {
        /// The kind of block.
        kind: GgmlType,
        /// How many elements there are.
        elements: usize,
        /// How many bytes there are.
        found: usize,
        /// How many bytes they take.
        expected: usize,
    },
}

/// Runs one expression on the type of block.
macro_rules! each {
    ($kind:expr, $block:ident => $body:expr) => {
        match $kind {
            GgmlType::Q4_0 => {
                type $block = BlockQ4_0;
                $body
            }
            GgmlType::Q4_1 => {
                type $block = BlockQ4_1;
                $body
            }
            GgmlType::Q8_0 => {
                type $block = BlockQ8_0;
                $body
            }
            GgmlType::Mxfp4 => {
                type $block = BlockMxfp4;
                $body
            }
            GgmlType::Tq2_0 => {
                type $block = BlockTq2_0;
                $body
            }
        }
    };
}

impl GgmlType {
    /// Elements of a block.
    #[must_use]
    pub const fn elements(self) -> usize {
        match self {
            Self::Tq2_0 => 256,
            Self::Q4_0 | Self::Q4_1 | Self::Q8_0 | Self::Mxfp4 => 32,
        }
    }

    /// Bytes of a block.
    #[must_use]
    pub const fn bytes(self) -> usize {
        each!(self, Block => size_of::<Block>())
    }

    /// Bytes that a row of so many elements takes.
    ///
    /// # Errors
    /// A row that is not a whole number of blocks.
    pub const fn row_bytes(self, elements: usize) -> Result<usize, GgmlError> {
        if elements.is_multiple_of(self.elements()) {
            Ok(elements / self.elements() * self.bytes())
        } else {
            Err(GgmlError::Elements { kind: self, elements })
        }
    }

    fn check(self, elements: usize, found: usize) -> Result<(), GgmlError> {
        let expected = self.row_bytes(elements)?;
        if found == expected {
            Ok(())
        } else {
            Err(GgmlError::Bytes { kind: self, elements, found, expected })
        }
    }

    /// The blocks of a row.
    ///
    /// # Errors
    /// A row that is not a whole number of blocks; a number of bytes other than [`Self::row_bytes`].
    ///
    /// ```
    /// use fewbit_formats::ggml::GgmlType;
    /// let mut bytes = [0; 34];
    /// GgmlType::Q8_0.quantize(&[1.0; 32], &mut bytes)?;
    /// assert_eq!(bytes[2..], [127; 32]);
    /// # Ok::<(), fewbit_formats::ggml::GgmlError>(())
    /// ```
    pub fn quantize(self, x: &[f32], bytes: &mut [u8]) -> Result<(), GgmlError> {
        self.check(x.len(), bytes.len())?;
        each!(self, Block => {
            let (blocks, _) = x.as_chunks();
            let (to, _) = bytes.as_chunks_mut();
            blocks.iter().zip(to).for_each(|(x, bytes)| *bytes = Block::quantize(x).to_bytes());
        });
        Ok(())
    }

    /// The elements of a row of blocks.
    ///
    /// # Errors
    /// As [`Self::quantize`].
    pub fn dequantize(self, bytes: &[u8], values: &mut [f32]) -> Result<(), GgmlError> {
        self.check(values.len(), bytes.len())?;
        each!(self, Block => {
            let (blocks, _) = bytes.as_chunks();
            let (to, _) = values.as_chunks_mut();
            blocks.iter().zip(to).for_each(|(bytes, values)| *values = Block::from_bytes(bytes).dequantize());
        });
        Ok(())
    }
}
