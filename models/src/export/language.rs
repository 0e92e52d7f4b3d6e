//! A language model as a folder that is read again to the last bit.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::graph::Graph;
use crate::language::{Checkpoint, SAVED_KEY, SAVED_MODEL, SAVED_WEIGHTS};
use crate::onnx::{ExternalData, write_bytes_beside};
use crate::tensor::{ElementType, Tensor};

use super::ExportError;
use super::safetensors::Layout;
use super::stored::with_codes;

/// The newest operator set: it has types for codes of 2 and of 4 bits.
const OPSET: i64 = 25;

/// A file on its way: its name in the folder, and its contents.
#[derive(Clone, Debug)]
pub struct ExportedFile {
    /// Its name.
    pub name: String,
    contents: Contents,
}

#[derive(Clone, Debug)]
enum Contents {
    Bytes(Vec<u8>),
    Tensors(Layout),
}

impl ExportedFile {
    /// A file of these bytes.
    pub(super) fn of_bytes(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), contents: Contents::Bytes(bytes) }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        match &self.contents {
            Contents::Bytes(bytes) => bytes.len() as u64,
            Contents::Tensors(layout) => layout.length(),
        }
    }

    /// Writes it; no more than one tensor is in memory a second time.
    ///
    /// # Errors
    /// What the destination refuses.
    pub fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        match &self.contents {
            Contents::Bytes(bytes) => to.write_all(bytes),
            Contents::Tensors(layout) => layout.write_to(to),
        }
    }

    /// All of it.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self.contents {
            Contents::Bytes(bytes) => bytes,
            Contents::Tensors(layout) => {
                let mut bytes = Vec::with_capacity(layout.length() as usize);
                // A vector takes everything.
                let _ = layout.write_to(&mut bytes);
                bytes
            }
        }
    }
}

/// The files of a folder that [`SavedModel`](crate::language::SavedModel) reads: the same graph, quantizers and accumulators
/// included, whose executions give the same bits.
///
/// | file | what it is |
/// |---|---|
/// | `model.onnx` | the graph with its quantizers (`ai.fewbit`), each product's accumulator beside its node |
/// | `model.safetensors` | the initializers: of quantized weights `.codes`, `.scale` and perhaps `.zero_point`; of all others the elements. `__metadata__` has format, granularity and quantizer of each |
/// | `tokenizer.json` and its like, or `tokenizer.gguf` | the tokenizer: files of the folder that the model came from, or the vocabulary of its GGUF file |
///
/// Both first files are about the same bytes: an initializer of `model.onnx` is external data in `model.safetensors`. The folder's
/// weights are the values of their codes: floats that the quantizers of weights rounded away are not in it.
///
/// # Errors
/// A quantizer that refuses its weights; a checkpoint without a tokenizer.
pub fn write_language_model(
    graph: &Graph,
    checkpoint: &dyn Checkpoint,
) -> Result<Vec<ExportedFile>, ExportError> {
    let failed = |error: crate::language::LanguageError| ExportError::Checkpoint(error.to_string());
    let (stored, weights) = with_codes(graph)?;
    let stored = stored.compacted();
    let mut tensors: Vec<(String, Tensor)> = stored
        .values()
        .filter_map(|(_, value)| Some((value.name.clone(), value.data.clone()?)))
        .filter(|(name, tensor)| is_weight(name, tensor))
        .collect();
    let own = tensors.len();
    for (name, tensor) in weights.iter().flat_map(|weight| &weight.beside) {
        let taken = tensors.iter().any(|(other, _)| other == name);
        tensors.extend((!taken).then(|| (name.clone(), tensor.clone())));
    }
    let names: Vec<String> = tensors[..own].iter().map(|(name, _)| name.clone()).collect();
    let config = checkpoint.config();
    let by_name: Map<String, Value> =
        weights.iter().map(|weight| (weight.name.clone(), json!(weight))).collect();
    let about = json!({
        "schema": 1,
        "architecture": config.architecture.name(),
        "max_position_embeddings": config.max_position_embeddings,
        "bos_token_id": config.bos_token_id,
        "eos_token_ids": config.eos_token_ids,
        "weights": by_name,
    });
    let mut metadata = Map::new();
    metadata.insert("format".into(), "pt".into());
    metadata.insert(SAVED_KEY.into(), about.to_string().into());
    let layout = Layout::new(tensors, &metadata);
    let mut places = layout.places().clone();
    places.retain(|name, _| names.contains(name));
    let external = ExternalData { location: SAVED_WEIGHTS.into(), places };
    let model = write_bytes_beside(&stored, OPSET, &external)?;
    let mut files = vec![
        ExportedFile::of_bytes(SAVED_MODEL, model),
        ExportedFile { name: SAVED_WEIGHTS.into(), contents: Contents::Tensors(layout) },
    ];
    for (name, bytes) in checkpoint.tokenizer_files().map_err(failed)? {
        files.push(ExportedFile::of_bytes(&name, bytes));
    }
    Ok(files)
}

/// Whether an initializer is a weight, and not an extent or a number of some operator.
fn is_weight(name: &str, tensor: &Tensor) -> bool {
    let is_number = matches!(
        tensor.element_type(),
        ElementType::F32
            | ElementType::I8
            | ElementType::U8
            | ElementType::I16
            | ElementType::U16
            | ElementType::I32
            | ElementType::Code(_)
    );
    let of_codes = name.ends_with(".scale") || name.ends_with(".zero_point");
    is_number && (of_codes || !tensor.shape().is_empty())
}
