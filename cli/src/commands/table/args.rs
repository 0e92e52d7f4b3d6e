//! Arguments of `fewbit table`.

use std::path::PathBuf;

use fewbit::functions::table::{ScaledFormat, TablePreset};

use crate::io::names::Kind;
use crate::options::FormArgs;

const EXAMPLES: &str = "\
Examples:
  fewbit table sigmoid --preset tflite-int8 --in int8*0.0625 --out-format int8*0.00390625@-128
                                   TFLite's 256 entries, computed in float32
  fewbit table tanh --preset tflite-int16 --in int16*0.000244140625 --out-format int16*0.000030517578125 --svg T.svg
                                   its 513 entries with lines between them, and their picture
  fewbit table sigmoid --preset hls4ml --in fix16.10 --out-format fix18.10 --hex T.hex
                                   hls4ml's table_size of 1024 and table_t of ap_fixed<18,8>, for $readmemh
  fewbit table exp --preset hls4ml-softmax --in fix18.10 --out-format fix18.10 --size 1024 --header T.h
  fewbit table gelu --preset direct --in e4m3fn --out-format e4m3fn --out T.npy
  fewbit table gelu,in=int12*0.01,out=int8*0.05,address=slice11:4,round=ties-even,outside=clamp
                                   the upper 8 of 12 bits, rounded
  fewbit table tanh --preset tflite-int8 --in int8*0.05 --out-format int8*0.0078125 --apply X.npy Y.npy

A table is one line, a function and its parts, which the report prints; those in brackets need not be given:
  FUNCTION,in=F[*SCALE][@ZERO],out=F[*SCALE][@ZERO][,address=A][,round=MODE][,outside=clamp|wrap|refuse]
  [,between=none|linearBITS][,fill=points|tflite-midpoint][,by=f64|tflite|hls4ml][,out-round=MODE]
  [,out-overflow=POLICY][,nan=POLICY][,order=ascending|code]
  address=sliceHIGH:LOW            bits of the code; with linear7 the lowest 7 of them are the way to the next entry
  address=stepN:FIRST:SIZE         N entries per unit of the input's value; index 0 is the step FIRST
Functions: sigmoid, tanh, exp, exp-negated, gelu, gelu-tanh, silu, softplus, softsign, elu, selu, erf, sqrt, rsqrt, reciprocal,
  reciprocal-of-next (1 / (1 + x)), log, identity";

/// Arguments of `fewbit table`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A whole table, as tanh,in=int8*0.0625,out=int8*0.0078125; with --preset, a function
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    /// The table of a stack: direct, tflite-int8, tflite-int16, hls4ml, hls4ml-softmax
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<TablePreset>,
    /// Input of a preset, as int8*0.0625@-3: format, scale, zero point
    #[arg(long = "in", value_name = "FORMAT")]
    pub(crate) input: Option<ScaledFormat>,
    /// Entries of a preset, likewise
    #[arg(long = "out-format", value_name = "FORMAT")]
    pub(crate) output: Option<ScaledFormat>,
    /// Number of entries of an hls4ml preset [default: 1024]
    #[arg(long, value_name = "N")]
    pub(crate) size: Option<u32>,
    /// Write the entries: integers of an integer format, else codes as unsigned integers
    #[arg(long, value_name = "T.npy", value_parser = Kind::Npy.output())]
    pub(crate) out: Option<PathBuf>,
    /// Write the numbers that the entries stand for, as float64, to --out
    #[arg(long)]
    pub(crate) values: bool,
    /// Write the codes for $readmemh, one a line
    #[arg(long, value_name = "T.hex", value_parser = Kind::Hex.output())]
    pub(crate) hex: Option<PathBuf>,
    /// Bits of a line of --hex; negative codes are sign-extended [default: those of the format]
    #[arg(long, value_name = "BITS", requires = "hex", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) word: Option<u32>,
    /// Write the entries as a C array
    #[arg(long, value_name = "T.h", value_parser = Kind::Header.output())]
    pub(crate) header: Option<PathBuf>,
    /// Draw the function, the table and their distance
    #[arg(long, value_name = "T.svg", value_parser = Kind::Svg.output())]
    pub(crate) svg: Option<PathBuf>,
    /// Look up every element of an array (integers of an integer format, else codes) and write the results likewise
    #[arg(long, num_args = 2, value_names = ["X.npy", "Y.npy"])]
    pub(crate) apply: Vec<PathBuf>,
    /// Entries that the text shows, spread evenly; 0 shows none
    #[arg(long, value_name = "N", default_value = "9")]
    pub(crate) rows: usize,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

impl Args {
    /// A flag that is given and belongs to presets.
    pub(super) fn of_preset(&self) -> Option<&'static str> {
        let given = [
            (self.input.is_some(), "--in"),
            (self.output.is_some(), "--out-format"),
            (self.size.is_some(), "--size"),
        ];
        given.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }
}
