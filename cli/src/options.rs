//! Arguments that several commands share.

use std::num::NonZeroU16;

use clap::Args;

use crate::error::CliError;
use crate::output::Form;

/// How the result is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FormArgs {
    /// Print the result as JSON on standard output instead of a table
    #[arg(long)]
    json: bool,
}

impl FormArgs {
    /// The form asked for.
    pub(crate) fn form(self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }
}

/// How many threads work.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ThreadArgs {
    /// Worker threads [default: one per processor]; results do not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroU16>,
}

impl ThreadArgs {
    /// Runs `work` on a pool of the asked size.
    pub(crate) fn run<T: Send>(
        self,
        work: impl FnOnce() -> Result<T, CliError> + Send,
    ) -> Result<T, CliError> {
        let threads = self.threads.map_or(0, |n| usize::from(n.get()));
        rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(work)
    }
}
