//! The graph of a checkpoint, in ONNX's operators (opset 23): the decoder that all families share.
//!
//! ```text
//! x = embed_tokens[input_ids]
//! for each block:
//!     h = RMSNormalization(x)
//!     q, k, v = h Wq' + bq, h Wk' + bk, h Wv' + bv              (Qwen 3: q and k normalized head by head)
//!     q, k = RotaryEmbedding(q), RotaryEmbedding(k)
//!     x = x + Attention(q, k, v) Wo' + bo                        (causal; Mistral: within a window)
//!     h = RMSNormalization(x)
//!     x = x + (silu(h Wg' + bg) * (h Wu' + bu)) Wd' + bd
//! logits = RMSNormalization(x) Wl'                               (tied: Wl is embed_tokens)
//! ```
//!
//! All but positions and attention runs on rows, one per token, `[batch * sequence, features]`. So linear layers are `Gemm` with
//! `transB`: their weights stay `[out, in]` as files have them, which takes no copy, lets the last layer share the embedding, and is
//! the layout of every solver; biases are part of the product; and a token is a row for quantizers too.
//!
//! Nodes have the names of Hugging Face's modules, weights those of its parameters, so `model.layers.3` is a region of the graph
//! ([`Graph::region`]).

mod block;
mod builder;
mod options;
mod positions;

use crate::graph::Graph;
use crate::ops::{Dim, Fact, Gather, Reshape};
use crate::tensor::ElementType;

use super::{Checkpoint, LanguageError};
use builder::Builder;

pub use options::{BuildOptions, KeyValueCache, LogitsToKeep};

/// Builds the graph of a checkpoint.
///
/// Inputs: `input_ids` int64 `[batch, sequence]`, then what the options ask for. Outputs: `logits` float32
/// `[batch, sequence, vocab_size]` (or `kept` in place of `sequence`), then the cache. `progress` hears how many of the weights'
/// groups (embedding, blocks, last layer) are read, of how many.
///
/// Weights are read once and shared: clones of the graph copy none, and a tied last layer is the embedding itself.
///
/// # Errors
/// A configuration that cannot be; weights that are missing, of another shape, or not finite.
pub fn build(
    checkpoint: &dyn Checkpoint,
    options: &BuildOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Graph, LanguageError> {
    let config = checkpoint.config();
    config.check()?;
    let steps = config.num_hidden_layers + 2;
    progress(0, steps);
    let mut b = Builder::new(checkpoint, options);
    let embedding =
        b.weight("model.embed_tokens.weight", &[config.vocab_size, config.hidden_size])?;
    let input_ids = b.input_ids();
    let x = b.graph.add("model.embed_tokens", Gather { axis: 0 }, &[embedding, input_ids]);
    let mut x = b.rows("model.embed_tokens.rows", x, config.hidden_size);
    progress(1, steps);
    let positions = b.positions();
    for layer in 0..config.num_hidden_layers {
        x = b.block(layer, x, &positions)?;
        progress(layer + 2, steps);
    }
    let mut kept = b.sequence;
    if options.logits == LogitsToKeep::Chosen {
        let places = Fact::new(ElementType::I64, vec![Dim::Named("kept".into())]);
        let places = b.graph.add_input("logits_to_keep", places);
        let by_place = b.by_token("model.kept.tokens", x, config.hidden_size);
        let chosen = b.graph.add("model.kept", Gather { axis: 1 }, &[by_place, places]);
        x = b.rows("model.kept.rows", chosen, config.hidden_size);
        kept = b.count_of("model.kept.count", places, 0);
    }
    let x = b.norm("model.norm", x, config.hidden_size)?;
    let shape = [config.vocab_size, config.hidden_size];
    let weight = match config.tie_word_embeddings {
        true => embedding,
        false => b.weight("lm_head.weight", &shape)?,
    };
    let rows = b.product("lm_head", &[x, weight]);
    let shape = b.shape_of_tokens("logits.shape", kept, config.vocab_size);
    let logits = b.graph.add("logits", Reshape::default(), &[rows, shape]);
    b.graph.add_output(logits);
    let graph = b.finish()?;
    progress(steps, steps);
    Ok(graph)
}
