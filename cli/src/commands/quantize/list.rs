//! `fewbit quantize --list-presets`.

use fewbit::quantize::Preset;
use serde::Serialize;

use crate::error::{CliError, Outcome};
use crate::output::{self, Form};

/// A quantizer, for `--json`.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    family: String,
    format: Option<&'static str>,
    origin: String,
    description: &'static str,
}

/// Prints every quantizer.
pub(super) fn run(form: Form) -> Result<Outcome, CliError> {
    let rows = Preset::all().iter().map(|preset| Row {
        name: preset.name,
        family: preset.family.to_string(),
        format: preset.format,
        origin: preset.origin.to_string(),
        description: preset.description,
    });
    match form {
        Form::Json => output::print(&output::json(&rows.collect::<Vec<Row>>())?)?,
        Form::Text => {
            let mut table = output::texts(&["preset", "for", "format", "of", "what it does"]);
            for row in rows {
                let format = row.format.unwrap_or("any");
                table.add_row([row.name, &row.family, format, &row.origin, row.description]);
            }
            output::print(&table.to_string())?;
        }
    }
    Ok(Outcome::Done)
}
