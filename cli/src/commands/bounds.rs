//! `fewbit bounds`: what given weights can do to an accumulator, whatever the inputs.

use std::path::PathBuf;

use clap::ValueEnum;
use fewbit::Accumulator;
use fewbit::accumulate::Register;
use fewbit::accumulate::bounds::{
    Bounds, DataType, Guarantee, Layer, RowBias, RowBounds, Side, Sign, StageBounds,
};
use fewbit_formats::Format;
use ndarray::Array2;
use serde::Serialize;

use super::ranges::{RangeArg, Ranges};

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::names::Kind;
use crate::io::npy::{self, Opened};
use crate::memory;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{self, Form};
use crate::spelling;

/// What a stage of a row takes while it is found and told: its bounds, and the cells of a table.
const BYTES_PER_STAGE: u128 = 3072;

const EXAMPLES: &str = "\
Examples:
  fewbit bounds W.npy --input uint8
  fewbit bounds W.npy --input int8 --acc int16-sat/64,int24-sat
  fewbit bounds W.npy --input-range -3,12
  fewbit bounds W.npy --input-range RANGES.npy      a low and a high end per input channel
  fewbit bounds W.npy --input uint8 --bias B.npy    registers that start from a bias, as `fewbit matmul --init` does
  fewbit bounds W.npy --input uint8 --acc int16-sat --witness X.npy
  fewbit matmul X.npy WT.npy --acc int16-sat        the witnesses as a stimulus; WT.npy is W transposed";

const ABOUT: &str = "\
Bound every register of an accumulator over all inputs and all steps, for given weights

Per output row and stage: the least and greatest value that the register can take for any input of the format or range, \
    the two's complement width that holds both (sharp: an input reaches it), and beside it the A2Q bound and the A2Q+ bound. \
    The A2Q+ bound presumes zero-centred weights; for others it can be too small. Neither of the two knows of a bias or of \
    ranges; they take the narrowest integer type that holds all inputs.";

/// Arguments of `fewbit bounds`.
#[derive(Debug, clap::Args)]
#[command(about = ABOUT.lines().next().unwrap_or_default(), long_about = ABOUT, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Weights [outputs, inputs]: integers of at most 32 bits
    #[arg(value_name = "W.npy")]
    weights: PathBuf,
    /// Format of the inputs' codes, as uint8 or int4
    #[arg(
        long,
        value_name = "FORMAT",
        required_unless_present = "input_range",
        value_parser = spelling::format
    )]
    input: Option<Format>,
    /// Range of the inputs instead: two integers, or an integer array [inputs, 2] with the ends of every channel
    #[arg(
        long,
        value_name = "LO,HI | RANGES.npy",
        conflicts_with = "input",
        allow_hyphen_values = true
    )]
    input_range: Option<RangeArg>,
    /// A bias per output, in units of the accumulator: an integer array [outputs]
    #[arg(long, visible_alias = "init", value_name = "B.npy")]
    bias: Option<PathBuf>,
    /// Where the bias enters the last stage
    #[arg(long, value_enum, default_value = "first", requires = "bias")]
    bias_at: BiasAt,
    /// Accumulator whose stages are bounded [default: one register over the whole row]
    #[arg(long, value_name = "SPEC")]
    acc: Option<Accumulator>,
    /// Write an input per row here, [outputs, inputs], that takes the registers to their worst case: in the first stage
    /// that does not fit its register, else in the last one
    #[arg(long, value_name = "OUT.npy", value_parser = Kind::Npy.output())]
    witness: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// When a bias is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BiasAt {
    /// The register starts from it
    First,
    /// In a step of its own, after the last product
    Last,
}

/// One stage of one row, as printed.
#[derive(Serialize)]
struct StageEntry {
    min: i128,
    max: i128,
    required_bits: u32,
    a2q_bits: u32,
    a2q_plus_bits: u32,
    /// Whether no input overflows the register; `None` without `--acc`.
    fits: Option<bool>,
}

/// One row, as printed.
#[derive(Serialize)]
struct RowEntry {
    row: usize,
    /// The greatest width of its stages.
    required_bits: u32,
    stages: Vec<StageEntry>,
}

