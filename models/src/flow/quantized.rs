//! What a flow makes of a network.

use crate::graph::Graph;
use crate::passes::{ChannelMeans, PassReport, SolvedLayer};

use super::timer::Phase;

/// A network before and after.
#[derive(Clone, Debug)]
pub struct QuantizedNetwork {
    /// In floats, as the quantizers found it: norms merged, channels equalized, activations rotated.
    pub float: Graph,
    /// With quantizers.
    pub graph: Graph,
    /// Of what the products of the float network make of the calibration data; of a language model where biases are corrected.
    pub means: ChannelMeans,
    /// The passes that ran, and what each changed.
    pub passes: Vec<PassReport>,
    /// How long things took.
    pub phases: Vec<Phase>,
    /// What algorithms did.
    pub solved: Vec<SolvedLayer>,
}
