//! Passes that change weights: against what Brevitas makes of the same networks, and that the function stays the same.

mod equalization;
mod flow;
mod golden;
mod learned;
mod norms;
mod reduction;
mod splitting;
mod support;
