//! A sweep for people: its tables and its picture.

mod family;
mod guarantee;
mod panel;
#[cfg(feature = "networks")]
mod perplexities;
mod plot;
#[cfg(feature = "networks")]
mod series;
mod table;
mod text;

pub(crate) use guarantee::guarantee;
#[cfg(feature = "networks")]
pub(crate) use panel::Panel;
pub(crate) use panel::panels;
#[cfg(feature = "networks")]
pub(crate) use perplexities::perplexity_panel;
pub(crate) use plot::draw;
#[cfg(feature = "networks")]
pub(crate) use series::{compared, series_panel};
pub(crate) use table::table;
pub(crate) use text::percent;
