//! The functions that tables are made of.

use super::error::TableError;
use crate::named::named;

named! {
    TableError;
    /// A real function of one number.
    ///
    /// ```
    /// use fewbit::functions::table::Function;
    /// let function: Function = "gelu-tanh".parse()?;
    /// assert_eq!(function.to_string(), "gelu-tanh");
    /// assert_eq!(Function::Sigmoid.value(0.0), 0.5);
    /// # Ok::<(), fewbit::functions::table::TableError>(())
    /// ```
    "function" => pub enum Function {
        /// `1 / (1 + exp(-x))`
        Sigmoid = "sigmoid",
        /// The hyperbolic tangent.
        Tanh = "tanh",
        /// `exp x`
        Exp = "exp",
        /// `exp(-x)`
        ExpNegated = "exp-negated",
        /// `x / 2 (1 + erf(x / sqrt 2))`
        Gelu = "gelu",
        /// `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`
        GeluTanh = "gelu-tanh",
        /// `x / (1 + exp(-x))`
        Silu = "silu",
        /// `log(1 + exp x)`
        Softplus = "softplus",
        /// `x / (1 + |x|)`
        Softsign = "softsign",
        /// `x` from 0 up, `exp(x) - 1` below.
        Elu = "elu",
        /// `1.0507009873554804934193349852946` times: `x` from 0 up, `1.6732632423543772848170429916717 (exp(x) - 1)` below.
        Selu = "selu",
        /// The error function.
        Erf = "erf",
        /// The square root.
        Sqrt = "sqrt",
        /// `1 / sqrt x`
        Rsqrt = "rsqrt",
        /// `1 / x`
        Reciprocal = "reciprocal",
        /// `1 / (1 + x)`
        ReciprocalOfNext = "reciprocal-of-next",
        /// The natural logarithm.
        Log = "log",
        /// `x` itself.
        Identity = "identity",
    }
}

/// SELU's factors (hls4ml's digits).
pub(super) const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

impl Function {
    /// The function in f64; NaN where it has no value.
    ///
    /// The elementary functions are those of the crate `libm`, so that the result is the same on every machine. They err by
    /// up to some units in the last place, and so does a formula made of them: entries are as good as the sign of a
    /// difference that f64 can tell, and the tests hold presets' entries against exact ones.
    ///
    /// ```
    /// use fewbit::functions::table::Function;
    /// assert_eq!(Function::Elu.value(2.0), 2.0);
    /// assert!(Function::Log.value(-1.0).is_nan());
    /// assert!((Function::Gelu.value(1.0) - 0.8413447460685429).abs() < 1e-15);
    /// ```
    #[must_use]
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Self::Tanh => libm::tanh(x),
            Self::Exp => libm::exp(x),
            Self::ExpNegated => libm::exp(-x),
            // The complement keeps the digits of small results.
            Self::Gelu => 0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
            Self::GeluTanh => {
                let root = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
                0.5 * x * (1.0 + libm::tanh(root * (x + 0.044715 * x * x * x)))
            }
            Self::Silu => x / (1.0 + libm::exp(-x)),
            Self::Softplus => x.max(0.0) + libm::log1p(libm::exp(-x.abs())),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Elu if x < 0.0 => libm::expm1(x),
            Self::Elu => x,
            Self::Selu if x < 0.0 => SELU[0] * (SELU[1] * libm::expm1(x)),
            Self::Selu => SELU[0] * x,
            Self::Erf => libm::erf(x),
            Self::Sqrt => libm::sqrt(x),
            Self::Rsqrt => 1.0 / libm::sqrt(x),
            Self::Reciprocal => 1.0 / x,
            Self::ReciprocalOfNext => 1.0 / (1.0 + x),
            Self::Log => libm::log(x),
            Self::Identity => x,
        }
    }
}
