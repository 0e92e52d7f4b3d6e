//! The job that arguments ask for.

use fewbit::vectors::{
    ProductJob, ProductOperand, ProductShape, QuantizeJob, QuantizeTarget, RequantizeJob,
    ScalarJob, VectorJob, VectorOp,
};
use fewbit_formats::{Format, IntFormat};

use super::args::Args;
use super::given::Given;
use crate::error::CliError;
use crate::quantized::Target;
use crate::requantization::Asked;

/// The job, of given operands or of those that are drawn.
///
/// # Errors
/// Formats or numbers that are missing or do not fit.
pub(super) fn job(args: &Args, given: Option<&Given>) -> Result<VectorJob, CliError> {
    match args.op() {
        VectorOp::Quantize => quantize(args).map(VectorJob::Quantize),
        VectorOp::Requantize => requantize(args).map(VectorJob::Requantize),
        VectorOp::Dot | VectorOp::Matmul => product(args, given).map(VectorJob::Product),
        op => scalar(args, op).map(VectorJob::Scalar),
    }
}

fn scalar(args: &Args, op: VectorOp) -> Result<ScalarJob, CliError> {
    args.policy.refuse_quantizer("`fewbit vectors`")?;
    let operands = [("--a", args.a), ("--b", args.b), ("--c", args.c)];
    let operands = operands.iter().take(op.arity().unwrap_or(1));
    let operands = operands.map(|&(flag, format)| number(flag, format.or(args.format)));
    let operands: Vec<Format> = operands.collect::<Result<_, _>>()?;
    let to = match (op, args.out_format) {
        (VectorOp::Cast, to) => number("--out-format", to)?,
        (_, Some(to)) => number("--out-format", Some(to))?,
        (_, None) => match args.format {
            Some(format) => number("--format", Some(format))?,
            None if operands.windows(2).all(|pair| pair[0] == pair[1]) => operands[0],
            None => {
                return Err(CliError::Arguments(
                    "operands of several formats: --out-format FORMAT says which one the result has"
                        .into(),
                ));
            }
        },
    };
    let (policy, _) = args.policy.policy(to);
    Ok(ScalarJob::new(op, &operands, to, policy)?)
}

/// A scalar format.
fn number(flag: &str, format: Option<Target>) -> Result<Format, CliError> {
    match format {
        Some(Target::Tensor(format)) => Ok(format),
        Some(other) => Err(CliError::Arguments(format!(
            "{other} is no scalar format, which {flag} takes here: expected one such as e4m3fn or int8"
        ))),
        None => Err(CliError::Arguments(format!(
            "a format is missing: {flag} FORMAT, or --format FORMAT for all operands"
        ))),
    }
}

fn quantize(args: &Args) -> Result<QuantizeJob, CliError> {
    args.policy.refuse_quantizer("`fewbit vectors`")?;
    let from = args.format.map_or(Ok(Format::F32), |format| number("--format", Some(format)))?;
    let target = match args.out_format {
        Some(Target::Groups(format)) => {
            args.scales.check(&format)?;
            let (policy, _) = args.scales.policy(&args.policy, &format);
            QuantizeTarget::Groups { format, policy }
        }
        to => {
            let format = number("--out-format", to)?;
            let (policy, _) = args.policy.policy(format);
            let scale = args.quantize_scale.unwrap_or(1.0);
            let zero_point = args.quantize_zero_point.unwrap_or(0.0);
            if zero_point != 0.0 && !matches!(format, Format::Int(_)) {
                return Err(CliError::Arguments(format!(
                    "--quantize-zero-point has no meaning for {format}: integers have zero points"
                )));
            }
            QuantizeTarget::Scaled { format, scale, zero_point, policy }
        }
    };
    Ok(QuantizeJob::new(from, target)?)
}

fn requantize(args: &Args) -> Result<RequantizeJob, CliError> {
    let policy = args.requantization.requantize.ok_or_else(|| {
        CliError::Arguments("--requantize POLICY says which rule, as gemmlowp or tosa32".into())
    })?;
    let from = args.format.map_or_else(
        || "int32".parse().ok(),
        |format| match format {
            Target::Tensor(format) => Some(format),
            _ => None,
        },
    );
    let from = integer("--format", from)?;
    let to = match args.out_format {
        Some(Target::Tensor(format)) => Some(format),
        _ => None,
    };
    let to = integer("--out-format", to)?;
    let numbers = args.requantization.numbers.clone().into();
    let asked = Asked { policy, to, numbers, seed: 0 };
    let channels = args.requantization.channels.unwrap_or(1);
    if channels == 0 {
        return Err(CliError::Arguments("--channels is 0: expected at least 1".into()));
    }
    let by = asked.job(channels, &args.form.inputs)?;
    if by.channels().unwrap_or(1) != channels {
        return Err(CliError::Arguments(format!(
            "--channels {channels} has no effect: every number is for all channels"
        )));
    }
    Ok(RequantizeJob { from, by })
}

fn integer(flag: &str, format: Option<Format>) -> Result<IntFormat, CliError> {
    match format {
        Some(Format::Int(format)) => Ok(format),
        _ => Err(CliError::Arguments(format!(
            "{flag} of a requantization is an integer format, as int8, uint8, int16 or int32"
        ))),
    }
}

fn product(args: &Args, given: Option<&Given>) -> Result<ProductJob, CliError> {
    let op = args.op();
    let acc = args.acc.clone().ok_or_else(|| {
        CliError::Arguments(format!("--acc SPEC says which accumulator {op} runs through"))
    })?;
    let (operands, shape) = match given {
        Some(given) => (given.formats.map(ProductOperand::from), given.shape),
        None => {
            let one = |extent: Option<usize>| {
                if op == VectorOp::Dot { 1 } else { extent.unwrap_or(4) }
            };
            let shape = ProductShape { m: one(args.m), k: args.k.unwrap_or(64), n: one(args.n) };
            let [a, b] = [("--a", args.a), ("--b", args.b)]
                .map(|(flag, format)| operand(flag, format.or(args.format)));
            ([a?, b?], shape)
        }
    };
    Ok(ProductJob::new(op, acc, operands, shape)?)
}

fn operand(flag: &str, format: Option<Target>) -> Result<ProductOperand, CliError> {
    match format {
        Some(Target::Groups(groups)) => Ok(ProductOperand::of_groups(&groups)?),
        other => number(flag, other).map(Into::into),
    }
}
