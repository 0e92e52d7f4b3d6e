//! Why a network cannot be read, quantized or run.

use fewbit_models::exec::ExecError;
use fewbit_models::export::ExportError;
use fewbit_models::flow::FlowError;
use fewbit_models::graph::GraphError;
use fewbit_models::language::LanguageError;
use fewbit_models::onnx::OnnxError;
use fewbit_models::passes::PassError;
use thiserror::Error;

/// Why a network cannot be read, quantized or run.
#[derive(Debug, Error)]
pub(crate) enum NetworkError {
    /// Its file.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// Its graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Running it.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A pass over it.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// What a format cannot express.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A language model.
    #[error(transparent)]
    Language(#[from] LanguageError),
    /// What was to be done with it.
    #[error(transparent)]
    Flow(#[from] FlowError),
}
