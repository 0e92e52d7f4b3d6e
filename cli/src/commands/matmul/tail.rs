//! What becomes of an integer product behind its accumulator.

use fewbit::requantize::RequantizePolicy;
use fewbit::{Accumulator, Requantizer};
use fewbit_formats::IntFormat;
use ndarray::Array2;

use crate::error::CliError;
use crate::io::log::InputLog;
use crate::requantization::{self, Asked, Outputs, RequantizeReport, TailNumberArgs};

/// Arguments of the requantization behind a product.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Requantization of the product")]
pub(crate) struct TailArgs {
    /// Write the product as the next layer's integers, requantized by this policy, as `gemmlowp` or `tosa32`; `fewbit
    /// requantize --help` lists them. Channels are the columns of the product
    #[arg(long, value_name = "POLICY", requires_all = ["to", "out"])]
    requantize: Option<RequantizePolicy>,
    /// Integer format of the outputs, as int8, uint8, int16 or int32
    #[arg(
        long = "requantize-to",
        value_name = "FORMAT",
        requires = "requantize",
        value_parser = requantization::output_format
    )]
    to: Option<IntFormat>,
    #[command(flatten)]
    numbers: TailNumberArgs,
}

impl TailArgs {
    /// Refuses an accumulator whose values are no integers.
    ///
    /// # Errors
    /// A requantization behind floating-point stages.
    pub(super) fn check(&self, acc: &Accumulator) -> Result<(), CliError> {
        if self.requantize.is_none() || acc.is_integer() {
            return Ok(());
        }
        Err(CliError::Arguments(format!(
            "--requantize takes the integers of an integer accumulator, and `{acc}` has floating-point stages: expected \
             one such as int32-wrap, or `fewbit cast --to` for what --out writes"
        )))
    }

    /// Refuses operands that are no integers.
    ///
    /// # Errors
    /// A requantization of their product.
    pub(super) fn refuse_reals(&self) -> Result<(), CliError> {
        match self.requantize {
            None => Ok(()),
            Some(_) => Err(CliError::Arguments(
                "--requantize takes the products of integers: expected integer arrays, or integer formats of --a and --b, \
                 without block scales"
                    .into(),
            )),
        }
    }

    /// The requantization of a product of so many columns, where there is one.
    ///
    /// # Errors
    /// Numbers that the policy does not take.
    pub(super) fn requantizer(
        &self,
        columns: usize,
        seed: u64,
        log: &InputLog,
    ) -> Result<Option<Requantizer>, CliError> {
        let (Some(policy), Some(to)) = (self.requantize, self.to) else { return Ok(None) };
        let asked = Asked { policy, to, numbers: self.numbers.clone().into(), seed };
        Ok(Some(Requantizer::new(asked.job(columns, log)?)))
    }
}

/// Requantizes a product.
///
/// # Errors
/// A value that is refused.
pub(super) fn requantized(
    by: &Requantizer,
    product: &Array2<i64>,
) -> Result<(Outputs, RequantizeReport), CliError> {
    let (rows, columns) = product.dim();
    let shape = [rows, columns];
    let values: Vec<i64> = product.iter().copied().collect();
    let outputs = requantization::run(by, &shape, &values).map_err(|error| {
        let reason = requantization::place_of(&error, &shape);
        CliError::Arguments(format!("the product with --requantize: {reason}"))
    })?;
    let report = RequantizeReport::new(by, &outputs);
    Ok((outputs, report))
}
