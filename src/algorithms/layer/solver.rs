//! The algorithms that choose codes, with their parameters, as values.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::name::LayerNameError;
use crate::algorithms::{
    BeaconParams, GpfqParams, GptaqParams, GptqParams, Order, Precision, QronosParams, RtnParams,
    SequentialSolver,
};
use crate::quantize::Centring;

/// An algorithm that chooses the codes of a layer, with its parameters.
///
/// Its text is its name; as parsed it has the parameters of its paper.
///
/// ```
/// use fewbit::algorithms::GptqParams;
/// use fewbit::algorithms::layer::LayerSolver;
/// let gptq: LayerSolver = "gptq".parse()?;
/// assert_eq!(gptq, LayerSolver::Gptq(GptqParams::default()));
/// assert!(gptq.with_damping(0.1).is_some());
/// assert!("gpfq".parse::<LayerSolver>()?.with_damping(0.1).is_none()); // nothing is damped in GPFQ
/// # Ok::<(), fewbit::algorithms::layer::LayerNameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LayerSolver {
    /// `rtn`: round-to-nearest.
    Rtn(RtnParams),
    /// `gptq`: GPTQ, or OPTQ.
    Gptq(GptqParams),
    /// `gpfq`: greedy path following.
    Gpfq(GpfqParams),
    /// `qronos`: Qronos.
    Qronos(QronosParams),
    /// `gptaq`: GPTQ with asymmetric calibration.
    Gptaq(GptaqParams),
    /// `beacon`: direction first, scales from it; for scalar formats alone.
    Beacon(BeaconParams),
    /// `a2q` or `a2q-plus`, which is zero-centred: projection onto the L1 ball of the accumulator's first stage.
    A2q(Centring),
}

impl LayerSolver {
    /// All of them with the parameters of their papers.
    #[must_use]
    pub fn all() -> [Self; 8] {
        [
            Self::Rtn(RtnParams::default()),
            Self::Gptq(GptqParams::default()),
            Self::Gpfq(GpfqParams::default()),
            Self::Qronos(QronosParams::default()),
            Self::Gptaq(GptaqParams::default()),
            Self::Beacon(BeaconParams::default()),
            Self::A2q(Centring::None),
            Self::A2q(Centring::Mean),
        ]
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rtn(_) => "rtn",
            Self::Gptq(_) => "gptq",
            Self::Gpfq(_) => "gpfq",
            Self::Qronos(_) => "qronos",
            Self::Gptaq(_) => "gptaq",
            Self::Beacon(_) => "beacon",
            Self::A2q(Centring::None) => "a2q",
            Self::A2q(Centring::Mean) => "a2q-plus",
        }
    }

    /// Whether it rounds input after input and so keeps an accumulator's budgets; the others project all weights at once.
    #[must_use]
    pub fn keeps_budgets(&self) -> bool {
        !matches!(self, Self::A2q(_))
    }

    /// Its parameters as those of a solver that rounds input after input; `None` for Beacon, A2Q and A2Q+.
    #[must_use]
    pub fn sequential(&self) -> Option<&dyn SequentialSolver> {
        Some(match self {
            Self::Rtn(params) => params,
            Self::Gptq(params) => params,
            Self::Gpfq(params) => params,
            Self::Qronos(params) => params,
            Self::Gptaq(params) => params,
            Self::Beacon(_) | Self::A2q(_) => return None,
        })
    }

    /// The same in this order of the inputs; `None` where it has no order.
    #[must_use]
    pub fn with_order(self, order: Order) -> Option<Self> {
        Some(match self {
            Self::Rtn(params) => Self::Rtn(RtnParams { order, ..params }),
            Self::Gptq(params) => Self::Gptq(GptqParams { order, ..params }),
            Self::Gpfq(params) => Self::Gpfq(GpfqParams { order, ..params }),
            Self::Qronos(params) => Self::Qronos(QronosParams { order, ..params }),
            Self::Gptaq(params) => Self::Gptaq(GptaqParams { order, ..params }),
            Self::Beacon(params) => Self::Beacon(BeaconParams { order, ..params }),
            Self::A2q(_) => return None,
        })
    }

    /// The same with its loops in this precision; `None` where there is no such choice.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Option<Self> {
        Some(match self {
            Self::Rtn(params) => Self::Rtn(RtnParams { precision, ..params }),
            Self::Gptq(params) => Self::Gptq(GptqParams { precision, ..params }),
            Self::Gpfq(params) => Self::Gpfq(GpfqParams { precision, ..params }),
            Self::Qronos(params) => Self::Qronos(QronosParams { precision, ..params }),
            Self::Gptaq(params) => Self::Gptaq(GptaqParams { precision, ..params }),
            Self::Beacon(_) | Self::A2q(_) => return None,
        })
    }

    /// The same with this damping, in the units of its parameters; `None` where nothing is damped.
    #[must_use]
    pub fn with_damping(self, damping: f64) -> Option<Self> {
        Some(match self {
            Self::Gptq(params) => Self::Gptq(GptqParams { damping, ..params }),
            Self::Qronos(params) => Self::Qronos(QronosParams { damping, ..params }),
            Self::Gptaq(params) => Self::Gptaq(GptaqParams { damping, ..params }),
            Self::Rtn(_) | Self::Gpfq(_) | Self::Beacon(_) | Self::A2q(_) => return None,
        })
    }
}

impl FromStr for LayerSolver {
    type Err = LayerNameError;

    fn from_str(text: &str) -> Result<Self, LayerNameError> {
        let solver = Self::all().into_iter().find(|solver| solver.name() == text);
        let names = "rtn, gptq, gpfq, qronos, gptaq, beacon, a2q, a2q-plus";
        solver.ok_or_else(|| LayerNameError::new(text, names))
    }
}

impl fmt::Display for LayerSolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Its name.
impl Serialize for LayerSolver {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
