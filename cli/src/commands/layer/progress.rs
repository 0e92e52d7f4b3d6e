//! How far the work is.

use fewbit::algorithms::layer::LayerProgress;

use crate::output::LateProgress;

/// A bar per phase.
pub(super) fn bars() -> impl FnMut(LayerProgress) {
    let mut bar: Option<LateProgress> = None;
    move |progress| {
        match &bar {
            Some(bar) if progress.done > 0 => bar.step(),
            _ => bar = Some(LateProgress::new(progress.phase.name(), progress.total as u64)),
        }
        if progress.done == progress.total {
            bar = None;
        }
    }
}
