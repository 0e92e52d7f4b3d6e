//! Language models: checkpoints, graphs, and what transformers computes with the same weights.

mod blocks;
mod export;
mod folders;
mod graphs;
mod logits;
mod scores;
mod support;
