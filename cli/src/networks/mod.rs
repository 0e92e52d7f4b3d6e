//! Networks in files, arrays as their inputs, and configurations.

mod arrays;
mod config;
mod error;
mod html;
mod keys;
mod language;
mod model;
mod perceptron;
mod pictures;
mod report;

pub(crate) use arrays::{labels, outputs, tensors};
pub(crate) use config::config;
pub(crate) use error::NetworkError;
pub(crate) use html::html;
pub(crate) use keys::KeyArgs;
pub(crate) use language::{checkpoint, language_graph, saved_model};
pub(crate) use model::{describe, read_bytes, read_model};
pub(crate) use report::pictures;
