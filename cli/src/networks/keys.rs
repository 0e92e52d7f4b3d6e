//! Keys of configurations as flags.

use clap::{Arg, ArgAction, ArgMatches, Command};
use fewbit_models::flow::{Key, LanguageFlowConfig, VisionConfig};
use serde::Serialize;
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

/// A key with its default.
struct Known {
    name: &'static str,
    help: String,
    default: Value,
    heading: &'static str,
}

/// The keys of a configuration with their defaults.
fn keys_of<T: Default + Serialize>(keys: &'static [Key], heading: &'static str) -> Vec<Known> {
    let defaults = serde_json::to_value(T::default()).unwrap_or_default();
    let known = |key: &Key| {
        let default = defaults.get(key.name).cloned().unwrap_or(Value::Null);
        let help = format!("{} [default: {}]", key.help.trim_end_matches('.'), shown(&default));
        Known { name: key.name, help, default, heading }
    };
    keys.iter().map(known).collect()
}

/// The keys of all flows; one that several have is one flag.
fn known() -> Vec<Known> {
    let mut all = keys_of::<VisionConfig>(VisionConfig::KEYS, "Keys");
    let own = keys_of::<LanguageFlowConfig>(LanguageFlowConfig::KEYS, "Keys of language models");
    for key in own {
        match all.iter_mut().find(|known| known.name == key.name) {
            None => all.push(key),
            Some(known) if known.help == key.help => {}
            Some(known) => {
                known.help = format!("{}. Of language models: {}", known.help, key.help);
                if known.default.is_null() {
                    known.default = key.default;
                }
            }
        }
    }
    all
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A text that lives as long as the program: flags are declared once.
fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn id(name: &str) -> String {
    format!("key.{name}")
}

impl clap::Args for KeyArgs {
    fn augment_args(mut command: Command) -> Command {
        for Known { name, help, default, heading } in known() {
            let dashed = leaked(name.replace('_', "-"));
            let arg = Arg::new(leaked(id(name))).long(dashed).help(help).help_heading(heading);
            let arg = if dashed == name { arg } else { arg.alias(name) };
            if default.is_boolean() {
                let (negated, underscored) =
                    (leaked(format!("no-{dashed}")), leaked(format!("no_{name}")));
                command = command
                    .arg(
                        arg.num_args(0..=1)
                            .require_equals(true)
                            .default_missing_value("true")
                            .value_name("BOOL"),
                    )
                    .arg(
                        Arg::new(leaked(format!("no.{name}")))
                            .long(negated)
                            .alias(underscored)
                            .hide(true)
                            .action(ArgAction::SetTrue)
                            .conflicts_with(id(name)),
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
        for Known { name, default, .. } in known() {
            if let Some(text) = matches.get_one::<String>(&id(name)) {
                found.push((name, value(text, &default)));
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

/// A flag's text as the value that a YAML file would have there; Python's `None` is null, and a list may be words with commas.
fn value(text: &str, default: &Value) -> Value {
    if text == "None" {
        return Value::Null;
    }
    match serde_saphyr::from_str(text).unwrap_or_else(|_| Value::String(text.into())) {
        Value::String(words) if default.is_array() => words.split(',').map(str::trim).collect(),
        value => value,
    }
}
