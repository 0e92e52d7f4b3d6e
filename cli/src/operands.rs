//! The two matrices of a product, as files and formats say what they are.

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use fewbit::Accumulator;
use fewbit::accumulate::Register;
use fewbit::accumulate::datapath::BlockScales;
use fewbit::reference::{FloatError, FloatOperand, ReferenceError, Scales};
use fewbit::{FloatMatmulError, MatmulError};
use fewbit_formats::{Format, Rounding};
use ndarray::Array2;

use crate::error::CliError;
use crate::io::log::InputLog;
use crate::io::npy::{Npy, Opened, Values};
use crate::memory;
use crate::spelling;

/// What an output takes while a product is computed, told and written: its value, its copies, its bytes.
const BYTES_PER_OUTPUT: u128 = 32;

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
        a: FloatOperand,
        /// `[K, N]`
        b: FloatOperand,
        /// `[M, N]`
        init: Option<Array2<f64>>,
    },
}

/// How much of a product is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All outputs.
    Whole,
    /// One output: a row of A, a column of B.
    Output {
        /// Its row.
        row: usize,
        /// Its column.
        col: usize,
    },
}

/// The operands of a product or of a part of it.
pub(crate) struct Read {
    /// Those of the part: of one output `[1, K]` and `[K, 1]`.
    pub(crate) operands: Operands,
    /// Columns of the whole product.
    pub(crate) columns: usize,
}

/// One matrix, or a block of it, and what is said about it.
struct File<'a> {
    path: &'a Path,
    npy: Npy,
    format: Option<Format>,
    flag: &'static str,
    /// Where the block begins.
    origin: (usize, usize),
    /// Columns of the whole matrix.
    columns: usize,
}

