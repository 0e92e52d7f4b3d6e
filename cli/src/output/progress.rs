//! Progress of long work: on standard error, and only where that is a terminal.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts pieces of work and disappears when it is dropped.
pub(crate) struct Progress(ProgressBar);

/// A bar that appears only if the work takes longer than two seconds.
pub(crate) struct LateProgress {
    bar: ProgressBar,
    /// Dropping it tells the waiting thread that the work is done.
    _done: Sender<()>,
}

/// A bar that counts pieces of one phase after another.
#[cfg(feature = "networks")]
pub(crate) struct PhaseProgress(ProgressBar);

#[cfg(feature = "networks")]
impl PhaseProgress {
    /// Before the first phase.
    pub(crate) fn new() -> Self {
        Self(bar("", 1, ProgressDrawTarget::stderr()))
    }

    /// So many pieces of a phase are done, of so many.
    pub(crate) fn at(&self, phase: &str, done: usize, total: usize) {
        if self.0.message() != phase {
            self.0.set_message(phase.to_owned());
            self.0.reset();
        }
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
    }
}

#[cfg(feature = "networks")]
impl Drop for PhaseProgress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Progress {
    /// A bar of `length` pieces called `what`.
    pub(crate) fn new(what: &'static str, length: u64) -> Self {
        let bar = bar(what, length, ProgressDrawTarget::stderr());
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// One piece more is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl LateProgress {
    /// A bar of `length` pieces called `what`.
    pub(crate) fn new(what: &'static str, length: u64) -> Self {
        let bar = bar(what, length, ProgressDrawTarget::hidden());
        let (done, waiting) = mpsc::channel::<()>();
        let late = bar.clone();
        thread::spawn(move || {
            if waiting.recv_timeout(Duration::from_secs(2)) == Err(RecvTimeoutError::Timeout) {
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(TICK);
            }
        });
        Self { bar, _done: done }
    }

    /// One piece more is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// So many pieces are done.
    #[cfg(feature = "networks")]
    pub(crate) fn at(&self, done: usize) {
        self.bar.set_position(done as u64);
    }
}

impl Drop for LateProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

const TICK: Duration = Duration::from_millis(200);

fn bar(what: &'static str, length: u64, target: ProgressDrawTarget) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), target);
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.set_message(what);
    bar
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
