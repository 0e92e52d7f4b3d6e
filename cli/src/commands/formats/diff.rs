//! Two formats side by side.

use std::cmp::Ordering;

use fewbit_formats::Format;
use serde::Serialize;

use super::describe::{Description, Number, describe};
use crate::error::{CliError, Outcome};
use crate::options::FormArgs;
use crate::output::{self, Form};

/// The widest formats whose codes are compared one by one.
const COMPARED_BITS: u32 = 20;
/// Values and codes that are shown of a kind.
const SHOWN: usize = 8;

/// How two formats differ.
#[derive(Serialize)]
struct Difference {
    a: Description,
    b: Description,
    same: bool,
    /// The properties that differ.
    properties: Vec<&'static str>,
    /// Absent for formats of more than 20 bits, or with values that are no f64.
    values: Option<ValueDifference>,
    /// Absent for formats of different widths, or of more than 20 bits.
    codes: Option<CodeDifference>,
}

/// Which finite values only one of two formats has; zeros of both signs count as one.
#[derive(Serialize)]
struct ValueDifference {
    in_both: usize,
    only_in_a: Only,
    only_in_b: Only,
}

/// Values that one format has and another has not.
#[derive(Serialize)]
struct Only {
    count: usize,
    /// Those of the least magnitude.
    least: Vec<Number>,
    /// Those of the greatest magnitude.
    greatest: Vec<Number>,
}

/// Codes that stand for different values.
#[derive(Serialize)]
struct CodeDifference {
    count: usize,
    of: u64,
    first: Vec<CodePair>,
}

/// One code in two formats.
#[derive(Serialize)]
struct CodePair {
    code: u32,
    a: Number,
    b: Number,
}

/// Compares and prints.
pub(super) fn run(a: Format, b: Format, form: &FormArgs) -> Result<Outcome, CliError> {
    let difference = compare(a, b);
    match form.form() {
        Form::Json => output::print(&form.json(&difference, None)?)?,
        Form::Text => output::print(&text(&difference))?,
    }
    Ok(if difference.same { Outcome::Done } else { Outcome::Different })
}

fn compare(a: Format, b: Format) -> Difference {
    let listed = |format: Format| format.bits() <= COMPARED_BITS && format.fits_f64();
    let listed = listed(a) && listed(b);
    let [left, right] = [a, b].map(|format| describe(format, None));
    let properties = rows(&left, &right).into_iter().filter(|row| row.1 != row.2);
    Difference {
        same: a == b,
        properties: properties.map(|row| row.0).collect(),
        values: listed.then(|| values(a, b)),
        codes: (listed && a.bits() == b.bits()).then(|| codes(a, b)),
        a: left,
        b: right,
    }
}

/// The finite values in ascending order, each once.
fn finite(format: Format) -> Vec<f64> {
    let all = (0..format.code_count() as u32).map(|code| format.decode(code));
    // Adding zero takes the sign from a zero.
    let mut values: Vec<f64> = all.filter(|value| value.is_finite()).map(|v| v + 0.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

fn values(a: Format, b: Format) -> ValueDifference {
    let (a, b) = (finite(a), finite(b));
    let without = |from: &[f64], other: &[f64]| -> Vec<f64> {
        let missing = |x: &&f64| other.binary_search_by(|y| y.total_cmp(x)).is_err();
        from.iter().filter(missing).copied().collect()
    };
    let (only_a, only_b) = (without(&a, &b), without(&b, &a));
    ValueDifference {
        in_both: a.len() - only_a.len(),
        only_in_a: only(only_a),
        only_in_b: only(only_b),
    }
}

fn only(mut values: Vec<f64>) -> Only {
    values.sort_by(|x, y| x.abs().total_cmp(&y.abs()).then(y.total_cmp(x)));
    let count = values.len();
    let ends = if count <= SHOWN { (count, 0) } else { (SHOWN / 2, SHOWN / 2) };
    let numbers = |values: &[f64]| values.iter().map(|&value| value.into()).collect();
    Only { count, least: numbers(&values[..ends.0]), greatest: numbers(&values[count - ends.1..]) }
}

fn codes(a: Format, b: Format) -> CodeDifference {
    // Equal values, with the sign of zero, and NaN equal to NaN.
    let same = |x: f64, y: f64| x.total_cmp(&y) == Ordering::Equal || x.is_nan() && y.is_nan();
    let pairs = (0..a.code_count() as u32).map(|code| (code, a.decode(code), b.decode(code)));
    let differing: Vec<CodePair> = pairs
        .filter(|&(_, x, y)| !same(x, y))
        .map(|(code, x, y)| CodePair { code, a: x.into(), b: y.into() })
        .collect();
    CodeDifference {
        count: differing.len(),
        of: a.code_count(),
        first: differing.into_iter().take(SHOWN).collect(),
    }
}

/// Every property of the two.
fn rows(a: &Description, b: &Description) -> Vec<(&'static str, String, String)> {
    let optional = |value: Option<String>| value.unwrap_or("none".into());
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let row = |name, of: &dyn Fn(&Description) -> String| (name, of(a), of(b));
    vec![
        row("bits", &|d| d.bits.to_string()),
        row("signed", &|d| yes(d.signed)),
        row("exponent bits", &|d| optional(d.exponent_bits.map(|n| n.to_string()))),
        row("fraction bits", &|d| optional(d.fraction_bits.map(|n| n.to_string()))),
        row("bias", &|d| optional(d.bias.map(|n| n.to_string()))),
        row("largest", &|d| d.max.to_string()),
        row("smallest", &|d| d.min.to_string()),
        row("smallest normal", &|d| optional(d.smallest_normal.map(|n| n.to_string()))),
        row("smallest positive", &|d| d.smallest_positive.to_string()),
        row("zero", &|d| yes(d.zero)),
        row("infinities", &|d| yes(d.infinity)),
        row("NaN", &|d| d.nan.to_owned()),
    ]
}

fn text(d: &Difference) -> String {
    let mut table = output::numbers(&["", &d.a.name, &d.b.name, "differ"]);
    for (name, a, b) in rows(&d.a, &d.b) {
        let mark = if a == b { "" } else { "*" };
        table.add_row([name, &a, &b, mark]);
    }
    let mut lines = vec![table.to_string()];
    match &d.values {
        Some(values) => {
            lines.push(format!("values in both: {}", values.in_both));
            lines.push(one_side(&d.a.name, &values.only_in_a));
            lines.push(one_side(&d.b.name, &values.only_in_b));
        }
        None => lines.push(format!(
            "values and codes are not compared one by one: that is done up to {COMPARED_BITS} bits, for values that are f64"
        )),
    }
    if let Some(codes) = &d.codes {
        lines.push(format!("codes that stand for other values: {} of {}", codes.count, codes.of));
        let digits = (d.a.bits.div_ceil(4)) as usize;
        let pair =
            |p: &CodePair| format!("  {:#0width$x}  {} | {}", p.code, p.a, p.b, width = digits + 2);
        lines.extend(codes.first.iter().map(pair));
        if codes.count > codes.first.len() {
            lines.push("  ...".into());
        }
    }
    if d.same {
        lines.push(format!("{} and {} are the same format", d.a.name, d.b.name));
    }
    lines.join("\n")
}

fn one_side(name: &str, only: &Only) -> String {
    let join =
        |numbers: &[Number]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let shown = match (only.count, &only.greatest[..]) {
        (0, _) => String::new(),
        (_, []) => format!(": {}", join(&only.least)),
        (_, greatest) => format!(": {} ... {}", join(&only.least), join(greatest)),
    };
    format!("values in {name} alone: {}{shown}", only.count)
}
