//! What a graph is built for.

/// Whether keys and values of earlier tokens are inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyValueCache {
    /// No: `input_ids` is the whole sequence.
    #[default]
    None,
    /// Yes: inputs `past_key_values.N.key` and `.value` `[batch, heads, past, head_dim]`, outputs `present.N.key` and `.value`
    /// `[batch, heads, past + sequence, head_dim]`; `past` may be 0.
    Inputs,
}

/// The places whose logits are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogitsToKeep {
    /// All of them.
    #[default]
    All,
    /// Those of an input `logits_to_keep`, int64 `[kept]`: places in the sequence, from 0.
    Chosen,
}

/// What a graph is built for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Earlier keys and values.
    pub cache: KeyValueCache,
    /// Places of the logits.
    pub logits: LogitsToKeep,
}
