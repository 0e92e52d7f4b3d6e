//! A sweep for people: its tables and its picture.

mod family;
mod guarantee;
mod panel;
mod plot;
mod table;
mod text;

pub(crate) use guarantee::guarantee;
pub(crate) use plot::draw;
pub(crate) use table::table;
pub(crate) use text::percent;
