//! Which operators move values and make none.

use super::Op;

impl Op {
    /// Whether every element of the first output is an element of the first input, so that codes stay codes.
    #[must_use]
    pub fn moves_values(&self) -> bool {
        matches!(
            self,
            Self::MaxPool(_)
                | Self::GlobalMaxPool(_)
                | Self::Flatten(_)
                | Self::Reshape(_)
                | Self::Transpose(_)
                | Self::Squeeze(_)
                | Self::Unsqueeze(_)
                | Self::Identity(_)
                | Self::Dropout(_)
                | Self::Slice(_)
                | Self::Split(_)
                | Self::Expand(_)
                | Self::Gather(_)
                | Self::DepthToSpace(_)
                | Self::SpaceToDepth(_)
        )
    }
}
