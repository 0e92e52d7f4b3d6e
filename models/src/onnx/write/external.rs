//! Where initializers lie that are not in the model's own file.

use std::collections::HashMap;
use std::ops::Range;

/// Initializers whose elements are in another file beside the model's: bytes as [`write_bytes`](super::write_bytes) has them, of any
/// total size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExternalData {
    /// The file, by its name in the model's folder.
    pub location: String,
    /// Its bytes of each initializer, by the initializer's name.
    pub places: HashMap<String, Range<u64>>,
}
