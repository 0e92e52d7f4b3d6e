//! A sweep for people: its tables and its picture.

mod family;
mod guarantee;
mod panel;
mod plot;
#[cfg(feature = "networks")]
mod series;
mod table;
mod text;

pub(crate) use guarantee::guarantee;
#[cfg(feature = "networks")]
pub(crate) use panel::Panel;
pub(crate) use panel::panels;
pub(crate) use plot::draw;
#[cfg(feature = "networks")]
pub(crate) use series::{compared, series_panel};
pub(crate) use table::table;
pub(crate) use text::percent;
