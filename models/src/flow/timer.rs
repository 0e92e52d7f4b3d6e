//! How long the parts of a flow take.

use std::time::Instant;

use serde::Serialize;

/// A part of a flow and how long it took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// Takes the time of phases, one after the other.
pub(super) struct Timer<'a> {
    phases: &'a mut Vec<Phase>,
    since: Instant,
}

impl<'a> Timer<'a> {
    /// Before the first phase.
    pub(super) fn new(phases: &'a mut Vec<Phase>) -> Self {
        Self { phases, since: Instant::now() }
    }

    /// A phase ends here, and the next one begins.
    pub(super) fn phase(&mut self, name: &str) {
        let seconds = self.since.elapsed().as_secs_f64();
        self.phases.push(Phase { name: name.into(), seconds });
        self.since = Instant::now();
    }
}
