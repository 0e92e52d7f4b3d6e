//! A tiny Llama of random weights.

use fewbit_models::language::{Architecture, Checkpoint, LanguageConfig, LanguageError, Tokenizer};
use fewbit_models::tensor::Tensor;
use ndarray::{ArrayD, IxDyn};

use crate::support::Numbers;

/// Numbers, about normal, times a factor.
pub(crate) fn tensor(shape: &[usize], seed: u64, factor: f64) -> Tensor {
    let mut numbers = Numbers::new(seed);
    ArrayD::from_shape_simple_fn(IxDyn(shape), || (factor * numbers.normal()) as f32).into()
}

/// Two blocks of Llama, with weights that keep the magnitude of what goes through.
pub(crate) struct Llama(LanguageConfig);

impl Llama {
    pub(crate) fn new() -> Self {
        Self(LanguageConfig {
            architecture: Architecture::Llama,
            vocab_size: 1024,
            hidden_size: 256,
            intermediate_size: 640,
            num_hidden_layers: 2,
            num_attention_heads: 8,
            num_key_value_heads: 4,
            head_dim: 32,
            rms_norm_eps: 1e-5,
            rope_theta: 1e4,
            rope_scaling: None,
            max_position_embeddings: 512,
            sliding_window: None,
            tie_word_embeddings: true,
            attention_bias: false,
            mlp_bias: false,
            bos_token_id: None,
            eos_token_ids: Vec::new(),
        })
    }
}

impl Checkpoint for Llama {
    fn config(&self) -> &LanguageConfig {
        &self.0
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn tensor(&self, name: &str) -> Result<Tensor, LanguageError> {
        let (width, inner, config) = (self.0.hidden_size, self.0.intermediate_size, &self.0);
        let layer = name.rsplit('.').nth(1).unwrap_or_default();
        let shape = match layer {
            "embed_tokens" => vec![config.vocab_size, width],
            "k_proj" | "v_proj" => vec![config.num_key_value_heads * config.head_dim, width],
            "gate_proj" | "up_proj" => vec![inner, width],
            "down_proj" => vec![width, inner],
            "q_proj" | "o_proj" => vec![width, width],
            _ => return Ok(Tensor::vector(vec![1.0f32; width])),
        };
        Ok(tensor(&shape, name.len() as u64, 1.0 / (shape[1] as f64).sqrt()))
    }

    fn tokenizer(&self) -> Result<Tokenizer, LanguageError> {
        Err(LanguageError::Tokens("random weights have no tokenizer".into()))
    }
}
