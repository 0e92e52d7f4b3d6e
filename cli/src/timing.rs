//! The least time of work that is done again and again.

use std::num::NonZeroU32;
use std::time::Instant;

use crate::output::Progress;

/// The last result of `work`, done `repeat` times under a bar called `what`, and the least time that it took in seconds.
pub(crate) fn least<T, E>(
    what: &'static str,
    repeat: NonZeroU32,
    mut work: impl FnMut() -> Result<T, E>,
) -> Result<(T, f64), E> {
    let progress = Progress::new(what, repeat.get().into());
    let mut once = || {
        let start = Instant::now();
        let result = work()?;
        let seconds = start.elapsed().as_secs_f64();
        progress.step();
        Ok((result, seconds))
    };
    let mut best = once()?;
    for _ in 1..repeat.get() {
        let (result, seconds) = once()?;
        best = (result, best.1.min(seconds));
    }
    Ok(best)
}
