//! A line of the list of digests.

use std::fmt;
use std::str::FromStr;

use fewbit_formats::{Format, NanPolicy, NanSign, Overflow, Policy, Rounding};

/// What becomes of NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NanRule {
    /// The one canonical NaN, positive; 0 where the format has none.
    Canonical,
    /// A NaN of the sign given; where the format has none, a zero of the other sign, as ml_dtypes.
    SignKept,
}

impl NanRule {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Canonical, Self::SignKept];

    fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::SignKept => "sign-kept",
        }
    }
}

/// Which codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DigestRule {
    pub(crate) format: Format,
    pub(crate) rounding: Rounding,
    pub(crate) overflow: Overflow,
    pub(crate) nan: NanRule,
}

impl DigestRule {
    /// Every choice of the encoder.
    pub(crate) fn policy(&self) -> Policy {
        let policy = Policy::new(self.rounding, self.overflow);
        match self.nan {
            NanRule::Canonical => policy.with_nan_sign(NanSign::Positive).with_nan(NanPolicy::Zero),
            NanRule::SignKept => policy.with_nan(NanPolicy::MlDtypes),
        }
    }

    /// Bytes that a code takes.
    pub(crate) fn bytes(&self) -> u32 {
        self.format.bits().div_ceil(8).next_power_of_two()
    }
}

impl fmt::Display for DigestRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, rounding, overflow, nan } = self;
        write!(f, "{format},{rounding},{overflow},{},{}", nan.name(), self.bytes())
    }
}

/// A codec and the digest of its codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DigestLine {
    pub(crate) rule: DigestRule,
    /// In hexadecimal.
    pub(crate) sha256: String,
}

impl DigestLine {
    /// The first line of a list.
    pub(crate) const COLUMNS: &str = "format,rounding,overflow,nan,bytes,sha256";
}

impl fmt::Display for DigestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.rule, self.sha256)
    }
}

impl FromStr for DigestLine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split(',').collect();
        let [format, rounding, overflow, nan, bytes, sha256] = fields[..] else {
            return Err(format!("has {} fields: expected {}", fields.len(), Self::COLUMNS));
        };
        let nan = NanRule::ALL.into_iter().find(|rule| rule.name() == nan);
        let rule = DigestRule {
            format: format.parse().map_err(|error| format!("{error}"))?,
            rounding: rounding.parse().map_err(|error| format!("{error}"))?,
            overflow: overflow.parse().map_err(|error| format!("{error}"))?,
            nan: nan.ok_or("has an unknown rule for NaN: expected canonical or sign-kept")?,
        };
        if bytes.parse() != Ok(rule.bytes()) {
            return Err(format!("has {bytes} bytes a code: {format} has {}", rule.bytes()));
        }
        if sha256.len() != 64 || sha256.bytes().any(|byte| !byte.is_ascii_hexdigit()) {
            return Err("has no SHA-256 of 64 hexadecimal digits".into());
        }
        Ok(Self { rule, sha256: sha256.to_ascii_lowercase() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_round_trip() {
        let hash = "0".repeat(64);
        let text = format!("e2m1fn,ties-even,special,sign-kept,1,{hash}");
        let line: DigestLine = text.parse().unwrap();
        assert_eq!(line.to_string(), text);
        assert_eq!(line.rule.format, Format::E2M1FN);
        for wrong in [
            format!("e2m1fn,ties-even,special,sign-kept,2,{hash}"),
            format!("e2m1fn,ties-even,special,kept,1,{hash}"),
            format!("e2m1fm,ties-even,special,sign-kept,1,{hash}"),
            "e2m1fn,ties-even,special,sign-kept,1,12".into(),
            "e2m1fn".into(),
        ] {
            assert!(wrong.parse::<DigestLine>().is_err(), "{wrong}");
        }
    }
}
