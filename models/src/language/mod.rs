//! Language models: what a checkpoint says of its architecture, its weights by name, its tokenizer, and the graph built of them.
//!
//! | part | what it is |
//! |---|---|
//! | [`LanguageConfig`] | the architecture, in the names of Hugging Face's `config.json` |
//! | [`Checkpoint`] | weights by Hugging Face's names, one at a time |
//! | [`Tokenizer`] | text to tokens and back |
//! | [`HuggingFaceCheckpoint`] | a checkpoint in a folder of Hugging Face's |
//! | [`build`] | the graph of a checkpoint |

mod build;
mod check;
mod checkpoint;
mod config;
mod error;
mod generate;
mod hugging_face;
mod model;
mod open;
mod rope;
mod tokenizer;

pub use build::{BuildOptions, KeyValueCache, LogitsToKeep, build};
pub use checkpoint::Checkpoint;
pub use config::{Architecture, LanguageConfig, RopeScaling};
pub use error::LanguageError;
pub use generate::{GenerateOptions, generate};
pub use hugging_face::HuggingFaceCheckpoint;
pub use model::LanguageModel;
pub use open::{is_checkpoint, open_checkpoint};
pub use rope::inverse_frequencies;
pub use tokenizer::Tokenizer;
