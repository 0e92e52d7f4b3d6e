//! What attention knows of places: angles, and who sees whom.

use crate::graph::ValueId;
use crate::language::inverse_frequencies;
use crate::ops::{
    Add, Cast, Cos, Dim, Expand, Fact, Less, Mul, Range, Sin, Squeeze, Sub, Unsqueeze,
};
use crate::tensor::{ElementType, Tensor};

use super::builder::Builder;
use super::options::KeyValueCache;

/// ONNX's number of float32.
const FLOAT: i64 = 1;

/// What every block takes.
pub(super) struct Positions {
    /// Cosines of each place's angles, `[batch, sequence, head_dim / 2]`.
    pub(super) cos: ValueId,
    /// Their sines.
    pub(super) sin: ValueId,
    /// Whether a query sees a key, bool `[sequence, past + sequence]`, where there is a window.
    pub(super) window: Option<ValueId>,
    /// Keys and values before this call, block by block.
    pub(super) past: Vec<[ValueId; 2]>,
}

impl Builder<'_> {
    /// Places count on from those of the cache.
    pub(super) fn positions(&mut self) -> Positions {
        let past = self.past();
        let scalar =
            |b: &mut Self, name: &str, n: i64| b.graph.add_constant(name, Tensor::scalar(n));
        let (zero, one) = (scalar(self, "model.zero", 0), scalar(self, "model.one", 1));
        let mut end = self.graph.add("model.positions.count", Squeeze {}, &[self.sequence]);
        let mut start = zero;
        if let Some(&[key, _]) = past.first() {
            let before = self.count_of("model.past", key, 2);
            start = self.graph.add("model.positions.start", Squeeze {}, &[before]);
            end = self.graph.add("model.positions.end", Add {}, &[start, end]);
        }
        let places = self.graph.add("model.positions", Range {}, &[start, end, one]);
        let axis = Tensor::vector(vec![1i64]);
        let axis = self.graph.add_constant("model.positions.axis", axis);
        let column = self.graph.add("model.positions.column", Unsqueeze {}, &[places, axis]);
        let (cos, sin) = self.angles(column);
        let window = self.config.sliding_window.map(|window| {
            let keys = self.graph.add("model.window.keys", Range {}, &[zero, end, one]);
            let apart = self.graph.add("model.window.apart", Sub {}, &[column, keys]);
            let size = scalar(self, "model.window.size", window as i64);
            self.graph.add("model.window", Less {}, &[apart, size])
        });
        Positions { cos, sin, window, past }
    }

    /// Cosines and sines of places `[sequence, 1]` times frequencies.
    fn angles(&mut self, places: ValueId) -> (ValueId, ValueId) {
        let half = self.config.head_dim / 2;
        let frequencies = Tensor::vector(inverse_frequencies(self.config));
        let frequencies = self.graph.add_constant("model.rotary_emb.inv_freq", frequencies);
        let to = Cast { to: FLOAT, ..Cast::default() };
        let places = self.graph.add("model.rotary_emb.positions", to, &[places]);
        let angles = self.graph.add("model.rotary_emb.angles", Mul {}, &[places, frequencies]);
        let shape = self.shape_of_tokens("model.rotary_emb.shape", self.sequence, half);
        let cos = self.graph.add("model.rotary_emb.cos_of_sequence", Cos {}, &[angles]);
        let sin = self.graph.add("model.rotary_emb.sin_of_sequence", Sin {}, &[angles]);
        (
            self.graph.add("model.rotary_emb.cos", Expand {}, &[cos, shape]),
            self.graph.add("model.rotary_emb.sin", Expand {}, &[sin, shape]),
        )
    }

    /// The inputs of the cache.
    fn past(&mut self) -> Vec<[ValueId; 2]> {
        if self.options.cache == KeyValueCache::None {
            return Vec::new();
        }
        let (heads, size) = (self.config.num_key_value_heads, self.config.head_dim);
        let dims = [
            Dim::Named("batch".into()),
            Dim::Size(heads),
            Dim::Named("past".into()),
            Dim::Size(size),
        ];
        let fact = Fact::new(ElementType::F32, dims.to_vec());
        let graph = &mut self.graph;
        let mut input = |layer: usize, what: &str| {
            graph.add_input(&format!("past_key_values.{layer}.{what}"), fact.clone())
        };
        (0..self.config.num_hidden_layers)
            .map(|layer| ["key", "value"].map(|what| input(layer, what)))
            .collect()
    }
}
