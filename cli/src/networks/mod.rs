//! Networks in files, arrays as their inputs, and configurations.

mod arrays;
mod config;
mod error;
mod html;
mod journal;
mod keys;
mod language;
mod layers_table;
mod model;
mod perceptron;
mod pictures;
mod report;

pub(crate) use arrays::{labels, outputs, tensors};
pub(crate) use config::{config, model_key};
pub(crate) use error::NetworkError;
pub(crate) use html::{html, language_html};
pub(crate) use journal::{FileJournal, config_key};
pub(crate) use keys::KeyArgs;
pub(crate) use language::{
    checkpoint, is_language_model, language_graph, read_words, saved_model, tokenized,
};
pub(crate) use layers_table::layers_table;
pub(crate) use model::{describe, read_bytes, read_model};
pub(crate) use report::{language_pictures, pictures};
