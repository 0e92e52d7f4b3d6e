//! Arguments that several commands share.

use std::num::NonZeroU16;

use clap::Args;

use serde::Serialize;

use crate::error::CliError;
use crate::io::log::InputLog;
use crate::output::{self, Form};
use crate::provenance::Provenance;
use crate::spelling::Spellings;

/// More threads than any machine gains from; each takes a stack.
const MOST_THREADS: u16 = 1024;

/// How the result is printed.
#[derive(Clone, Debug, Args)]
pub(crate) struct FormArgs {
    /// Print the result as JSON on standard output instead of a table
    #[arg(long)]
    json: bool,
    /// Set once all arguments are known.
    #[arg(skip)]
    pub(crate) spellings: Spellings,
    /// What the command reads.
    #[arg(skip)]
    pub(crate) inputs: InputLog,
}

/// A result, what it was made by and from, and what was warned of before it was computed.
#[derive(Serialize)]
struct Told<'a, T> {
    #[serde(flatten)]
    result: &'a T,
    provenance: Provenance,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

impl FormArgs {
    /// The form asked for.
    pub(crate) fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }

    /// What the arguments themselves are worth warning of.
    pub(crate) fn warnings(&self) -> &[String] {
        self.spellings.warnings()
    }

    /// What made a result: this version, `seed` where something is random, and what was read so far.
    ///
    /// # Errors
    /// A file that can be read no more.
    pub(crate) fn provenance(&self, seed: Option<u64>) -> Result<Provenance, CliError> {
        Ok(Provenance::new(seed, self.inputs.hashes()?))
    }

    /// A result that is an object as indented JSON text, with its `provenance`, and `warnings` where there are any.
    ///
    /// # Errors
    /// A file that can be read no more.
    pub(crate) fn json(
        &self,
        result: &impl Serialize,
        seed: Option<u64>,
    ) -> Result<String, CliError> {
        let provenance = self.provenance(seed)?;
        output::json(&Told { result, provenance, warnings: self.warnings() })
    }
}

/// How many threads work.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ThreadArgs {
    /// Worker threads, 1024 at most [default: one per processor]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = threads)]
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

fn threads(text: &str) -> Result<NonZeroU16, String> {
    let number = text.parse().ok().filter(|n: &NonZeroU16| n.get() <= MOST_THREADS);
    number.ok_or_else(|| format!("expected 1 to {MOST_THREADS} threads"))
}

/// Refuses a number of threads in the environment that no `--threads` would take.
///
/// # Errors
/// A RAYON_NUM_THREADS beyond the most.
pub(crate) fn check_thread_variable() -> Result<(), CliError> {
    let Ok(found) = std::env::var("RAYON_NUM_THREADS") else { return Ok(()) };
    let is_number = !found.is_empty() && found.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && found.parse::<u16>().map_or(true, |n| n > MOST_THREADS) {
        return Err(CliError::ThreadVariable { found, most: MOST_THREADS });
    }
    Ok(())
}
