//! `fewbit digest`: a hash of what a codec answers to every float32.

use std::path::{Path, PathBuf};

use fewbit::convert::every_f32_pieces;
use fewbit_formats::{Format, Overflow, Rounding};
use rayon::prelude::*;
use serde::Serialize;

use crate::digest::{DigestLine, DigestRule, NanRule, digests};
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::input::read_text;
use crate::io::names::Kind;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{Form, LateProgress};
use crate::spelling;

const EXAMPLES: &str = "\
Examples:
  fewbit digest e4m3fn --round ties-even --overflow special --nan sign-kept
                                              one line, in some seconds
  fewbit digest e4m3fn e5m2 --check docs/proof/digests.csv
                                              every line of two formats beside a list; exit code 1 where one differs
  fewbit digest --out digests.csv             every line of every format: hours

The digest is the SHA-256 of the codes of all 2^32 float32 in ascending order of their bits, 0x00000000 to 0xffffffff:
a byte for a code of at most 8 bits, two, little-endian, for one of at most 16. Anyone's codec gives the same digest, or
answers something else somewhere. The same for ml_dtypes, in Python:

  h = hashlib.sha256()
  for i in range(256): h.update(np.arange(i << 24, i + 1 << 24, dtype=np.uint32).view(np.float32)
                                .astype(ml_dtypes.float8_e4m3fn).tobytes())";

/// Hash what a codec answers to every float32, to compare it with another one's
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Formats of at most 16 bits [default: all that `fewbit formats` lists]
    #[arg(value_name = "FORMAT", value_parser = spelling::format)]
    formats: Vec<Format>,
    /// Rounding mode without randomness; may be given several times [default: all twelve]
    #[arg(long, value_name = "MODE")]
    round: Vec<Rounding>,
    /// Beyond the largest value; may be given several times [default: saturate and special]
    #[arg(long, value_name = "POLICY")]
    overflow: Vec<Overflow>,
    /// NaN: canonical (one, positive; 0 where there is none) or sign-kept (as ml_dtypes; where there is none, a zero of
    /// the other sign) [default: both]
    #[arg(long, value_name = "RULE", hide_possible_values = true)]
    nan: Vec<NanRule>,
    /// Compare with the lines of a list
    #[arg(long, value_name = "LIST.csv")]
    check: Option<PathBuf>,
    /// Write the lines there
    #[arg(long, value_name = "LIST.csv", value_parser = Kind::Csv.output())]
    out: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// What was found, for `--json`.
#[derive(Serialize)]
struct DigestReport {
    lines: Vec<LineReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    different: Option<usize>,
}

#[derive(Serialize)]
struct LineReport {
    format: String,
    rounding: String,
    overflow: String,
    nan: NanRule,
    bytes: u32,
    sha256: String,
    /// What the list has instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
}

/// Every mode that takes no random bits, in the order of the list.
const MODES: [Rounding; 12] = [
    Rounding::TiesEven,
    Rounding::TiesOdd,
    Rounding::TiesAway,
    Rounding::TiesZero,
    Rounding::TiesUp,
    Rounding::TiesDown,
    Rounding::TiesDpu,
    Rounding::TowardZero,
    Rounding::Up,
    Rounding::Down,
    Rounding::Away,
    Rounding::Odd,
];

