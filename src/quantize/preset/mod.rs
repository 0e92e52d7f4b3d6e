//! Quantizers under the names that they have in Brevitas 0.12.1.

mod build;
mod row;
mod rows;

use std::str::FromStr;

use super::QuantizeError;

pub use row::{Family, Origin, Preset};

impl Preset {
    /// Every preset.
    #[must_use]
    pub fn all() -> &'static [Self] {
        rows::ROWS
    }
}

/// The preset of this name, whatever its case.
impl FromStr for &'static Preset {
    type Err = QuantizeError;

    fn from_str(text: &str) -> Result<Self, QuantizeError> {
        let known = rows::ROWS.iter().find(|preset| preset.name.eq_ignore_ascii_case(text));
        known.ok_or_else(|| QuantizeError::Preset { found: text.into(), near: near(text) })
    }
}

/// Up to four names that begin as `text` does, in parentheses.
fn near(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let common = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count()
    };
    let mut found: Vec<(usize, &str)> = rows::ROWS
        .iter()
        .map(|preset| (common(preset.name), preset.name))
        .filter(|(common, _)| *common >= 4)
        .collect();
    found.sort_by_key(|(common, name)| {
        (std::cmp::Reverse(*common), name.len().abs_diff(text.len()))
    });
    let names = found.iter().take(4).map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
    if names.is_empty() { names } else { format!(" ({names})") }
}

#[cfg(test)]
mod tests {
    use fewbit_formats::Format;

    use super::*;
    use crate::quantize::Recipe;

    #[test]
    fn every_preset_can_be_built_and_written_down() {
        for preset in Preset::all() {
            let recipe = match preset.format {
                Some(_) => preset.recipe().unwrap(),
                None => preset.recipe_in(Format::E3M4).unwrap(),
            };
            let json = serde_json::to_string(&recipe).unwrap();
            let back: Recipe = serde_json::from_str(&json).unwrap();
            assert_eq!(back, recipe, "{}", preset.name);
            let same =
                Preset::all().iter().filter(|other| other.name.eq_ignore_ascii_case(preset.name));
            assert_eq!(same.count(), 1, "{}", preset.name);
        }
    }

    #[test]
    fn a_field_that_there_is_not_is_an_error() {
        let recipe = "MXInt8Weight".parse::<&Preset>().unwrap().recipe().unwrap();
        let mut json = serde_json::to_value(&recipe).unwrap();
        json["granularity"]["group"]["sise"] = 16.into();
        assert!(serde_json::from_value::<Recipe>(json).is_err());
        let mut json = serde_json::to_value(&recipe).unwrap();
        json["scal"] = 1.into();
        assert!(serde_json::from_value::<Recipe>(json).is_err());
    }
}
