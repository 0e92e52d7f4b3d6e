//! The layers, and what of an import graph goes against them.

use std::collections::BTreeSet;

use crate::modules::Arrow;

/// From the bottom: a layer may use itself and what lies below. ARCHITECTURE.md has the same list.
pub(crate) const LAYERS: [&[&str]; 25] = [
    &[
        "formats/src/named",
        "formats/src/scan",
        "formats/src/status",
        "formats/src/philox",
        "formats/src/rounding",
        "formats/src/policy",
        "formats/src/exact",
        "formats/src/real",
        "formats/src/error",
    ],
    // A format is one of a family, and why a family has no code for a value names the format.
    &[
        "formats/src/format",
        "formats/src/encoded",
        "formats/src/float",
        "formats/src/integer",
        "formats/src/tapered",
    ],
    &["formats/src/encode", "formats/src/table"],
    &["formats/src/name"],
    &[
        "formats/src/arithmetic",
        "formats/src/scale",
        "formats/src/preset",
        "formats/src/hex_float",
        "formats/src/natural",
        "formats/src/decimal",
        "formats/src/group",
        "formats/src/ggml",
    ],
    &["formats/src/types"],
    &["formats/src/lib"],
    &[
        "src/accumulate",
        "src/convolution",
        "src/functions",
        "src/layout",
        "src/memory",
        "src/named",
        "src/requantize",
        "src/room",
        "src/simd",
        "src/tasks",
    ],
    &["src/reference"],
    &["src/machine", "src/trace"],
    &["src/convert"],
    &["src/kernels"],
    &["src/tensor"],
    &["src/quantize"],
    &["src/algorithms"],
    &["src/strategies", "src/sweep", "src/vectors", "src/lib"],
    &["models/src/tensor"],
    // An operator `If` has graphs.
    &["models/src/ops", "models/src/graph"],
    &["models/src/exec", "models/src/gguf", "models/src/onnx"],
    &["models/src/gradient"],
    &[
        "models/src/layers",
        "models/src/import",
        "models/src/export",
        "models/src/passes",
        "models/src/language",
    ],
    &["models/src/flow"],
    &["models/src/eval"],
    &["models/src/lib"],
    &["cli/src", "ffi/c/src"],
];

/// The text of [`LAYERS`] as ARCHITECTURE.md has it: a line a layer, the top one first.
pub(crate) fn listing() -> String {
    LAYERS.iter().rev().map(|layer| format!("    {}\n", layer.join(" "))).collect()
}

/// The layer of a file, counted from the bottom; `None` where no layer has it.
pub(crate) fn layer_of(file: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.iter().any(|room| is_in(file, room)))
}

fn is_in(file: &str, room: &str) -> bool {
    let rest = file.strip_prefix(room);
    rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The arrows that run from a lower layer to a higher one.
pub(crate) fn upward(arrows: &BTreeSet<Arrow>) -> Vec<&Arrow> {
    arrows.iter().filter(|(from, to)| layer_of(from) < layer_of(to)).collect()
}
