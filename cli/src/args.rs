//! The arguments of the command line, and the one-line form of what is wrong with them.

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands;
use crate::error::{CliError, Outcome};
use crate::options::FormArgs;
use crate::spelling::Spellings;

const AFTER_HELP: &str = "\
Numbers travel in .npy files. Every command takes --json. Files that a command writes appear whole or not at all; their
names end in what they are (.npy, .safetensors, .json, .svg, .csv, .hex, .h) or have no ending; those of vectors have names of their own in a folder.

Files get their names once the result was printed; one that is replaced keeps its mode, and a link stays a link.

Exit codes: 0 done, 1 compared and different, 2 bad input (one line on standard error says what), 130 or 143 interrupted.

Accumulators are lists of stages, from the multiplier outward:
  int16-sat                   one saturating 16-bit register
  int16-wrap/64,int24-sat     tiles of 64 products in 16 bits, their sums in 24 bits
  int20-sat*8                 an 8-wide exact adder tree into a 20-bit register
  exact/8,int20-sat           the same, written as two stages
  e5m10-rne                   a half-precision register, rounded at every product
  e4m3fn-rne-sat              an FP8 register that stops at its largest value (-special: infinity or NaN)
  bf16/1,f32                  products rounded to bf16, then summed in f32
  f32%4                       an adder with a pipeline: product k goes to register k mod 4, which are added at the end
  aligned24-rz:f32-rz*8       8 products and the register aligned to the largest exponent, cut to 24 fraction bits
  preset:h100-wgmma-fp8       the dot unit of a machine: `fewbit accumulators` lists them";

/// Say, bit for bit, what a narrow number format or a narrow accumulator does to a computation.
#[derive(Debug, Parser)]
#[command(name = "fewbit", version, after_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One job of the command line.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the dot units of machines that `--acc preset:NAME` runs, or show one of them.
    Accumulators(commands::accumulators::Args),
    Bounds(commands::bounds::Args),
    /// Convert an array to the values or codes of a number format.
    Cast(commands::cast::Args),
    /// Give back the values of a quantized array.
    Dequantize(commands::dequantize::Args),
    Digest(commands::digest::Args),
    /// Show how one output of a product comes about, step by step.
    Explain(commands::explain::Args),
    /// List the number formats, or show one of them code by code.
    Formats(commands::formats::Args),
    #[cfg(feature = "networks")]
    Graph(commands::graph::Args),
    Layer(Box<commands::layer::Args>),
    /// Multiply two matrices through an accumulator, step by step, and report every overflow.
    Matmul(commands::matmul::Args),
    #[cfg(feature = "networks")]
    Ptq(Box<commands::ptq::Args>),
    /// Quantize an array: groups that share a scale (mxfp4, nvfp4, mx(...)), one scale for all, or GGUF's blocks.
    Quantize(commands::quantize::Args),
    /// Turn accumulators' values into the next layer's integers as a stack does: TOSA, TFLite, CMSIS-NN, ruy, ONNX, FINN.
    Requantize(Box<commands::requantize::Args>),
    #[cfg(feature = "networks")]
    Run(Box<commands::run::Args>),
    Sweep(commands::sweep::Args),
    /// Make the table of a function from format to format: show, draw, export and apply it.
    Table(Box<commands::table::Args>),
    /// Write stimuli and expected results for a test bench, with a header that says all they depend on.
    Vectors(Box<commands::vectors::Args>),
    /// Compute vectors anew from their header, and explain the first ones that are different.
    Verify(commands::verify::Args),
}

impl Command {
    /// Does what it asks for.
    pub(crate) fn run(self) -> Result<Outcome, CliError> {
        match self {
            Self::Accumulators(args) => commands::accumulators::run(args),
            Self::Bounds(args) => commands::bounds::run(args),
            Self::Cast(args) => commands::cast::run(args),
            Self::Dequantize(args) => commands::dequantize::run(args),
            Self::Digest(args) => commands::digest::run(args),
            Self::Explain(args) => commands::explain::run(args),
            Self::Formats(args) => commands::formats::run(args),
            #[cfg(feature = "networks")]
            Self::Graph(args) => commands::graph::run(args),
            Self::Layer(args) => commands::layer::run(*args),
            Self::Matmul(args) => commands::matmul::run(args),
            #[cfg(feature = "networks")]
            Self::Ptq(args) => commands::ptq::run(*args),
            Self::Quantize(args) => commands::quantize::run(args),
            Self::Requantize(args) => commands::requantize::run(*args),
            #[cfg(feature = "networks")]
            Self::Run(args) => commands::run::run(*args),
            Self::Sweep(args) => commands::sweep::run(args),
            Self::Table(args) => commands::table::run(*args),
            Self::Vectors(args) => commands::vectors::run(*args),
            Self::Verify(args) => commands::verify::run(args),
        }
    }

    /// How the result is printed.
    pub(crate) fn form_mut(&mut self) -> &mut FormArgs {
        match self {
            Self::Accumulators(args) => &mut args.form,
            Self::Bounds(args) => &mut args.form,
            Self::Cast(args) => &mut args.form,
            Self::Dequantize(args) => &mut args.form,
            Self::Digest(args) => &mut args.form,
            Self::Explain(args) => &mut args.form,
            Self::Formats(args) => &mut args.form,
            Self::Layer(args) => &mut args.form,
            Self::Matmul(args) => &mut args.form,
            Self::Quantize(args) => &mut args.form,
            #[cfg(feature = "networks")]
            Self::Graph(args) => &mut args.form,
            #[cfg(feature = "networks")]
            Self::Ptq(args) => &mut args.form,
            #[cfg(feature = "networks")]
            Self::Run(args) => &mut args.form,
            Self::Requantize(args) => &mut args.form,
            Self::Sweep(args) => &mut args.form,
            Self::Table(args) => &mut args.form,
            Self::Vectors(args) => &mut args.form,
            Self::Verify(args) => &mut args.form,
        }
    }
}

/// What arguments ask for.
pub(crate) enum Parsed {
    /// A job.
    Command(Box<Command>),
    /// The help or the version.
    Help(String),
    /// Nothing, which is answered with the help.
    Nothing(clap::Error),
}

/// Reads arguments, the name of the program first.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Parsed, CliError> {
    let mut grammar = Cli::command();
    let parsed = grammar.try_get_matches_from_mut(args).and_then(|matches| {
        let spellings = matches.subcommand().map(|(_, matches)| Spellings::of(matches));
        let mut command = Cli::from_arg_matches(&matches)?.command;
        command.form_mut().spellings = spellings.unwrap_or_default();
        Ok(command)
    });
    match parsed.map_err(|error| error.format(&mut grammar)) {
        Ok(command) => Ok(Parsed::Command(Box::new(command))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion if stdout().is_terminal() => {
                Ok(Parsed::Help(error.render().ansi().to_string()))
            }
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Parsed::Help(error.to_string()))
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Ok(Parsed::Nothing(error)),
            _ => Err(CliError::Arguments(first_paragraph(&error.to_string()))),
        },
    }
}

/// The first paragraph of clap's message as one line, without its `error: `.
fn first_paragraph(message: &str) -> String {
    let paragraph = message.split("\n\n").next().unwrap_or(message);
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").map(str::to_owned).unwrap_or(line)
}
