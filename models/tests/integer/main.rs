//! Networks in integers against loops over whole numbers, and against their execution in floats.

mod attention;
mod functions;
mod matrices;
mod means;
mod rows;
mod support;
mod tables;
mod tails;
mod transformer;
mod transposed;
