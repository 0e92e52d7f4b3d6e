//! Quantized and integer tensors: every operation against the same operation on exact values.

mod arithmetic;
mod data;
mod golden;
mod pooling;
mod statement;
mod store;
mod structure;
