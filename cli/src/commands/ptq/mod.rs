//! `fewbit ptq`: a network quantized after its training.

mod args;
mod language;
mod vision;

use fewbit_models::flow::{LanguageFlowConfig, VisionConfig};

use crate::error::{CliError, Outcome};
use crate::networks::{config, is_language_model, model_key};

pub(crate) use args::Args;

pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let log = &args.form.inputs;
    let file = args.config.as_deref();
    let named = match &args.model {
        Some(path) => Some(path.clone()),
        None => model_key(file, &args.keys, log)?,
    };
    let missing =
        || CliError::Arguments("the model is missing: expected MODEL, or the key `model`".into());
    let model = named.ok_or_else(missing)?;
    match is_language_model(&model) {
        true => {
            let keys = config(LanguageFlowConfig::KEYS, file, &args.keys, log)?;
            language::run(&args, &model, keys)
        }
        false => vision::run(&args, &model, config(VisionConfig::KEYS, file, &args.keys, log)?),
    }
}
