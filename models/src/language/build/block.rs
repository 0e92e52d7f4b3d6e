//! One block: attention and feed-forward layers, each added to what came in.

use crate::graph::{Node, ValueId};
use crate::language::{Architecture, LanguageError};
use crate::ops::{Add, Attention, Dim, Fact, Mul, RotaryEmbedding, Sigmoid};
use crate::tensor::ElementType;

use super::builder::Builder;
use super::options::KeyValueCache;
use super::positions::Positions;

impl Builder<'_> {
    /// A block: rows to rows.
    pub(super) fn block(
        &mut self,
        layer: usize,
        x: ValueId,
        positions: &Positions,
    ) -> Result<ValueId, LanguageError> {
        let name = format!("model.layers.{layer}");
        let width = self.config.hidden_size;
        let h = self.norm(&format!("{name}.input_layernorm"), x, width)?;
        let h = self.attention(&name, layer, h, positions)?;
        let x = self.graph.add(&format!("{name}.attention_residual"), Add {}, &[x, h]);
        let h = self.norm(&format!("{name}.post_attention_layernorm"), x, width)?;
        let h = self.feed_forward(&name, h)?;
        Ok(self.graph.add(&format!("{name}.mlp_residual"), Add {}, &[x, h]))
    }

    fn attention(
        &mut self,
        block: &str,
        layer: usize,
        h: ValueId,
        positions: &Positions,
    ) -> Result<ValueId, LanguageError> {
        let name = format!("{block}.self_attn");
        let config = self.config;
        let (heads, own) = (config.num_attention_heads, config.num_key_value_heads);
        let (size, width) = (config.head_dim, config.hidden_size);
        let by_token = |b: &mut Self, what: &str, heads: usize| {
            let shape = [heads * size, width];
            let name = format!("{name}.{what}");
            let mut x = b.linear(&format!("{name}_proj"), h, shape, config.attention_bias)?;
            if config.architecture == Architecture::Qwen3 && what != "v" {
                x = b.rows(&format!("{name}_heads"), x, size);
                x = b.norm(&format!("{name}_norm"), x, size)?;
            }
            x = b.by_token(&format!("{name}_tokens"), x, heads * size);
            if what == "v" {
                return Ok(x);
            }
            let op = RotaryEmbedding { heads, ..RotaryEmbedding::default() };
            let inputs = [x, positions.cos, positions.sin];
            Ok::<_, LanguageError>(b.graph.add(&format!("{name}_rotary"), op, &inputs))
        };
        let q = by_token(self, "q", heads)?;
        let k = by_token(self, "k", own)?;
        let v = by_token(self, "v", own)?;
        let past = positions.past.get(layer);
        let mut inputs = vec![Some(q), Some(k), Some(v), positions.window];
        inputs.extend(past.into_iter().flatten().map(|&id| Some(id)));
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        let node = format!("{name}.attention");
        let mixed = self.graph.add_value(&node, Fact::default());
        let mut outputs = vec![Some(mixed)];
        if self.options.cache == KeyValueCache::Inputs {
            for what in ["key", "value"] {
                let dims = vec![
                    Dim::Named("batch".into()),
                    Dim::Size(own),
                    Dim::Named("total".into()),
                    Dim::Size(size),
                ];
                let fact = Fact::new(ElementType::F32, dims);
                let present = self.graph.add_value(&format!("present.{layer}.{what}"), fact);
                self.presents.push(present);
                outputs.push(Some(present));
            }
        }
        let op =
            Attention { causal: true, query_heads: heads, key_heads: own, ..Attention::default() };
        self.graph.add_node(Node { name: node, op: op.into(), inputs, outputs });
        let mixed = self.rows(&format!("{name}.attention_rows"), mixed, heads * size);
        // Of Qwen 2 only queries, keys and values have biases.
        let bias = config.attention_bias && config.architecture != Architecture::Qwen2;
        self.linear(&format!("{name}.o_proj"), mixed, [width, heads * size], bias)
    }

    fn feed_forward(&mut self, block: &str, h: ValueId) -> Result<ValueId, LanguageError> {
        let name = format!("{block}.mlp");
        let (width, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let bias = self.config.mlp_bias;
        let gate = self.linear(&format!("{name}.gate_proj"), h, [inner, width], bias)?;
        let up = self.linear(&format!("{name}.up_proj"), h, [inner, width], bias)?;
        let sigmoid = self.graph.add(&format!("{name}.act_fn.sigmoid"), Sigmoid {}, &[gate]);
        let silu = self.graph.add(&format!("{name}.act_fn"), Mul {}, &[gate, sigmoid]);
        let gated = self.graph.add(&format!("{name}.gated"), Mul {}, &[silu, up]);
        self.linear(&format!("{name}.down_proj"), gated, [width, inner], bias)
    }
}
