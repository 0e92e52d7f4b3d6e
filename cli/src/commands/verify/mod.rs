//! `fewbit verify`: vectors computed anew from their header, and compared.

mod report;

use std::path::PathBuf;

use fewbit::vectors::{Compared, VectorContent, VectorSource};

use self::report::{Report, Told};
use crate::error::{CliError, Outcome};
use crate::options::FormArgs;
use crate::output::{self, Form};
use crate::vector_files::{self, Document, Radix};

const EXAMPLES: &str = "\
Examples:
  fewbit verify DIR/vectors.hex                         all rows anew, compared with the file's
  fewbit verify DIR/a.hex                               of matmul: the files of all fields beside it, too
  fewbit verify DIR/vectors.csv --got results.txt       what a device answered, a hexadecimal word a line
  fewbit verify DIR/vectors.csv --got results.txt --got-as decimal
  fewbit verify DIR/vectors.csv --got dut.csv           a file of the same layout

The first rows that differ are explained: of operations on codes the exact result, its neighbours and the rounding; of
products every step, as `fewbit explain` shows them. Exit codes: 0 equal, 1 different, 2 a file that is none.

Stimuli are generated again and compared too, so that a flipped bit of a stimulus is named even where no result depends on
it; one of given stimuli is named by the positions of set bits that the header has.";

/// Compute vectors anew from their header, and explain the first ones that are different
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file that `fewbit vectors` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Results of a device under test: a file of the same layout, or a line per vector with its expected fields, or with the
    /// first of them; `//` and `#` begin comments
    #[arg(long, value_name = "RESULTS")]
    got: Option<PathBuf>,
    /// How the words of such lines are written
    #[arg(long, value_enum, value_name = "RADIX", requires = "got")]
    got_as: Option<Radix>,
    /// Differences that are shown
    #[arg(long, value_name = "N", default_value = "3")]
    show: usize,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// Reads, computes, compares.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let log = &args.form.inputs;
    let Document { header, rows, mut damage } = vector_files::read(&args.file, log)?;
    let plan = &rows.plan;
    let expected = plan.expected(&rows.table)?;
    if expected.len() != rows.table.len() {
        damage.push(format!(
            "{} has {} rows, and its header's plan makes {}",
            args.file.display(),
            rows.table.len(),
            expected.len()
        ));
    }
    let comparison = rows.table.compare(&expected, Compared::Everything, args.show);
    let mut told: Vec<Told> =
        comparison.mismatches.iter().map(|found| Told::of(plan, &expected, found)).collect();
    // Classes are the plan's where stimuli are, and `given` where they are.
    let classes = rows.classes.iter().zip(expected.classes()).enumerate();
    let other = classes.filter(|(_, (found, class))| found.as_ref() != class.name());
    let mut differences = comparison.words;
    for (row, (found, class)) in other {
        differences += 1;
        if told.len() < args.show {
            told.push(Told::class(row, found, class.name()));
        }
    }
    if let VectorSource::Given { .. } = plan.source
        && let Some(before) = header.positions()
        && before != rows.table.positions()
    {
        damage.push(report::flipped(&rows.table, before ^ rows.table.positions()));
    }
    let mut report = Report::new(&args.file, &rows, &header, damage, told, differences);
    if let Some(path) = &args.got {
        let radix = args.got_as.unwrap_or_default();
        let got = vector_files::results(path, plan, &expected, radix, log)?;
        let what = match plan.content {
            VectorContent::Vectors => Compared::Results,
            _ => Compared::Everything,
        };
        let comparison = got.table.compare(&expected, what, args.show);
        report.add_results(path, plan, &expected, &got, &comparison, args.show);
    }
    output::print(&match args.form.form() {
        Form::Json => args.form.json(&report, Some(plan.seed))?,
        Form::Text => report.text(),
    })?;
    Ok(if report.is_equal() { Outcome::Done } else { Outcome::Different })
}
