//! From ONNX files to graphs.

mod attribute;
mod builder;
mod external;
mod survey;
mod tensor;
mod value;

use std::path::Path;

use prost::Message;
use prost::bytes::Bytes;

use crate::graph::Graph;

use super::OnnxError;
use super::proto::ModelProto;
pub(crate) use external::ExternalTensor;

/// How often what was folded may make more known.
const ROUNDS: usize = 16;

/// Reads a model: external tensors from its folder, types and shapes found, what follows from constants computed.
///
/// ```no_run
/// let graph = fewbit_models::onnx::read("model.onnx".as_ref())?;
/// for &input in graph.inputs() {
///     println!("{}", graph.name_of(input));
/// }
/// # Ok::<(), fewbit_models::onnx::OnnxError>(())
/// ```
///
/// # Errors
/// A file that cannot be read; what is no model; operators, types and operator sets that are not supported; nodes and
/// tensors that do not go together.
pub fn read(path: &Path) -> Result<Graph, OnnxError> {
    let bytes = std::fs::read(path).map_err(|error| external::file(path, &error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    read_bytes(bytes, Some(folder.unwrap_or(Path::new("."))))
}

/// The initializers whose elements are in other files: their names, the file, and its bytes.
///
/// # Errors
/// What is no model; places that are no numbers.
pub(crate) fn external_tensors(bytes: &[u8]) -> Result<Vec<ExternalTensor>, OnnxError> {
    let model = ModelProto::decode(bytes);
    let model = model.map_err(|error| OnnxError::Decode(error.to_string()))?;
    let initializers = model.graph.iter().flat_map(|graph| &graph.initializer);
    let external = initializers.filter(|tensor| tensor.data_location == Some(1));
    external.map(ExternalTensor::of).collect()
}

/// Reads a model from memory; without a folder, external tensors are refused.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: Vec<u8>, folder: Option<&Path>) -> Result<Graph, OnnxError> {
    let model = ModelProto::decode(Bytes::from(bytes));
    let model = model.map_err(|error| OnnxError::Decode(error.to_string()))?;
    let Some(graph) = &model.graph else {
        return Err(OnnxError::Decode("it has no graph".into()));
    };
    let opsets = survey::opsets(&model)?;
    survey::operators(&model, graph)?;
    let file = builder::File { opsets, folder };
    let mut graph = builder::graph(&file, graph)?;
    graph.infer()?;
    for _ in 0..ROUNDS {
        if graph.fold()? == 0 {
            break;
        }
        graph.infer()?;
    }
    Ok(graph.compacted())
}
