//! `fewbit table`: makes, shows, draws, exports and applies a table.

mod apply;
mod args;
mod export;
mod picture;
mod report;

use fewbit::functions::table::{Table, TableSpec};

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::output::Form;

pub(crate) use args::Args;
use report::TableReport;

/// Makes the table, writes what is asked for, reports.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let spec = spec(&args)?;
    let table = Table::new(spec).map_err(refused)?;
    let mut files = Outputs::default();
    let failed = |path: &std::path::Path| {
        let path = path.to_owned();
        move |source| CliError::Write { path, source }
    };
    let applied = match &args.apply[..] {
        [from, to] => {
            let applied = apply::apply(&table, from, &args.form.inputs)?;
            files.add(to, applied.file.map_err(failed(to))?);
            Some(applied.elements)
        }
        _ => None,
    };
    let provenance = args.form.provenance(None)?;
    if let Some(path) = &args.out {
        files.add(path, export::npy(&table, args.values).map_err(failed(path))?);
    }
    if let Some(path) = &args.hex {
        files.add(path, export::hex(&table, args.word, &provenance)?.into_bytes());
    }
    if let Some(path) = &args.header {
        files.add(path, export::header(&table, path, &provenance)?.into_bytes());
    }
    if let Some(path) = &args.svg {
        let picture = picture::draw(&table).map_err(CliError::Picture)?;
        files.add(path, provenance.in_svg(&picture)?.into_bytes());
    }
    let report = TableReport::new(&table, applied);
    files.write(&match args.form.form() {
        Form::Json => args.form.json(&report, None)?,
        Form::Text => report.text(&table, args.rows),
    })?;
    Ok(Outcome::Done)
}

/// The table that the arguments describe.
fn spec(args: &Args) -> Result<TableSpec, CliError> {
    if args.values && args.out.is_none() {
        return Err(CliError::Arguments("--values has no meaning without --out T.npy".into()));
    }
    let whole = args.table.contains(',');
    let Some(preset) = args.preset else {
        if let Some(flag) = args.of_preset() {
            return Err(CliError::Arguments(format!(
                "{flag} has no meaning without --preset: it is a part of the table's text"
            )));
        }
        return args.table.parse().map_err(refused);
    };
    if whole {
        return Err(CliError::Arguments(format!(
            "--preset {preset} takes the name of a function, not a whole table: its parts are --in, --out-format and --size"
        )));
    }
    let (Some(input), Some(output)) = (args.input, args.output) else {
        return Err(CliError::Arguments(format!(
            "--preset {preset} takes --in FORMAT and --out-format FORMAT, as int8*0.0625 and int8*0.0078125"
        )));
    };
    let function = args.table.parse().map_err(refused)?;
    preset.spec(function, input, output, args.size).map_err(refused)
}

fn refused(error: impl std::fmt::Display) -> CliError {
    CliError::Arguments(error.to_string())
}
