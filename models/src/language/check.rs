//! What a configuration must be before a graph is built of it.

use super::{LanguageConfig, LanguageError, RopeScaling};

/// The largest extent that a graph has.
const LARGEST: usize = 1 << 31;

impl LanguageConfig {
    /// Checks that the sizes are sizes of a network, and fit each other.
    ///
    /// # Errors
    /// The first key that cannot be, with its value.
    pub fn check(&self) -> Result<(), LanguageError> {
        let wrong =
            |key: &str, problem: String| Err(LanguageError::Config { key: key.into(), problem });
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("sliding_window", self.sliding_window.unwrap_or(1)),
        ];
        for (key, size) in sizes {
            if size == 0 || size > LARGEST {
                return wrong(key, format!("{size}: expected 1 to 2^31"));
            }
        }
        let (heads, own) = (self.num_attention_heads, self.num_key_value_heads);
        if !heads.is_multiple_of(own) {
            return wrong("num_key_value_heads", format!("{own} does not divide {heads} heads"));
        }
        if heads.checked_mul(self.head_dim).is_none_or(|width| width > LARGEST) {
            let problem = format!("{heads} heads of {} are more than 2^31", self.head_dim);
            return wrong("head_dim", problem);
        }
        if !self.head_dim.is_multiple_of(2) {
            let problem = format!("{} is odd: positions turn pairs", self.head_dim);
            return wrong("head_dim", problem);
        }
        let positive = |x: f32| x.is_finite() && x > 0.0;
        if !(self.rms_norm_eps.is_finite() && self.rms_norm_eps >= 0.0) {
            return wrong("rms_norm_eps", format!("{}: expected 0 or more", self.rms_norm_eps));
        }
        if !positive(self.rope_theta) {
            return wrong("rope_theta", format!("{}: expected more than 0", self.rope_theta));
        }
        let factors = match &self.rope_scaling {
            None => vec![],
            Some(RopeScaling::Linear { factor }) => vec![*factor],
            Some(RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, .. }) => {
                if low_freq_factor >= high_freq_factor {
                    let problem = format!(
                        "{low_freq_factor} is not below high_freq_factor {high_freq_factor}"
                    );
                    return wrong("rope_scaling.low_freq_factor", problem);
                }
                vec![*factor, *low_freq_factor, *high_freq_factor]
            }
        };
        match factors.into_iter().find(|&factor| !positive(factor)) {
            Some(factor) => {
                wrong("rope_scaling", format!("the factor {factor}: expected more than 0"))
            }
            None => Ok(()),
        }
    }
}
