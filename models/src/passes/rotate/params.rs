//! Which rotations go where.

use crate::ops::set::words;

words! {
    /// Where rotations go; the spelling is that of Brevitas's key `rotation`.
    RotationKind {
        /// Into weights, where the graph lets them through.
        Fused = "fx";
        /// The same: Brevitas finds the places on one graph and rotates the modules of another, and here is one graph only.
        FusedNoFx = "fused_no_fx";
        /// In front of every matrix product, by nodes of their own.
        Layerwise = "layerwise";
    }
    /// Which matrices are fused; the spelling is that of Brevitas's key `rotation_mode`. What is not fused is Hadamard always.
    RotationMode {
        /// Hadamard matrices, divided by √n.
        Hadamard = "had";
        /// Random orthogonal matrices.
        Orthogonal = "ort";
    }
    /// What becomes of products whose inputs no fused rotation reaches, Brevitas's key `rotation_orphan_sink`.
    OrphanSinks {
        /// They stay as they are.
        Leave = "leave";
        /// Their inputs are rotated by nodes of their own.
        Rotate = "rotate";
    }
    /// What becomes of the values of attention, Brevitas's key `rotation_sdpa_regions`.
    SdpaRegions {
        /// They stay as they are.
        Leave = "leave";
        /// They are rotated head by head, from the product that makes them to the one behind attention.
        Rotate = "rotate";
    }
}

/// Parameters of [`rotate`](super::rotate).
#[derive(Clone, Debug, PartialEq)]
pub struct RotateParams {
    /// Where rotations go.
    pub kind: RotationKind,
    /// Which matrices are fused.
    pub mode: RotationMode,
    /// What becomes of products that no fused rotation reaches; all of them are rotated with [`RotationKind::Layerwise`].
    pub orphan_sinks: OrphanSinks,
    /// What becomes of the values of attention; nothing with [`RotationKind::Layerwise`].
    pub sdpa_regions: SdpaRegions,
    /// Parts of names of products whose inputs are expanded: padded with zeros to a greater order, and rotated.
    pub layers_to_expand: Vec<String>,
    /// How many orders further an expansion goes, see
    /// [`expanded_order`](fewbit::algorithms::rotate::expanded_order); 0 for none.
    pub expansion_step: usize,
    /// Of random matrices.
    pub seed: u64,
}

impl Default for RotateParams {
    fn default() -> Self {
        Self {
            kind: RotationKind::Fused,
            mode: RotationMode::Hadamard,
            orphan_sinks: OrphanSinks::Leave,
            sdpa_regions: SdpaRegions::Leave,
            layers_to_expand: Vec::new(),
            expansion_step: 1,
            seed: 0,
        }
    }
}