impl OperandArgs {
    /// Reads what a part of the product needs; what the files hold depends on their formats and on the accumulator.
    ///
    /// # Errors
    /// Files and shapes that do not fit; an output that the product does not have; what memory cannot hold.
    pub(crate) fn read(
        &self,
        acc: &Accumulator,
        part: Part,
        log: &InputLog,
    ) -> Result<Read, CliError> {
        let (a, b) = (Opened::new(&self.a, log)?, Opened::new(&self.b, log)?);
        let ((m, ka), (kb, n)) = (a.matrix_shape()?, b.matrix_shape()?);
        let k = ka;
        if part == Part::Whole {
            let what = format!("the {m}x{n} outputs of {m}x{k} times {k}x{n}");
            let bytes = (m as u128).saturating_mul(n as u128).saturating_mul(BYTES_PER_OUTPUT);
            memory::check(bytes, &what, "multiply fewer rows of A or columns of B at a time")?;
        }
        let (rows, cols) = match part {
            Part::Whole => (0..m, 0..n),
            Part::Output { row, col } if row < m && col < n => (row..row + 1, col..col + 1),
            Part::Output { row, col } => return Err(CliError::Output { row, col, m, n }),
        };
        let a = File::block(&self.a, a, self.a_format, "--a", (rows.clone(), 0..k))?;
        let b = File::block(&self.b, b, self.b_format, "--b", (0..kb, cols.clone()))?;
        let init = match &self.init {
            None => None,
            Some(path) => {
                let init = Opened::new(path, log)?;
                let found = init.matrix_shape()?;
                if found != (m, n) {
                    let (rows, cols) = found;
                    return Err(ReferenceError::InitShape { rows, cols, m, n }.into());
                }
                Some(File::block(path, init, None, "--init", (rows.clone(), cols.clone()))?.npy)
            }
        };
        if self.round.is_some() && !a.can_be_rounded() && !b.can_be_rounded() {
            return Err(CliError::Arguments(
                "--round has nothing to round: it is for values (not codes) of an operand whose format --a or --b names"
                    .into(),
            ));
        }
        if ka != kb {
            return Err(MatmulError::Shape { m, ka, kb, n }.into());
        }
        if acc.is_integer() && self.a_scales.is_none() && a.is_integer() && b.is_integer() {
            let (a, b) = (a.integers(self)?, b.integers(self)?);
            let init = init.map(Npy::into_int64_matrix).transpose()?;
            return Ok(Read { operands: Operands::Integer { a, b, init }, columns: n });
        }
        let (a, b) = (a.operand(self)?, b.operand(self)?);
        let (a, b) = match (&self.a_scales, &self.b_scales) {
            (Some(left), Some(right)) => {
                let blocks = self.blocks(acc);
                let left =
                    scales((left, Opened::new(left, log)?), blocks, (m, k), (Outputs::Rows, rows))?;
                let right = scales(
                    (right, Opened::new(right, log)?),
                    blocks,
                    (n, k),
                    (Outputs::Columns, cols),
                )?;
                (a.with_scales(left), b.with_scales(right))
            }
            _ => (a, b),
        };
        let init = init.map(|init| init.real_matrix()).transpose()?;
        Ok(Read { operands: Operands::Real { a, b, init }, columns: n })
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

/// Which index of scales counts outputs; the other counts blocks along k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outputs {
    Rows,
    Columns,
}

/// The scales of the outputs `of`, of an operand that has `outputs` of `k` elements each.
fn scales(
    (path, opened): (&Path, Opened),
    (format, block): (Format, usize),
    (outputs, k): (usize, usize),
    (index, of): (Outputs, Range<usize>),
) -> Result<Scales, CliError> {
    let shape = opened.matrix_shape()?;
    let (rows, cols) = match index {
        Outputs::Rows => shape,
        Outputs::Columns => (shape.1, shape.0),
    };
    let expected =
        k.checked_div(block).map_or(0, |whole| whole + usize::from(!k.is_multiple_of(block)));
    if block == 0 || (rows, cols) != (outputs, expected) {
        let error = FloatError::Scales { rows, cols, m: outputs, k, block, expected };
        return Err(FloatMatmulError::from(error).into());
    }
    let place = match index {
        Outputs::Rows => (of, 0..expected),
        Outputs::Columns => (0..expected, of),
    };
    let file = File::block(path, opened, Some(format), "--scale-format", place)?;
    let operand = file.numbers(None, 0)?;
    Ok(Scales { format, block, values: operand.values().to_owned() })
}

impl<'a> File<'a> {
    fn block(
        path: &'a Path,
        opened: Opened,
        format: Option<Format>,
        flag: &'static str,
        (rows, cols): (Range<usize>, Range<usize>),
    ) -> Result<Self, CliError> {
        let (origin, (_, columns)) = ((rows.start, cols.start), opened.matrix_shape()?);
        Ok(Self { path, npy: opened.block(rows, cols)?, format, flag, origin, columns })
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
    fn operand(&self, args: &OperandArgs) -> Result<FloatOperand, CliError> {
        self.numbers(args.round, args.seed)
    }

    fn numbers(&self, round: Option<Rounding>, seed: u64) -> Result<FloatOperand, CliError> {
        let format = match self.format {
            Some(format) => format,
            None => self.own_format()?,
        };
        // Without a format an array is what it says; with one, unsigned integers are codes.
        let codes = if self.format.is_some() { self.npy.code_matrix()? } else { None };
        let operand = match (codes, round) {
            (Some(codes), _) => FloatOperand::from_codes(codes.view(), format),
            (None, Some(round)) => {
                let place = |row, col| self.place(row, col);
                FloatOperand::rounded_at(self.npy.real_matrix()?.view(), format, round, seed, place)
            }
            (None, None) => FloatOperand::from_values(self.npy.real_matrix()?.view(), format),
        };
        operand.map_err(|mut error| {
            if let FloatError::NotRepresentable { row, col, .. }
            | FloatError::Code { row, col, .. } = &mut error
            {
                (*row, *col) = (*row + self.origin.0, *col + self.origin.1);
            }
            let remedy = match error {
                FloatError::NotRepresentable { .. } if round.is_none() => {
                    "; --round MODE rounds it"
                }
                _ => "",
            };
            CliError::Array { path: self.path.to_owned(), reason: format!("{error}{remedy}") }
        })
    }

    /// The row-major index in the whole matrix.
    fn place(&self, row: usize, col: usize) -> u64 {
        ((self.origin.0 + row) * self.columns + self.origin.1 + col) as u64
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
