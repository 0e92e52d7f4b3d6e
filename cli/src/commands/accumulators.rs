//! `fewbit accumulators`: the dot units of machines, by name.

use fewbit::accumulate::Datapath;
use fewbit::accumulate::datapath::{
    Addends, Aligned, AlignmentGroups, Cdna3, SplitHalves, Unit, ZeroExponent,
};
use serde::Serialize;

use crate::error::{CliError, Outcome};
use crate::options::FormArgs;
use crate::output::{self, Form};

const EXAMPLES: &str = "\
Examples:
  fewbit accumulators                      every unit
  fewbit accumulators h100-wgmma-fp8       one of them, with its source and what is not confirmed
  fewbit matmul A.npy B.npy --a e4m3fn --b e5m2 --acc preset:h100-wgmma-fp8";

/// Arguments of `fewbit accumulators`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// One unit, by its name with or without `preset:`
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// One unit.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    operands: Vec<String>,
    scales: Option<String>,
    /// Products of one step.
    width: u32,
    register: String,
    /// The same in the grammar, apart from the exponent of zero addends.
    grammar: Option<String>,
    unit: String,
    source: &'static str,
    unconfirmed: &'static str,
}

impl Row {
    fn new(row: &'static Datapath) -> Self {
        Self {
            name: row.name,
            operands: row.operands.iter().map(ToString::to_string).collect(),
            scales: row.scales.map(|scales| format!("{} per {}", scales.format, scales.block)),
            width: row.width,
            register: row.register().to_string(),
            grammar: row.grammar(),
            unit: sentence(row.unit),
            source: row.source,
            unconfirmed: row.unconfirmed,
        }
    }
}

/// What a step computes, in a sentence.
fn sentence(unit: Unit) -> String {
    match unit {
        Unit::Aligned(Aligned {
            fraction_bits, alignment, zero, addends, format, rounding, ..
        }) => {
            let what = match addends {
                Addends::Products => "products and the register are".into(),
                Addends::ScaledGroups(size) => {
                    format!("exact sums of {size} products, by their scales' exponents, and the register are")
                }
            };
            let zero = match zero {
                ZeroExponent::None => "has no exponent".into(),
                ZeroExponent::Fixed(exponent) => format!("has exponent {exponent}"),
            };
            format!(
                "{what} aligned to the largest exponent, cut to {fraction_bits} fraction bits ({alignment}), summed \
                 exactly, rounded to {format} ({rounding}); an addend that is zero {zero}"
            )
        }
        Unit::Fused { format, rounding } => {
            format!("products and the register are summed exactly and rounded to {format} ({rounding})")
        }
        Unit::Cdna2 => {
            "products are summed pairwise, then the register is added, each result rounded to f32 (ties-even); \
             subnormal operands and results count as zero"
                .into()
        }
        Unit::SplitHalves(SplitHalves { unit: half }) => {
            format!(
                "products whose index mod 4 is below 2, and then the others, go through another unit from zero \
                 ({}); what comes of it is added to the register and rounded to {} (ties-even)",
                sentence(Unit::Aligned(half)),
                half.format
            )
        }
        Unit::Cdna3(Cdna3 { fraction_bits, sum_bits, groups }) => {
            let groups = match groups {
                AlignmentGroups::One => "products",
                AlignmentGroups::EvenOdd => "products of even and of odd index, each among themselves,",
            };
            format!(
                "{groups} are aligned and cut to {fraction_bits} fraction bits (toward-zero) and summed; the sum is \
                 aligned with the register and cut to {sum_bits} (down); their sum is rounded to f32 (ties-even)"
            )
        }
    }
}

/// Lists.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let text = match &args.name {
        Some(name) => {
            let name = name.strip_prefix("preset:").unwrap_or(name);
            let row = Datapath::find(name).map_err(|e| CliError::Arguments(e.to_string()))?;
            let row = Row::new(row);
            match args.form.form() {
                Form::Json => output::json(&row)?,
                Form::Text => one(&row),
            }
        }
        None => {
            let rows: Vec<Row> = Datapath::table().iter().map(Row::new).collect();
            match args.form.form() {
                Form::Json => output::json(&rows)?,
                Form::Text => all(&rows),
            }
        }
    };
    output::print(&text)?;
    Ok(Outcome::Done)
}

fn all(rows: &[Row]) -> String {
    let mut table = output::numbers(&[
        "preset",
        "operands",
        "scales",
        "width",
        "register",
        "in the grammar",
        "remark",
    ]);
    for row in rows {
        table.add_row([
            row.name.into(),
            row.operands.join(" "),
            row.scales.clone().unwrap_or_default(),
            row.width.to_string(),
            row.register.clone(),
            row.grammar.clone().unwrap_or_else(|| "-".into()),
            if row.unconfirmed.is_empty() { String::new() } else { "see NAME".into() },
        ]);
    }
    format!(
        "{table}\n`fewbit accumulators NAME` shows the unit, its source, and what is not confirmed."
    )
}

fn one(row: &Row) -> String {
    let mut lines =
        vec![format!("preset:{}", row.name), format!("operands     {}", row.operands.join(", "))];
    if let Some(scales) = &row.scales {
        lines.push(format!("scales       {scales} elements along K"));
    }
    lines.push(format!("step         {} products", row.width));
    lines.push(format!("unit         {}", row.unit));
    if let Some(grammar) = &row.grammar {
        lines.push(format!("grammar      {grammar}, apart from the exponent of zero addends"));
    }
    lines.push(format!("source       {}", row.source));
    let unconfirmed =
        if row.unconfirmed.is_empty() { "nothing: the sources agree" } else { row.unconfirmed };
    lines.push(format!("unconfirmed  {unconfirmed}"));
    lines.join("\n")
}
