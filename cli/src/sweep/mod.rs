//! A sweep for people: its table and its picture.

mod plot;
mod table;

pub(crate) use plot::draw;
pub(crate) use table::{percent, table};
