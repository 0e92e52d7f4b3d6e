//! Tables: a function from format to format by an address, entries, and perhaps a line between them.
//!
//! A [`TableSpec`] says everything in one line that is parsed and printed; [`Table`] has the entries;
//! [`reference::functions::look_up`](crate::reference::functions::look_up) is what hardware does with them.

mod address;
mod choices;
mod entries;
mod error;
mod evaluate;
mod function;
mod grammar;
mod midpoint;
mod preset;
mod scaled;
mod spec;

pub use address::TableAddress;
pub use choices::{EntryArithmetic, EntryOrder, Fill, Interpolation, Outside};
pub use entries::Table;
pub use error::{LookUpError, TableError};
pub use function::Function;
pub use preset::TablePreset;
pub use scaled::ScaledFormat;
pub use spec::TableSpec;
