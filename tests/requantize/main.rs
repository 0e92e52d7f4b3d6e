//! Requantization: the reference against an oracle in big integers and rationals, slices against the reference.

mod bulk;
mod derive;
mod faulty;
#[cfg(feature = "quantize")]
mod golden;
mod grammar;
mod jobs;
mod oracle;
mod reference;
mod refusals;
mod table;
