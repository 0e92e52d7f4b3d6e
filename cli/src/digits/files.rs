//! The files that are carried.

/// Images and labels, a line each.
pub(super) static PACKED: &[u8] = include_bytes!("../../../data/digits/digits.csv.gz");
/// The trained network.
pub(super) static WEIGHTS: &[u8] = include_bytes!("../../../data/digits/mlp.safetensors");

/// The carried files, with their names in the sources.
pub const FILES: [(&str, &[u8]); 2] =
    [("data/digits/digits.csv.gz", PACKED), ("data/digits/mlp.safetensors", WEIGHTS)];
