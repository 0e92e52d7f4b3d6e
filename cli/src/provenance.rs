//! What a result was made by and from: version, seed, inputs. Reports, `.safetensors` files and pictures carry it; a
//! `.npy` file has no place for it.

use serde::Serialize;

use crate::error::CliError;
use crate::io::log::HashedInput;

/// Who made a result from what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Provenance {
    /// Version of this command line.
    version: &'static str,
    /// The seed of every random choice; none where the command makes no such choice.
    seed: Option<u64>,
    /// Every file that was read.
    inputs: Vec<HashedInput>,
}

impl Provenance {
    /// Of a result of this version.
    pub(crate) fn new(seed: Option<u64>, inputs: Vec<HashedInput>) -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), seed, inputs }
    }

    /// What made a text without inputs, for a comment in it.
    pub(crate) fn comment(&self) -> String {
        format!("fewbit {}", self.version)
    }

    /// A picture that carries it, as the first element, `metadata`, in JSON.
    ///
    /// # Errors
    /// What JSON has no form for, as a path that is not UTF-8.
    pub(crate) fn in_svg(&self, svg: &str) -> Result<String, CliError> {
        let json = serde_json::to_string(self)?;
        let json = json.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let start = svg.find("<svg").and_then(|at| svg[at..].find('>').map(|end| at + end + 1));
        let (head, rest) = svg.split_at(start.unwrap_or(0));
        Ok(format!("{head}\n<metadata>{json}</metadata>{rest}"))
    }
}
