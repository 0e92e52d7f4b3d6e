//! `fewbit vectors`: stimuli and expected results as files.

mod args;
mod given;
mod job;
mod report;

pub(crate) use args::Args;

use fewbit::vectors::{VectorContent, VectorPlan, VectorSource, VectorStyle};

use self::report::Report;
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::memory;
use crate::output::Form;
use crate::vector_files::{Rows, render};

/// Draws or reads stimuli, computes, writes.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    args.refuse_what_has_no_effect()?;
    let given = given::read(&args)?;
    let job = job::job(&args, given.as_ref())?;
    let style = args.style.unwrap_or(VectorStyle::Mixed);
    let content = if args.per_step { VectorContent::Trace } else { VectorContent::Vectors };
    let source = match &given {
        Some(given) => VectorSource::Given { count: given.vectors },
        None => VectorSource::Drawn { style, count: args.vectors() },
    };
    let mut plan = VectorPlan { job, source, seed: args.seed.unwrap_or(0), content };
    plan.check()?;
    let words = plan.fields()?.iter().map(|field| field.words() as u128).sum::<u128>();
    memory::check(
        // Words, and their text.
        words.saturating_mul(plan.rows().into()).saturating_mul(24),
        &format!("{} rows of {words} numbers", plan.rows()),
        "ask for fewer vectors",
    )?;
    let (table, left_out) = match &given {
        Some(given) => (plan.given(&given.words)?, Vec::new()),
        None => {
            let generated = plan.generate()?;
            (generated.table, generated.left_out)
        }
    };
    // Of all combinations there are as many as there are.
    if let VectorSource::Drawn { style: VectorStyle::Exhaustive, count } = &mut plan.source {
        *count = table.len() as u64;
    }
    let rows = Rows::new(plan, table);
    let files = render(args.kind, &rows, env!("CARGO_PKG_VERSION"))?;
    let folder = &args.to;
    let made = !folder.exists();
    std::fs::create_dir_all(folder)
        .map_err(|source| CliError::Write { path: folder.clone(), source })?;
    let report = Report::new(&rows, &left_out, folder, &files);
    let mut outputs = Outputs::default();
    for file in files {
        outputs.add(&folder.join(&file.name), file.bytes);
    }
    let shown = match args.form.form() {
        Form::Json => args.form.json(&report, Some(rows.plan.seed)),
        Form::Text => Ok(report.text()),
    };
    let written = shown.and_then(|shown| outputs.write(&shown));
    if written.is_err() && made {
        // A folder that is empty again; one that is not stays.
        let _ = std::fs::remove_dir(folder);
    }
    written.map(|()| Outcome::Done)
}
