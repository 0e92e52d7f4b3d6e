//! Bulk conversion gives what the scalar specification gives, code by code.

mod inputs;

mod decode;
mod encode;
mod groups;
mod index;
mod pack;
