//! Names of formats that other stacks give to another format than this command line does.

use clap::ArgMatches;
use fewbit::Accumulator;
use fewbit::quantize::{CodeFormat, CodeFormatError};
use fewbit_formats::{Format, Stack};

use crate::output;
use crate::quantized::Target;

/// What is worth a warning among the names of formats that were written.
///
/// The Open Compute Project writes `E4M3` for what is `e4m3fn` here, and so do NVIDIA's texts; `e4m3` is the IEEE-like
/// format of LLVM and ml_dtypes. A name in the Project's spelling that is another format here is taken as that other
/// one, and said to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spellings(Vec<String>);

impl Spellings {
    /// One sentence for every name.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.0
    }

    /// Whatever arguments a command has, those that name formats are looked at.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let mut found = Self::default();
        for id in matches.ids() {
            let id = id.as_str();
            let names = matches.try_get_many::<Format>(id).is_ok()
                || matches.try_get_many::<Target>(id).is_ok()
                || matches.try_get_many::<Accumulator>(id).is_ok();
            // The fields of a quantizer are texts.
            let is_field = id == "set";
            if names || is_field {
                let texts = matches.try_get_raw(id).ok().flatten();
                for text in texts.into_iter().flatten().filter_map(|text| text.to_str()) {
                    let value = text.split_once('=').filter(|_| is_field);
                    found.look_at(value.map_or(text, |(_, value)| value));
                }
            }
        }
        found
    }

    /// Adds what a text with names of formats in it is worth.
    fn look_at(&mut self, text: &str) {
        let in_group = text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("mx("));
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let Some(warning) = warning(word, in_group) else { continue };
            if !self.0.contains(&warning) {
                self.0.push(warning);
            }
        }
    }
}

/// The format that the Open Compute Project calls `name`, and its spelling there.
///
/// `INT8` is an integer to everybody but the element of MXINT8, so it counts in a group format alone.
fn ocp(name: &str, in_group: bool) -> Option<(Format, &'static str)> {
    let aliases =
        Format::table().iter().flat_map(|row| row.aliases.iter().map(|a| (row.format, a)));
    let mut aliases = aliases.filter(|(_, alias)| alias.stack == Stack::Ocp);
    let (format, alias) = aliases.find(|(_, alias)| alias.name.eq_ignore_ascii_case(name))?;
    (in_group || matches!(format, Format::Float(_))).then_some((format, alias.name))
}

/// The warning that a name in capitals is worth; names in lower case are this command line's own.
fn warning(name: &str, in_group: bool) -> Option<String> {
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let (theirs, spelling) = ocp(name, in_group)?;
    let ours = name.parse::<Format>().ok().filter(|ours| *ours != theirs)?;
    let largest = |format: Format| output::decimal(format.max_finite());
    Some(format!(
        "`{name}` is taken as {ours} (largest value {}), but OCP's {spelling} is {theirs} (largest value {}): write \
         {theirs} for that one, or {ours} in lower case for this one",
        largest(ours),
        largest(theirs)
    ))
}

/// A scalar format by its name, as an argument.
///
/// # Errors
/// Any other text, with what it is instead where that is known.
pub(crate) fn format(name: &str) -> Result<Format, String> {
    name.parse::<Format>().map_err(|error| instead(name).unwrap_or_else(|| error.to_string()))
}

/// A format of codes by its name, as an argument.
///
/// # Errors
/// Any other text, with what it is instead where that is known.
pub(crate) fn code_format(name: &str) -> Result<CodeFormat, String> {
    name.parse().map_err(|error| match (&error, instead(name)) {
        (CodeFormatError::Format(_), Some(instead)) => format!(
            "{instead}: an integer format of 2 to 16 bits, as int4, int8n or uint8, whose codes an accumulator sums"
        ),
        _ => error.to_string(),
    })
}

/// What to say about a name that is no scalar format: what it is instead, where that is known.
pub(crate) fn instead(name: &str) -> Option<String> {
    if let Some((format, spelling)) = ocp(name, false) {
        return Some(format!("`{name}` is unknown: OCP's {spelling} is {format} here"));
    }
    let is_group = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("mx("));
    let target = name.parse::<Target>().ok();
    let kind = match target {
        Some(Target::Groups(_)) => "a group format",
        Some(Target::Blocks(_)) => "a kind of GGUF's blocks",
        _ if is_group => "a group format",
        _ => return None,
    };
    Some(format!(
        "`{name}` is {kind}, which `fewbit quantize --to` takes{}; here a scalar format is needed",
        if kind.contains("group") { ", as does `fewbit layer --weights`" } else { "" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(text: &str) -> Vec<String> {
        let mut found = Spellings::default();
        found.look_at(text);
        found.0
    }

    #[test]
    fn names_that_mean_another_format_elsewhere_are_warned_of() {
        for (name, ours, theirs) in
            [("E4M3", "e4m3", "e4m3fn"), ("E3M2", "e3m2", "e3m2fn"), ("E2M1", "e2m1", "e2m1fn")]
        {
            let found = warnings(name);
            assert_eq!(found.len(), 1, "{name}");
            assert!(found[0].contains(&format!("taken as {ours} (")), "{found:?}");
            assert!(found[0].contains(&format!("write {theirs} for that one")), "{found:?}");
        }
        assert!(warnings("E4M3")[0].contains("240") && warnings("E4M3")[0].contains("448"));
        assert_eq!(warnings("mx(INT8,e8m0fnu,32)").len(), 1);
        assert_eq!(warnings("E4M3-rne/32,E4M3-rne").len(), 1);
    }

    #[test]
    fn other_names_are_not() {
        for name in ["e4m3", "e4m3fn", "E5M2", "E4M3FN", "Float8E4M3", "INT8", "BF16", "mxfp4", ""]
        {
            assert_eq!(warnings(name), Vec::<String>::new(), "{name}");
        }
    }
}
