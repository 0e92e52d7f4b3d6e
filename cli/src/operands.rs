//! The two matrices of a product, as files and formats say what they are.

use std::path::{Path, PathBuf};

use clap::Args;
use fewbit::Accumulator;
use fewbit::accumulate::Register;
use fewbit::accumulate::datapath::BlockScales;
use fewbit::reference::{FloatError, Operand, Scales};
use fewbit_formats::{Format, Rounding};
use ndarray::Array2;

use crate::error::CliError;
use crate::io::npy::{self, Npy, Values};
use crate::spelling;

/// Files, their formats, and where the register starts.
#[derive(Clone, Debug, Args)]
pub(crate) struct OperandArgs {
    /// Left matrix [M, K]: codes of its format (unsigned integers) or values that the format has
    #[arg(value_name = "A.npy")]
    a: PathBuf,
    /// Right matrix [K, N], likewise
    #[arg(value_name = "B.npy")]
    b: PathBuf,
    /// Format of A, as `e4m3fn` [default: that of the array: int8, uint8, f16, f32 ...]
    #[arg(long = "a", value_name = "FORMAT", value_parser = spelling::format)]
    a_format: Option<Format>,
    /// Format of B, likewise
    #[arg(long = "b", value_name = "FORMAT", value_parser = spelling::format)]
    b_format: Option<Format>,
    /// Round values that their format does not have, instead of refusing them: ties-even, toward-zero ...; beyond the
    /// largest value they saturate
    #[arg(long, value_name = "MODE")]
    round: Option<Rounding>,
    /// Block scales of A, [M, K / block]: codes of --scale-format (unsigned integers) or its values
    #[arg(long, value_name = "S.npy", requires = "b_scales")]
    a_scales: Option<PathBuf>,
    /// Block scales of B, [K / block, N], likewise
    #[arg(long, value_name = "S.npy", requires = "a_scales")]
    b_scales: Option<PathBuf>,
    /// Format of the block scales [default: the preset's, else e8m0fnu]
    #[arg(long, value_name = "FORMAT", requires = "a_scales", value_parser = spelling::format)]
    scale_format: Option<Format>,
    /// Elements along K that share a scale [default: the preset's, else 32]
    #[arg(long, value_name = "N", requires = "a_scales")]
    block: Option<usize>,
    /// What the last register starts from, [M, N], instead of 0: a bias in the accumulator
    #[arg(long, visible_alias = "bias", value_name = "C.npy")]
    init: Option<PathBuf>,
    /// Seed of stochastic rounding, of operands and of registers
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) seed: u64,
}

/// The matrices of a product.
#[expect(clippy::large_enum_variant, reason = "there is one for a whole run of the program")]
pub(crate) enum Operands {
    /// Integers through integer stages.
    Integer {
        /// `[M, K]`
        a: Array2<i64>,
        /// `[K, N]`
        b: Array2<i64>,
        /// `[M, N]`
        init: Option<Array2<i64>>,
    },
    /// Any numbers through any stages.
    Real {
        /// `[M, K]`
        a: Operand,
        /// `[K, N]`
        b: Operand,
        /// `[M, N]`
        init: Option<Array2<f64>>,
    },
}

/// One matrix and what is said about it.
struct File<'a> {
    path: &'a Path,
    npy: Npy,
    format: Option<Format>,
    flag: &'static str,
}

impl OperandArgs {
    /// Reads the files; what they hold depends on their formats and on the accumulator.
    pub(crate) fn read(&self, acc: &Accumulator) -> Result<Operands, CliError> {
        let a = File::read(&self.a, self.a_format, "--a")?;
        let b = File::read(&self.b, self.b_format, "--b")?;
        if self.round.is_some() && !a.can_be_rounded() && !b.can_be_rounded() {
            return Err(CliError::Arguments(
                "--round has nothing to round: it is for values (not codes) of an operand whose format --a or --b names"
                    .into(),
            ));
        }
        if acc.is_integer() && self.a_scales.is_none() && a.is_integer() && b.is_integer() {
            let (a, b) = (a.integers(self)?, b.integers(self)?);
            let init = self.init.as_deref().map(|p| npy::read(p)?.into_int64_matrix());
            return Ok(Operands::Integer { a, b, init: init.transpose()? });
        }
        let (a, b) = (a.operand(self)?, b.operand(self)?);
        let (a, b) = match (&self.a_scales, &self.b_scales) {
            (Some(left), Some(right)) => {
                let blocks = self.blocks(acc);
                (a.with_scales(scales(left, blocks)?), b.with_scales(scales(right, blocks)?))
            }
            _ => (a, b),
        };
        let init = self.init.as_deref().map(|p| npy::read(p)?.real_matrix()).transpose()?;
        Ok(Operands::Real { a, b, init })
    }

