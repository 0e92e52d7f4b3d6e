//! Functions in float32, operation by operation as TFLite's and hls4ml's sources have them.

use super::choices::EntryArithmetic;
use super::error::TableError;
use super::function::{Function, SELU};

/// C's elementary functions of float32: those of f64, rounded.
fn exp(x: f32) -> f32 {
    libm::exp(x.into()) as f32
}

impl EntryArithmetic {
    /// Whether the arithmetic has a function.
    #[must_use]
    pub fn has(self, function: Function) -> bool {
        match self {
            Self::F64 => true,
            _ => self.single(function, 0.5).is_some(),
        }
    }

    /// As [`Self::has`], for a description.
    pub(super) fn check(self, function: Function) -> Result<(), TableError> {
        if self.has(function) {
            return Ok(());
        }
        let known =
            Function::ALL.iter().filter(|other| self.has(**other)).map(|other| other.name());
        let expected = known.collect::<Vec<_>>().join(", ");
        Err(TableError::Function { function: function.name(), evaluation: self.name(), expected })
    }

    /// The function in float32; `None` where the stack has no table of it. NaN where TFLite takes an end of the output's range
    /// instead.
    pub(super) fn single(self, function: Function, x: f32) -> Option<f32> {
        match self {
            Self::F64 => None,
            Self::Tflite => tflite(function, x),
            Self::Hls4ml => hls4ml(function, x),
        }
    }
}

/// `activations.cc`, `elementwise.cc`, `exp.cc`, `reference/gelu.h` of tensorflow/lite/kernels.
fn tflite(function: Function, x: f32) -> Option<f32> {
    Some(match function {
        Function::Sigmoid => 1.0 / (1.0 + exp(-x)),
        Function::Tanh => libm::tanh(x.into()) as f32,
        Function::Exp => exp(x),
        Function::Elu if x < 0.0 => exp(x) - 1.0,
        Function::Elu => x,
        Function::Gelu => {
            0.5 * x * libm::erfc((x * -std::f32::consts::FRAC_1_SQRT_2).into()) as f32
        }
        Function::GeluTanh => {
            let root = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
            let inner = root as f32 * (x + 0.044715f32 * x * x * x);
            0.5 * x * (1.0 + libm::tanh(inner.into()) as f32)
        }
        Function::Log if x <= 0.0 => f32::NAN,
        Function::Log => libm::log(x.into()) as f32,
        Function::Rsqrt if x <= 0.0 => f32::NAN,
        Function::Rsqrt => 1.0 / x.sqrt(),
        Function::ReciprocalOfNext => 1.0 / (1.0 + x),
        _ => return None,
    })
}

/// `nnet_activation.h`; what it computes in double is rounded to float32 where it returns.
fn hls4ml(function: Function, x: f32) -> Option<f32> {
    let wide = f64::from(x);
    Some(match function {
        Function::Sigmoid => (1.0 / f64::from(1.0 + exp(-x))) as f32,
        Function::Tanh => libm::tanh(wide) as f32,
        Function::Exp => exp(x),
        Function::ExpNegated => exp(-x),
        Function::Reciprocal => 1.0 / x,
        Function::Softplus => libm::log(f64::from(exp(x)) + 1.0) as f32,
        Function::Softsign => (wide / (wide.abs() + 1.0)) as f32,
        Function::Elu => (f64::from(exp(x)) - 1.0) as f32,
        Function::Selu => (SELU[0] * (SELU[1] * (f64::from(exp(x)) - 1.0))) as f32,
        _ => return None,
    })
}
