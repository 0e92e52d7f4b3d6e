//! The table of element types.

use std::fmt;
use std::str::FromStr;

use fewbit_formats::ggml::{BlockMxfp4, BlockQ4_0, BlockQ4_1, BlockQ8_0, BlockTq2_0};

use super::{GgufError, blocks};

/// The values of a row of blocks.
type Decoder = fn(&[u8], &mut [f32]);

/// A row of blocks, each of a fixed number of bytes and elements.
macro_rules! rows {
    ($decode:expr) => {
        Some(|bytes, values| {
            let (blocks, _) = bytes.as_chunks();
            let (to, _) = values.as_chunks_mut();
            blocks.iter().zip(to).for_each(|(block, values)| *values = $decode(block));
        })
    };
}

/// The types, each a row: variant, number in files, name, elements and bytes of a block, decoder.
macro_rules! tensor_types {
    ($($variant:ident = $id:literal, $name:literal, $elements:literal, $bytes:literal, $decoder:expr;)+) => {
        /// A type of elements, under the name that ggml gives it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[allow(non_camel_case_types, reason = "ggml's names")]
        pub enum TensorType {
            $(#[doc = concat!("`", $name, "`: blocks of ", $elements, " elements in ", $bytes, " bytes.")] $variant,)+
        }

        impl TensorType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its number in files.
            #[must_use]
            pub const fn id(self) -> u32 {
                match self { $(Self::$variant => $id),+ }
            }

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The elements of a block.
            #[must_use]
            pub const fn block_elements(self) -> usize {
                match self { $(Self::$variant => $elements),+ }
            }

            /// The bytes of a block.
            #[must_use]
            pub const fn block_bytes(self) -> usize {
                match self { $(Self::$variant => $bytes),+ }
            }

            fn decoder(self) -> Option<Decoder> {
                match self { $(Self::$variant => $decoder),+ }
            }
        }
    };
}

tensor_types! {
    F32 = 0, "F32", 1, 4, rows!(blocks::f32);
    F16 = 1, "F16", 1, 2, rows!(blocks::f16);
    Q4_0 = 2, "Q4_0", 32, 18, rows!(|block| BlockQ4_0::from_bytes(block).dequantize());
    Q4_1 = 3, "Q4_1", 32, 20, rows!(|block| BlockQ4_1::from_bytes(block).dequantize());
    Q5_0 = 6, "Q5_0", 32, 22, rows!(blocks::q5_0);
    Q5_1 = 7, "Q5_1", 32, 24, rows!(blocks::q5_1);
    Q8_0 = 8, "Q8_0", 32, 34, rows!(|block| BlockQ8_0::from_bytes(block).dequantize());
    Q8_1 = 9, "Q8_1", 32, 40, None;
    Q2_K = 10, "Q2_K", 256, 84, None;
    Q3_K = 11, "Q3_K", 256, 110, None;
    Q4_K = 12, "Q4_K", 256, 144, rows!(blocks::q4_k);
    Q5_K = 13, "Q5_K", 256, 176, rows!(blocks::q5_k);
    Q6_K = 14, "Q6_K", 256, 210, rows!(blocks::q6_k);
    Q8_K = 15, "Q8_K", 256, 292, None;
    IQ2_XXS = 16, "IQ2_XXS", 256, 66, None;
    IQ2_XS = 17, "IQ2_XS", 256, 74, None;
    IQ3_XXS = 18, "IQ3_XXS", 256, 98, None;
    IQ1_S = 19, "IQ1_S", 256, 50, None;
    IQ4_NL = 20, "IQ4_NL", 32, 18, None;
    IQ3_S = 21, "IQ3_S", 256, 110, None;
    IQ2_S = 22, "IQ2_S", 256, 82, None;
    IQ4_XS = 23, "IQ4_XS", 256, 136, None;
    I8 = 24, "I8", 1, 1, None;
    I16 = 25, "I16", 1, 2, None;
    I32 = 26, "I32", 1, 4, None;
    I64 = 27, "I64", 1, 8, None;
    F64 = 28, "F64", 1, 8, None;
    IQ1_M = 29, "IQ1_M", 256, 56, None;
    BF16 = 30, "BF16", 1, 2, rows!(blocks::bf16);
    TQ1_0 = 34, "TQ1_0", 256, 54, None;
    TQ2_0 = 35, "TQ2_0", 256, 66, rows!(|block| BlockTq2_0::from_bytes(block).dequantize());
    MXFP4 = 39, "MXFP4", 32, 17, rows!(|block| BlockMxfp4::from_bytes(block).dequantize());
    NVFP4 = 40, "NVFP4", 64, 36, None;
    Q1_0 = 41, "Q1_0", 128, 18, None;
}

/// Blocks of one task.
const TASK: usize = 4096;

impl TensorType {
    /// The type of this number.
    #[must_use]
    pub fn from_id(id: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id)
    }

    /// Whether [`Self::decode`] knows its blocks.
    #[must_use]
    pub fn is_decoded(self) -> bool {
        self.decoder().is_some()
    }

    /// The values of blocks.
    ///
    /// Each is the value that ggml's `dequantize_row` gives, every operation rounded once to `f32` and none fused.
    ///
    /// # Errors
    /// A type whose blocks are not decoded; bytes that are not whole blocks.
    ///
    /// ```
    /// use fewbit_models::gguf::TensorType;
    /// assert_eq!(TensorType::F16.decode(&[0x00, 0x3c, 0x00, 0xc0])?, [1.0, -2.0]);
    /// # Ok::<(), fewbit_models::gguf::GgufError>(())
    /// ```
    pub fn decode(self, bytes: &[u8]) -> Result<Vec<f32>, GgufError> {
        use rayon::prelude::*;
        let wrong = |problem: String| GgufError::Encode { kind: self.name(), problem };
        let decoder = self.decoder().ok_or_else(|| {
            let known = Self::ALL.iter().filter(|kind| kind.is_decoded());
            let names: Vec<_> = known.map(|kind| kind.name()).collect();
            wrong(format!("its blocks are not supported: expected one of {}", names.join(", ")))
        })?;
        let (block, elements) = (self.block_bytes(), self.block_elements());
        if !bytes.len().is_multiple_of(block) {
            return Err(wrong(format!("{} bytes are not whole blocks of {block}", bytes.len())));
        }
        let mut values = vec![0.0; bytes.len() / block * elements];
        bytes
            .par_chunks(TASK * block)
            .zip(values.par_chunks_mut(TASK * elements))
            .for_each(|(bytes, values)| decoder(bytes, values));
        Ok(values)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for TensorType {
    type Err = GgufError;

    fn from_str(text: &str) -> Result<Self, GgufError> {
        let is = |kind: &Self| kind.name().eq_ignore_ascii_case(text);
        Self::ALL.iter().copied().find(is).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            GgufError::UnknownType { found: text.to_owned(), expected: names.join(", ") }
        })
    }
}
