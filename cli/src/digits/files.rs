//! The files that are carried.

/// Images and labels, a line each.
pub(super) static PACKED: &[u8] = include_bytes!("../../../data/digits/digits.csv.gz");

/// The carried images, with their name in the sources.
pub const IMAGES: (&str, &[u8]) = ("data/digits/digits.csv.gz", PACKED);

/// The trained perceptron 64-128-128-10, with its name in the sources.
pub(super) static THREE_LAYERS: (&str, &[u8]) =
    ("data/digits/mlp.safetensors", include_bytes!("../../../data/digits/mlp.safetensors"));

/// The trained perceptron 64-96-64-32-10, with its name in the sources.
pub(super) static FOUR_LAYERS: (&str, &[u8]) = (
    "data/digits/mlp-64-96-64-32-10.safetensors",
    include_bytes!("../../../data/digits/mlp-64-96-64-32-10.safetensors"),
);

/// The trained convolutional network, an ONNX file, with its name in the sources.
#[cfg(feature = "networks")]
pub const CNN: (&str, &[u8]) =
    ("data/digits/cnn.onnx", include_bytes!("../../../data/digits/cnn.onnx"));
