//! Folders as Hugging Face's `save_pretrained` writes them: `config.json`, weights in `.safetensors` files, a tokenizer.

mod config;
mod folder;
mod json;
mod weights;

pub use folder::HuggingFaceCheckpoint;
