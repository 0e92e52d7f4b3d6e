//! A language model in a folder of this crate's own: graph, codes and tokenizer.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::gguf::Gguf;
use crate::graph::Graph;
use crate::import::recognize_quantizers;
use crate::onnx::{external_tensors, read_bytes};

use super::header::Header;
use super::{LanguageError, Tokenizer};

/// The file with the graph.
pub(crate) const SAVED_MODEL: &str = "model.onnx";
/// The file with the weights.
pub(crate) const SAVED_WEIGHTS: &str = "model.safetensors";
/// The file with the vocabulary, where it came from a GGUF file.
pub(crate) const SAVED_VOCABULARY: &str = "tokenizer.gguf";
/// The key of the weights' metadata that says what the folder is.
pub(crate) const SAVED_KEY: &str = "fewbit";
/// The form of these metadata that is read.
const SCHEMA: u64 = 1;

/// A language model as [`write_language_model`](crate::export::write_language_model) has written it: the graph with its quantizers
/// and accumulators, and what is beside it.
#[derive(Clone, Debug)]
pub struct SavedModel {
    /// The graph.
    pub graph: Graph,
    /// Text to tokens.
    pub tokenizer: Tokenizer,
    /// The longest text that the model was made for, in tokens.
    pub max_position_embeddings: usize,
    /// The token before every text.
    pub bos_token_id: Option<u32>,
    /// The tokens that end a text.
    pub eos_token_ids: Vec<u32>,
}

/// What the weights' metadata say.
#[derive(Deserialize)]
struct About {
    schema: u64,
    max_position_embeddings: usize,
    bos_token_id: Option<u32>,
    eos_token_ids: Vec<u32>,
}

impl SavedModel {
    /// Whether a folder has such a model: a graph without a `config.json`, or with weights that say so.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        let says_so = || {
            let weights = Weights::open(&folder.join(SAVED_WEIGHTS));
            weights.is_ok_and(|weights| weights.about.is_some())
        };
        folder.join(SAVED_MODEL).is_file() && (!folder.join("config.json").exists() || says_so())
    }

    /// The files that such a model may be read from.
    #[must_use]
    pub fn files(folder: &Path) -> Vec<PathBuf> {
        let names = [
            SAVED_MODEL,
            SAVED_WEIGHTS,
            SAVED_VOCABULARY,
            "tokenizer.json",
            "tokenizer_config.json",
        ];
        names.iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect()
    }

    /// The model of a folder.
    ///
    /// # Errors
    /// Files that are missing, damaged, or of two different models.
    pub fn open(folder: &Path) -> Result<Self, LanguageError> {
        let path = folder.join(SAVED_MODEL);
        let failed = |error: std::io::Error| LanguageError::File {
            path: path.clone(),
            problem: error.to_string(),
        };
        let bytes = std::fs::read(&path).map_err(failed)?;
        let within = |problem: String| LanguageError::File { path: path.clone(), problem };
        let weights = Weights::open(&folder.join(SAVED_WEIGHTS))?;
        for tensor in external_tensors(&bytes).map_err(|error| within(error.to_string()))? {
            weights.check(&tensor.name, &tensor.location, tensor.offset, tensor.length)?;
        }
        let about = weights.about()?;
        let mut graph =
            read_bytes(bytes, Some(folder)).map_err(|error| within(error.to_string()))?;
        recognize_quantizers(&mut graph)?;
        graph.infer()?;
        Ok(Self {
            graph,
            tokenizer: tokenizer(folder)?,
            max_position_embeddings: about.max_position_embeddings,
            bos_token_id: about.bos_token_id,
            eos_token_ids: about.eos_token_ids,
        })
    }
}

/// The tokenizer of a folder.
fn tokenizer(folder: &Path) -> Result<Tokenizer, LanguageError> {
    let vocabulary = folder.join(SAVED_VOCABULARY);
    if vocabulary.is_file() {
        let file = Gguf::open(&vocabulary);
        let file = file.map_err(|error| match error {
            crate::gguf::GgufError::File { .. } => LanguageError::Gguf(error),
            other => LanguageError::File { path: vocabulary.clone(), problem: other.to_string() },
        })?;
        return Tokenizer::from_gguf(file.metadata());
    }
    Tokenizer::from_file(&folder.join("tokenizer.json"))
}

/// What the header of the weights' file says.
struct Weights {
    path: PathBuf,
    places: HashMap<String, Range<u64>>,
    about: Option<String>,
}

impl Weights {
    fn open(path: &Path) -> Result<Self, LanguageError> {
        let Header { metadata, start, .. } = Header::open(path)?;
        let place = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
            let (from, to) = info.data_offsets;
            (name, start + from as u64..start + to as u64)
        };
        let places = metadata.tensors().into_iter().map(place).collect();
        let about = metadata.metadata().as_ref().and_then(|all| all.get(SAVED_KEY)).cloned();
        Ok(Self { path: path.to_owned(), places, about })
    }

    fn wrong(&self, problem: String) -> LanguageError {
        LanguageError::File { path: self.path.clone(), problem }
    }

    fn about(&self) -> Result<About, LanguageError> {
        let text = self.about.as_ref().ok_or_else(|| {
            self.wrong(format!(
                "its metadata have no `{SAVED_KEY}`: it was not written by `fewbit ptq`"
            ))
        })?;
        let about: About = serde_json::from_str(text).map_err(|error| {
            self.wrong(format!("`{SAVED_KEY}` in its metadata cannot be read: {error}"))
        })?;
        match about.schema {
            SCHEMA => Ok(about),
            other => Err(self.wrong(format!(
                "its metadata have the form {other}, and {SCHEMA} is read: quantize anew with this version"
            ))),
        }
    }

    /// Whether a tensor of the graph is where this file has it.
    fn check(
        &self,
        name: &str,
        location: &str,
        offset: u64,
        length: Option<u64>,
    ) -> Result<(), LanguageError> {
        let place = self.places.get(name).filter(|_| location == SAVED_WEIGHTS);
        let same = place.is_some_and(|place| {
            place.start == offset && length.is_none_or(|length| place.end - place.start == length)
        });
        if same {
            return Ok(());
        }
        let problem = format!(
            "`{name}` is not where {SAVED_MODEL} beside it says: the two are of different models, or one was changed"
        );
        Err(self.wrong(problem))
    }
}
