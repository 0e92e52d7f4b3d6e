//! The frequencies of rotary positions, in the `f32` arithmetic of transformers.

use std::f32::consts::PI;

use super::{LanguageConfig, RopeScaling};

/// The angle by which each pair of a head is turned from one place to the next, in radians: `head_dim / 2` of them.
///
/// `f_i = 1 / rope_theta^(2 i / head_dim)`, then as [`RopeScaling`] says. Powers, quotients and products are rounded to `f32` one by
/// one, as `ROPE_INIT_FUNCTIONS` of transformers 4.57 computes them: the angle of a place is the place times this, in `f32`
/// again, and 1e-7 of a frequency is 1e-4 radians after a thousand places.
///
/// ```
/// use fewbit_models::language::{Architecture, LanguageConfig, RopeScaling, inverse_frequencies};
/// # let mut config = LanguageConfig { architecture: Architecture::Llama, vocab_size: 2, hidden_size: 4, intermediate_size: 4,
/// #     num_hidden_layers: 1, num_attention_heads: 1, num_key_value_heads: 1, head_dim: 4, rms_norm_eps: 1e-5, rope_theta: 100.0,
/// #     rope_scaling: None, max_position_embeddings: 8, sliding_window: None, tie_word_embeddings: true, attention_bias: false,
/// #     mlp_bias: false, bos_token_id: None, eos_token_ids: vec![] };
/// assert_eq!((config.head_dim, config.rope_theta), (4, 100.0));
/// assert_eq!(inverse_frequencies(&config), [1.0, 0.1]);
/// config.rope_scaling = Some(RopeScaling::Linear { factor: 4.0 });
/// assert_eq!(inverse_frequencies(&config), [0.25, 0.025]);
/// ```
#[must_use]
pub fn inverse_frequencies(config: &LanguageConfig) -> Vec<f32> {
    let (theta, size) = (config.rope_theta, config.head_dim as f32);
    let plain = (0..config.head_dim / 2).map(|i| {
        let exponent = (2 * i) as f32 / size;
        1.0 / (f64::from(theta).powf(exponent.into()) as f32)
    });
    match &config.rope_scaling {
        None => plain.collect(),
        Some(RopeScaling::Linear { factor }) => plain.map(|f| f / factor).collect(),
        Some(RopeScaling::Llama3 {
            factor,
            low_freq_factor: low,
            high_freq_factor: high,
            original_max_position_embeddings: context,
        }) => {
            let context = *context as f32;
            let scaled = |f: f32| {
                let wavelength = 2.0 * PI / f;
                if wavelength > context / low {
                    f / factor
                } else if wavelength < context / high {
                    f
                } else {
                    let share = (context / wavelength - low) / (high - low);
                    (1.0 - share) * f / factor + share * f
                }
            };
            plain.map(scaled).collect()
        }
    }
}
