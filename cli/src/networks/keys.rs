//! Keys of a configuration as flags.

use clap::{Arg, ArgAction, ArgMatches, Command};
use fewbit_models::flow::VisionConfig;
use serde_json::Value;

/// Keys that were given as flags: `--weight-bit-width 4`, `--weight_bit_width 4`; `--gptq` and `--no-gptq` for those that are
/// true or false.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyArgs(Vec<(&'static str, Value)>);

impl KeyArgs {
    /// Keys and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }
}

/// The keys with their defaults.
fn known() -> Vec<(&'static str, &'static str, Value)> {
    let defaults = serde_json::to_value(VisionConfig::default()).unwrap_or_default();
    VisionConfig::KEYS
        .iter()
        .map(|key| (key.name, key.help, defaults.get(key.name).cloned().unwrap_or(Value::Null)))
        .collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl clap::Args for KeyArgs {
    fn augment_args(mut command: Command) -> Command {
        for (name, help, default) in known() {
            let dashed: &'static str = Box::leak(name.replace('_', "-").into_boxed_str());
            let help = format!("{} [default: {}]", help.trim_end_matches('.'), shown(&default));
            let arg = Arg::new(name).long(dashed).help(help).help_heading("Keys");
            let arg = if dashed == name { arg } else { arg.alias(name) };
            if default.is_boolean() {
                let negated: &'static str = Box::leak(format!("no-{dashed}").into_boxed_str());
                let underscored: &'static str = Box::leak(format!("no_{name}").into_boxed_str());
                let id: &'static str = Box::leak(format!("no.{name}").into_boxed_str());
                command = command
                    .arg(
                        arg.num_args(0..=1)
                            .require_equals(true)
                            .default_missing_value("true")
                            .value_name("BOOL"),
                    )
                    .arg(
                        Arg::new(id)
                            .long(negated)
                            .alias(underscored)
                            .hide(true)
                            .action(ArgAction::SetTrue)
                            .conflicts_with(name),
                    );
            } else {
                command = command.arg(arg.value_name("VALUE").allow_negative_numbers(true));
            }
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for KeyArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut found = Vec::new();
        for (name, _, default) in known() {
            if let Some(text) = matches.get_one::<String>(name) {
                found.push((name, value(text)));
            }
            if default.is_boolean() && matches.get_flag(&format!("no.{name}")) {
                found.push((name, Value::Bool(false)));
            }
        }
        Ok(Self(found))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A flag's text as the value that a YAML file would have there; Python's `None` is null.
fn value(text: &str) -> Value {
    match text {
        "None" => Value::Null,
        _ => serde_saphyr::from_str(text).unwrap_or_else(|_| Value::String(text.into())),
    }
}
