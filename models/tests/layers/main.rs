//! Layers by hand against Brevitas 0.12.1, and against themselves in integers.
//!
//! `golden/layers.safetensors.gz` is written by `golden/layers.py`.

mod attention;
mod codes;
mod compare;
mod golden;
mod integer;
mod joins;
mod recurrent;
mod recurrent_nodes;
mod weighted;
