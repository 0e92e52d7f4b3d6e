//! GGUF files and language models in them, beside what the PyPI packages gguf, transformers, tokenizers, tiktoken and
//! sentencepiece make of the same.

mod blocks;
mod broken;
mod checkpoints;
mod files;
mod smollm2;
mod support;
mod tokenizers;
