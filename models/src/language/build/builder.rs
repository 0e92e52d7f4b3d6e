//! What all parts of the graph are made with: weights, norms, linear layers, and the two shapes that values have.

use std::collections::HashMap;

use crate::graph::{Graph, ValueId};
use crate::language::{Checkpoint, LanguageConfig, LanguageError};
use crate::ops::{Concat, Dim, Fact, Gemm, RMSNormalization, Reshape, Shape};
use crate::tensor::{ElementType, Tensor};

use super::options::BuildOptions;

/// A graph on its way.
pub(super) struct Builder<'a> {
    checkpoint: &'a dyn Checkpoint,
    pub(super) config: &'a LanguageConfig,
    pub(super) options: &'a BuildOptions,
    pub(super) graph: Graph,
    input_ids: ValueId,
    batch: ValueId,
    /// How many tokens a sequence has, `[1]`.
    pub(super) sequence: ValueId,
    /// Shapes `[batch, sequence, width]` by width.
    by_token: HashMap<usize, ValueId>,
    /// Shapes `[-1, width]` by width.
    rows: HashMap<usize, ValueId>,
    /// Keys and values after this call, block by block.
    pub(super) presents: Vec<ValueId>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(checkpoint: &'a dyn Checkpoint, options: &'a BuildOptions) -> Self {
        let config = checkpoint.config();
        let mut graph = Graph::new(config.architecture.to_string());
        let dims = ["batch", "sequence"].map(|name| Dim::Named(name.into()));
        let input_ids = graph.add_input("input_ids", Fact::new(ElementType::I64, dims.to_vec()));
        let mut count = |name: &str, axis: i64| {
            graph.add(name, Shape { start: axis, end: Some(axis + 1) }, &[input_ids])
        };
        let (batch, sequence) = (count("model.batch", 0), count("model.sequence", 1));
        Self {
            checkpoint,
            config,
            options,
            graph,
            input_ids,
            batch,
            sequence,
            by_token: HashMap::new(),
            rows: HashMap::new(),
            presents: Vec::new(),
        }
    }

    /// `[batch, sequence]`.
    pub(super) fn input_ids(&self) -> ValueId {
        self.input_ids
    }

    /// The finished graph.
    pub(super) fn finish(mut self) -> Result<Graph, LanguageError> {
        for value in std::mem::take(&mut self.presents) {
            self.graph.add_output(value);
        }
        self.graph.sort()?;
        self.graph.infer()?;
        Ok(self.graph)
    }

    /// A weight of a shape that follows from the configuration.
    pub(super) fn weight(&mut self, name: &str, shape: &[usize]) -> Result<ValueId, LanguageError> {
        let tensor = self.checkpoint.tensor(name)?;
        let wrong = |problem| LanguageError::Tensor { name: name.into(), problem };
        if tensor.shape() != shape {
            let problem =
                format!("has shape {:?}, and the configuration asks for {shape:?}", tensor.shape());
            return Err(wrong(problem));
        }
        let values = tensor.get::<f32>().map_err(|error| wrong(error.to_string()))?;
        // A sum is finite only if all are: the exception, large weights whose sum overflows, is looked at one by one.
        if !values.sum().is_finite()
            && let Some(at) = values.iter().position(|x| !x.is_finite())
        {
            let found = values.iter().nth(at).copied().unwrap_or(f32::NAN);
            return Err(wrong(format!("element {at} is {found}: expected finite weights")));
        }
        Ok(self.graph.add_constant(name, tensor))
    }

    /// How large an axis of a value is, `[1]`.
    pub(super) fn count_of(&mut self, name: &str, value: ValueId, axis: i64) -> ValueId {
        self.graph.add(name, Shape { start: axis, end: Some(axis + 1) }, &[value])
    }

    /// The shape `[batch, count, width]`.
    pub(super) fn shape_of_tokens(&mut self, name: &str, count: ValueId, width: usize) -> ValueId {
        let width = Tensor::vector(vec![width as i64]);
        let width = self.graph.add_constant(&format!("{name}.width"), width);
        self.graph.add(name, Concat { axis: 0 }, &[self.batch, count, width])
    }

    /// `[batch, sequence, width]` of one row per token.
    pub(super) fn by_token(&mut self, name: &str, x: ValueId, width: usize) -> ValueId {
        let shape = match self.by_token.get(&width) {
            Some(&shape) => shape,
            None => {
                let name = format!("model.tokens_of_{width}");
                let shape = self.shape_of_tokens(&name, self.sequence, width);
                self.by_token.insert(width, shape);
                shape
            }
        };
        self.graph.add(name, Reshape::default(), &[x, shape])
    }

    /// Rows of a width: `[.., width]` as `[-1, width]`.
    pub(super) fn rows(&mut self, name: &str, x: ValueId, width: usize) -> ValueId {
        let graph = &mut self.graph;
        let shape = *self.rows.entry(width).or_insert_with(|| {
            let shape = Tensor::vector(vec![-1, width as i64]);
            graph.add_constant(&format!("model.rows_of_{width}"), shape)
        });
        graph.add(name, Reshape::default(), &[x, shape])
    }

    /// `x / sqrt(mean(x^2) + epsilon) * weight`, row by row.
    pub(super) fn norm(
        &mut self,
        name: &str,
        x: ValueId,
        width: usize,
    ) -> Result<ValueId, LanguageError> {
        let weight = self.weight(&format!("{name}.weight"), &[width])?;
        let norm =
            RMSNormalization { epsilon: self.config.rms_norm_eps, ..RMSNormalization::default() };
        Ok(self.graph.add(name, norm, &[x, weight]))
    }

    /// `x weight' + bias`, of weights and perhaps a bias that the checkpoint has under this name.
    pub(super) fn linear(
        &mut self,
        name: &str,
        x: ValueId,
        [out, depth]: [usize; 2],
        bias: bool,
    ) -> Result<ValueId, LanguageError> {
        let mut inputs = vec![x, self.weight(&format!("{name}.weight"), &[out, depth])?];
        if bias {
            inputs.push(self.weight(&format!("{name}.bias"), &[out])?);
        }
        Ok(self.product(name, &inputs))
    }

    /// `x weight' + bias`.
    pub(super) fn product(&mut self, name: &str, inputs: &[ValueId]) -> ValueId {
        self.graph.add(name, Gemm { transpose_b: true, ..Gemm::default() }, inputs)
    }
}
