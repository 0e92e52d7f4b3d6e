//! ONNX files: every operator beside other implementations, files written and read again, broken files.

mod broken;
mod operators;
mod support;
