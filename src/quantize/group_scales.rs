//! Scales that are codes of a group format.

use fewbit_formats::{GroupFormat, Policy, ScalePolicy};
use serde::{Deserialize, Serialize};

/// Scales as the codes of a group format: what [`ScaleSource::Codes`](super::ScaleSource::Codes) holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupScales {
    /// The format of the groups; its elements are those of the scheme.
    #[serde(with = "super::text")]
    pub format: GroupFormat,
    /// How the scale of a group is found, and elements are divided by it.
    #[serde(with = "super::text::scale_policy")]
    pub policy: ScalePolicy,
    /// From a scale to its code.
    #[serde(with = "super::text::policy")]
    pub code: Policy,
}
