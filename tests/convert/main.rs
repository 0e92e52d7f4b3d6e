//! Bulk conversion gives what the scalar specification gives, code by code.

mod equality;
mod inputs;

mod cast;
mod decode;
mod encode;
mod groups;
mod index;
mod pack;
mod shapes;