/// Everything, as printed.
#[derive(Serialize)]
struct BoundsReport {
    /// The format, the range `[LO, HI]`, or `per channel`.
    input: String,
    /// `none`, `first` or `last`.
    bias: &'static str,
    acc: Option<String>,
    shape: [usize; 2],
    /// Per stage, the width that holds every row.
    required_bits: Vec<u32>,
    /// The A2Q bound from the depth and the formats alone.
    data_type_bits: u32,
    /// Rows that no input overflows; `None` without `--acc`.
    guaranteed_rows: Option<usize>,
    /// The accumulator with the narrowest registers that no input overflows; `None` where that is beyond 64 bits.
    narrowest: Option<String>,
    rows: Vec<RowEntry>,
}

/// Bounds, writes, prints.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let opened = Opened::new(&args.weights, &args.form.inputs)?;
    let (rows, columns) = opened.matrix_shape()?;
    let stages = args.acc.as_ref().map_or(1, |acc| acc.stages().len());
    memory::check(
        (rows as u128).saturating_mul(stages as u128).saturating_mul(BYTES_PER_STAGE),
        &format!("bounds of {stages} stage(s) for the {rows} rows of {rows}x{columns} weights"),
        "bound fewer rows at a time",
    )?;
    let weights = opened.block(0..rows, 0..columns)?.into_integer_matrix()?;
    let ranges = match (&args.input_range, args.input) {
        (Some(range), _) => range.read(&args.form.inputs)?,
        (None, Some(format)) => Ranges::of(format)?,
        // The parser of arguments asks for one of them.
        (None, None) => {
            return Err(CliError::Arguments("--input FORMAT or --input-range is needed".into()));
        }
    };
    let bias = match &args.bias {
        Some(path) => npy::read(path, &args.form.inputs)?.into_int64_list()?,
        None => Vec::new(),
    };
    let layer = Layer::new(weights.view(), ranges.inputs())?.with_bias(match args.bias {
        None => RowBias::None,
        Some(_) if args.bias_at == BiasAt::Last => RowBias::Added(&bias),
        Some(_) => RowBias::Initial(&bias),
    })?;
    let acc = match &args.acc {
        Some(acc) => acc.clone(),
        None => "int64-wrap".parse()?,
    };
    let bounds = args.threads.run(|| Ok(layer.bounds(&acc)?))?;
    let guarantee = match &args.acc {
        Some(acc) => Some(bounds.guarantees(acc)?),
        None => None,
    };
    let mut outputs = Outputs::default();
    if let Some(path) = &args.witness {
        let failed = |source| CliError::Write { path: path.clone(), source };
        let witnesses = witnesses(&layer, &bounds, &acc, weights.dim());
        outputs.add(path, encode(&witnesses, layer.input_type()).map_err(failed)?);
    }
    let report = report(&args, &ranges, &layer, (&bounds, guarantee.as_ref()), weights.dim());
    outputs.write(&match args.form.form() {
        Form::Json => args.form.json(&report, None)?,
        Form::Text => text(&report, &acc),
    })?;
    Ok(Outcome::Done)
}

fn report(
    args: &Args,
    ranges: &Ranges,
    layer: &Layer<'_>,
    (bounds, guarantee): (&Bounds, Option<&Guarantee>),
    (outputs, inputs): (usize, usize),
) -> BoundsReport {
    let stages = args.acc.as_ref().map_or(1, |acc| acc.stages().len());
    let entry = |row: usize, stage: usize, found: &StageBounds| StageEntry {
        min: found.min,
        max: found.max,
        required_bits: found.required_bits,
        a2q_bits: bounds.a2q_bits(row, stage),
        a2q_plus_bits: bounds.a2q_plus_bits(row, stage),
        fits: guarantee.map(|g| g.fits[row][stage]),
    };
    let rows = bounds.rows().iter().enumerate().map(|(row, found)| RowEntry {
        row,
        required_bits: found.stages.iter().map(|s| s.required_bits).max().unwrap_or(1),
        stages: found.stages.iter().enumerate().map(|(s, b)| entry(row, s, b)).collect(),
    });
    BoundsReport {
        input: args.input.map_or_else(|| ranges.to_string(), |format| format.to_string()),
        bias: match (&args.bias, args.bias_at) {
            (None, _) => "none",
            (Some(_), BiasAt::First) => "first",
            (Some(_), BiasAt::Last) => "last",
        },
        acc: args.acc.as_ref().map(Accumulator::to_string),
        shape: [outputs, inputs],
        required_bits: (0..stages).map(|stage| bounds.required_bits(stage)).collect(),
        data_type_bits: layer.data_type_bits(None),
        guaranteed_rows: guarantee.map(Guarantee::rows),
        narrowest: args.acc.as_ref().and_then(|_| bounds.narrowest().ok()).map(|a| a.to_string()),
        rows: rows.collect(),
    }
}

