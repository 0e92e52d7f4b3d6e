//! Networks in integers against loops over whole numbers, and against their execution in floats.

mod attention;
mod constrained;
mod functions;
mod layer;
mod matrices;
mod means;
mod minifloats;
mod recurrent_network;
mod rows;
mod support;
mod tables;
mod tails;
mod tiles;
mod transformer;
mod transposed;
