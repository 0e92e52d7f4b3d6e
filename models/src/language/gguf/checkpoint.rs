//! Weights of a GGUF file by Hugging Face's names.

use std::path::Path;

use ndarray::{ArcArray, IxDyn};

use super::{RowOrder, gguf_name, hf_name, language_config};
use crate::gguf::{Gguf, GgufWriter, Metadata};
use crate::language::{
    Architecture, Checkpoint, LanguageConfig, LanguageError, SAVED_VOCABULARY, Tokenizer,
};
use crate::tensor::Tensor;

/// A language model in a GGUF file.
#[derive(Debug)]
pub struct GgufCheckpoint {
    file: Gguf,
    config: LanguageConfig,
    order: RowOrder,
}

impl GgufCheckpoint {
    /// The model in a file.
    ///
    /// # Errors
    /// A file that is no GGUF file or broken; an architecture that is not supported; metadata that are missing.
    pub fn open(path: &Path) -> Result<Self, LanguageError> {
        Self::new(Gguf::open(path)?)
    }

    /// The model in a file that is open already.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn new(file: Gguf) -> Result<Self, LanguageError> {
        let config = language_config(&file)?;
        let llama =
            file.metadata().text("general.architecture")? == Some(Architecture::Llama.name());
        let order = if llama { RowOrder::Interleaved } else { RowOrder::Halves };
        Ok(Self { file, config, order })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Gguf {
        &self.file
    }

    /// The order of query and key rows in the file.
    #[must_use]
    pub fn row_order(&self) -> RowOrder {
        self.order
    }

    /// The heads among which a weight's rows are divided, if they are rows of queries or keys.
    #[must_use]
    pub fn rotated_heads(&self, name: &str) -> Option<usize> {
        let part = |part: &str| name.contains(part);
        if part(".self_attn.q_proj.") {
            Some(self.config.num_attention_heads)
        } else if part(".self_attn.k_proj.") {
            Some(self.config.num_key_value_heads)
        } else {
            None
        }
    }
}

impl Checkpoint for GgufCheckpoint {
    fn config(&self) -> &LanguageConfig {
        &self.config
    }

    fn names(&self) -> Vec<String> {
        self.file.tensors().filter_map(|info| hf_name(&info.name)).collect()
    }

    fn tensor(&self, name: &str) -> Result<Tensor, LanguageError> {
        let wrong = |problem: String| LanguageError::Tensor { name: name.into(), problem };
        let own = gguf_name(name).filter(|own| self.file.info(own).is_some());
        let own = own.ok_or_else(|| wrong("the file has none of this name".into()))?;
        let tensor = self.file.tensor(&own)?;
        let array = tensor.get::<f32>().map_err(|error| wrong(error.to_string()))?;
        if let Some(place) = array.iter().position(|x| !x.is_finite()) {
            let value = array.iter().nth(place).copied().unwrap_or_default();
            return Err(wrong(format!("element {place} is {value:?}")));
        }
        match (self.order, self.rotated_heads(name), array.as_slice()) {
            (RowOrder::Interleaved, Some(heads), Some(rows)) => {
                let ordered = RowOrder::Halves.from_other(rows, heads, self.config.head_dim);
                let ordered = ordered.map_err(|error| wrong(error.to_string()))?;
                let array = ArcArray::from_shape_vec(IxDyn(array.shape()), ordered);
                Ok(array.map_err(|error| wrong(error.to_string()))?.into())
            }
            _ => Ok(tensor),
        }
    }

    fn tokenizer(&self) -> Result<Tokenizer, LanguageError> {
        Tokenizer::from_gguf(self.file.metadata())
    }

    fn tokenizer_files(&self) -> Result<Vec<(String, Vec<u8>)>, LanguageError> {
        self.tokenizer()?;
        let mut metadata = Metadata::default();
        for (key, value) in self.file.metadata().iter() {
            if key == "general.architecture" || key.starts_with("tokenizer.") {
                metadata.insert(key, value.clone());
            }
        }
        let bytes = GgufWriter::new(Vec::new(), &metadata, &[])?.finish()?;
        Ok(vec![(SAVED_VOCABULARY.into(), bytes)])
    }

    fn gguf_metadata(&self) -> Result<Metadata, LanguageError> {
        Ok(self.file.metadata().clone())
    }
}