/// One input per row.
fn witnesses(
    layer: &Layer<'_>,
    bounds: &Bounds,
    acc: &Accumulator,
    shape: (usize, usize),
) -> Array2<i64> {
    let mut witnesses = Array2::zeros(shape);
    for (row, (mut witness, found)) in witnesses.outer_iter_mut().zip(bounds.rows()).enumerate() {
        for (place, input) in witness.iter_mut().zip(layer.witness(row, side(found, acc))) {
            *place = input;
        }
    }
    witnesses
}

/// The side that the first stage overflows on, else the worse side of the last stage.
fn side(row: &RowBounds, acc: &Accumulator) -> Side {
    let fits = |(stage, register): (&StageBounds, Register)| stage.fits(register);
    let registers = acc.stages().iter().map(|stage| stage.register);
    let first = row.stages.iter().zip(registers).find(|&pair| !fits(pair)).map(|(stage, _)| stage);
    first.or(row.stages.last()).map_or(Side::Upper, StageBounds::side)
}

/// As the smallest NumPy type that holds every input.
fn encode(values: &Array2<i64>, input: DataType) -> Result<Vec<u8>, std::io::Error> {
    let shape = [values.nrows(), values.ncols()];
    macro_rules! narrow {
        ($type:ty) => {
            npy::encode(&shape, &values.iter().map(|&v| v as $type).collect::<Vec<_>>())
        };
    }
    match (input.sign, input.bits) {
        (Sign::Signed, ..=8) => narrow!(i8),
        (Sign::Signed, 9..=16) => narrow!(i16),
        (Sign::Signed, 17..=32) => narrow!(i32),
        (Sign::Signed, _) => narrow!(i64),
        (Sign::Unsigned, ..=8) => narrow!(u8),
        (Sign::Unsigned, 9..=16) => narrow!(u16),
        (Sign::Unsigned, 17..=32) => narrow!(u32),
        (Sign::Unsigned, _) => narrow!(i64),
    }
}

fn text(report: &BoundsReport, acc: &Accumulator) -> String {
    let mut titles = vec!["row", "stage", "min", "max", "bits", "A2Q", "A2Q+", "fits"];
    if report.acc.is_none() {
        titles.retain(|&title| title != "stage" && title != "fits");
    }
    let mut table = output::numbers(&titles);
    for row in &report.rows {
        for (entry, stage) in row.stages.iter().zip(acc.stages()) {
            let mut cells = vec![row.row.to_string()];
            cells.extend(report.acc.as_ref().map(|_| stage.to_string()));
            cells.extend([entry.min.to_string(), entry.max.to_string()]);
            cells.extend(
                [entry.required_bits, entry.a2q_bits, entry.a2q_plus_bits].map(|b| b.to_string()),
            );
            cells.extend(entry.fits.map(|fits| if fits { "yes" } else { "no" }.to_owned()));
            table.add_row(cells);
        }
    }
    let [outputs, inputs] = report.shape;
    let bits: Vec<String> = report.required_bits.iter().map(u32::to_string).collect();
    let bias = match report.bias {
        "none" => "",
        "first" => ", registers that start from a bias",
        _ => ", a bias added last",
    };
    let mut text = format!(
        "[{outputs}, {inputs}] weights, {} inputs{bias}\n{table}\nevery row fits {} bits; from the data types alone: {}",
        report.input,
        bits.join(", "),
        report.data_type_bits
    );
    if let Some(rows) = report.guaranteed_rows {
        text += &format!("\n{rows} of {outputs} rows cannot overflow {acc}");
    }
    if let Some(narrowest) = &report.narrowest {
        text += &format!("\nnarrowest that no row can overflow: {narrowest}");
    }
    text
}