/// Hashes, compares, writes.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let jobs = args.jobs()?;
    let listed = match &args.check {
        None => None,
        Some(path) => Some(list(path, &args)?),
    };
    let pieces = jobs.len() as u64 * every_f32_pieces();
    let lines = args.threads.run(|| {
        let progress = LateProgress::new("inputs", pieces);
        let found: Result<Vec<_>, CliError> = jobs
            .par_iter()
            .map(|rules| {
                let refused = |error| CliError::Arguments(format!("{}: {error}", rules[0].format));
                digests(rules, || progress.step()).map_err(refused)
            })
            .collect();
        Ok(found?.concat())
    })?;
    let listed_otherwise = |line: &DigestLine| {
        let listed = listed.as_ref()?;
        let same = listed.iter().find(|other| other.rule == line.rule);
        match same.map(|other| other.sha256.as_str()) {
            Some(sha256) if sha256 == line.sha256 => None,
            Some(sha256) => Some(sha256.to_owned()),
            None => Some("nothing".to_owned()),
        }
    };
    let others: Vec<Option<String>> = lines.iter().map(listed_otherwise).collect();
    let different = others.iter().flatten().count();
    let text: String = std::iter::once(DigestLine::COLUMNS.to_owned())
        .chain(lines.iter().map(DigestLine::to_string))
        .map(|line| line + "\n")
        .collect();
    let mut outputs = Outputs::default();
    if let Some(path) = &args.out {
        outputs.add(path, text.clone().into_bytes());
    }
    outputs.write(&match (args.form.form(), &args.check) {
        (Form::Json, _) => {
            let lines = lines.iter().zip(&others).map(|(line, other)| LineReport::new(line, other));
            let different = args.check.is_some().then_some(different);
            let report = DigestReport { lines: lines.collect(), different };
            args.form.json(&report, None)?
        }
        (Form::Text, None) => text.trim_end().to_owned(),
        (Form::Text, Some(path)) => {
            let mut shown = String::new();
            for (line, other) in lines.iter().zip(&others) {
                if let Some(other) = other {
                    shown += &format!("{line}\n    the list has {other}\n");
                }
            }
            let (count, list) = (lines.len(), path.display());
            format!("{shown}{} of {count} digests are those of {list}", count - different)
        }
    })?;
    Ok(if different == 0 { Outcome::Done } else { Outcome::Different })
}

impl Args {
    /// The codecs, a list for each format.
    fn jobs(&self) -> Result<Vec<Vec<DigestRule>>, CliError> {
        if let Some(mode) = self.round.iter().find(|mode| mode.random_bits().is_some()) {
            return Err(CliError::Arguments(format!(
                "--round is {mode}, whose codes depend on a seed: a digest is of a mode without randomness"
            )));
        }
        if let Some(format) = self.formats.iter().find(|format| format.bits() > 16) {
            return Err(CliError::Arguments(format!(
                "{format} has {} bits: digests are of formats of at most 16",
                format.bits()
            )));
        }
        let all = || {
            let formats = Format::table().iter().map(|row| row.format);
            formats.filter(|format| format.bits() <= 16).collect()
        };
        let formats = or_default(&self.formats, all);
        let modes = or_default(&self.round, || MODES.to_vec());
        let overflows = or_default(&self.overflow, || vec![Overflow::Saturate, Overflow::Special]);
        let nans = or_default(&self.nan, || NanRule::ALL.to_vec());
        let job = |&format: &Format| {
            let mut rules = Vec::new();
            for &rounding in &modes {
                for &overflow in &overflows {
                    rules.extend(nans.iter().map(|&nan| DigestRule {
                        format,
                        rounding,
                        overflow,
                        nan,
                    }));
                }
            }
            rules
        };
        Ok(formats.iter().map(job).collect())
    }
}

/// What was given, each once; or else the default.
fn or_default<T: Copy + PartialEq>(given: &[T], default: impl Fn() -> Vec<T>) -> Vec<T> {
    if given.is_empty() {
        return default();
    }
    let mut once = Vec::new();
    for value in given {
        if !once.contains(value) {
            once.push(*value);
        }
    }
    once
}

/// The lines of a list.
fn list(path: &Path, args: &Args) -> Result<Vec<DigestLine>, CliError> {
    let text = read_text(path, &args.form.inputs)?;
    let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
    let mut lines = text.lines();
    if lines.next().map(str::trim_end) != Some(DigestLine::COLUMNS) {
        return Err(wrong(format!(
            "is no list of digests: its first line is not {}",
            DigestLine::COLUMNS
        )));
    }
    let line = |(index, text): (usize, &str)| {
        let line = text.trim_end().parse::<DigestLine>();
        line.map_err(|reason| wrong(format!("line {} {reason}", index + 2)))
    };
    lines.enumerate().map(line).collect()
}

impl LineReport {
    fn new(line: &DigestLine, listed: &Option<String>) -> Self {
        let DigestRule { format, rounding, overflow, nan } = line.rule;
        Self {
            format: format.to_string(),
            rounding: rounding.to_string(),
            overflow: overflow.to_string(),
            nan,
            bytes: line.rule.bytes(),
            sha256: line.sha256.clone(),
            listed: listed.clone(),
        }
    }
}