    fn blocks(&self, acc: &Accumulator) -> (Format, usize) {
        let preset = acc.stages().first().and_then(|stage| match stage.register {
            Register::Datapath(datapath) => datapath.scales,
            _ => None,
        });
        let BlockScales { format, block } =
            preset.unwrap_or(BlockScales { format: Format::E8M0FNU, block: 32 });
        (self.scale_format.unwrap_or(format), self.block.unwrap_or(block as usize))
    }
}

fn scales(path: &Path, (format, block): (Format, usize)) -> Result<Scales, CliError> {
    let file = File::read(path, Some(format), "--scale-format")?;
    let operand = file.numbers(None, 0)?;
    Ok(Scales { format, block, values: operand.values().to_owned() })
}

impl<'a> File<'a> {
    fn read(path: &'a Path, format: Option<Format>, flag: &'static str) -> Result<Self, CliError> {
        Ok(Self { path, npy: npy::read(path)?, format, flag })
    }

    /// Whether these are integers: by their format, or else to be refused as such.
    fn is_integer(&self) -> bool {
        matches!(self.format, None | Some(Format::Int(_) | Format::Binary | Format::Ternary))
    }

    /// Whether its numbers may be other than those of its format: values, and a format that an argument names.
    fn can_be_rounded(&self) -> bool {
        let codes = matches!(self.npy.values, Values::U8(_) | Values::U16(_) | Values::U32(_));
        self.format.is_some() && !codes
    }

    /// The integers.
    fn integers(self, args: &OperandArgs) -> Result<Array2<i64>, CliError> {
        if self.format.is_none() {
            return self.npy.into_integer_matrix();
        }
        let operand = self.operand(args)?;
        Ok(operand.values().mapv(|x| x as i64))
    }

    /// The numbers in their format.
    fn operand(&self, args: &OperandArgs) -> Result<Operand, CliError> {
        self.numbers(args.round, args.seed)
    }

    fn numbers(&self, round: Option<Rounding>, seed: u64) -> Result<Operand, CliError> {
        let format = match self.format {
            Some(format) => format,
            None => self.own_format()?,
        };
        // Without a format an array is what it says; with one, unsigned integers are codes.
        let codes = if self.format.is_some() { self.npy.code_matrix()? } else { None };
        let operand = match (codes, round) {
            (Some(codes), _) => Operand::from_codes(codes.view(), format),
            (None, Some(round)) => {
                Operand::rounded(self.npy.real_matrix()?.view(), format, round, seed)
            }
            (None, None) => Operand::from_values(self.npy.real_matrix()?.view(), format),
        };
        operand.map_err(|error| {
            let remedy = match error {
                FloatError::NotRepresentable { .. } if round.is_none() => {
                    "; --round MODE rounds it"
                }
                _ => "",
            };
            CliError::Array { path: self.path.to_owned(), reason: format!("{error}{remedy}") }
        })
    }

    /// The format of the array's own type.
    fn own_format(&self) -> Result<Format, CliError> {
        Ok(match self.npy.values {
            Values::I8(_) => Format::INT8,
            Values::U8(_) => Format::UINT8,
            Values::F16(_) => Format::F16,
            Values::F32(_) => Format::F32,
            Values::I16(_) | Values::I32(_) | Values::U16(_) | Values::U32(_) => {
                let name = self.npy.dtype();
                name.parse().map_err(|_| self.unnamed())?
            }
            Values::I64(_) | Values::U64(_) | Values::F64(_) => return Err(self.unnamed()),
        })
    }

    fn unnamed(&self) -> CliError {
        let (dtype, flag) = (self.npy.dtype(), self.flag);
        self.npy.wrong(format!("holds {dtype}; {flag} FORMAT says which format its numbers have"))
    }
}
