//! Rounding modes and the axes of the policies.

use fewbit_formats::{
    BlockMaximum, ExponentRule, InfiniteBlock, InfinityPolicy, NanBlock, NanPayload, NanPolicy,
    NanSign, Overflow, Rounding, ScaleArithmetic, SubnormalInput, SubnormalOutput, ZeroBlock,
    ZeroSign,
};

use crate::{code, codes, table};

/// When a magnitude is rounded away from zero: `nu` is the part of the way from the code toward zero to the next one.
fn definition(mode: Rounding) -> &'static str {
    match mode {
        Rounding::TiesEven => "nu > 1/2, or nu = 1/2 and the code toward zero is odd",
        Rounding::TiesOdd => "nu > 1/2, or nu = 1/2 and the code toward zero is even",
        Rounding::TiesAway => "nu >= 1/2",
        Rounding::TiesZero => "nu > 1/2",
        Rounding::TiesUp => "nu > 1/2, or nu = 1/2 and x > 0",
        Rounding::TiesDown => "nu > 1/2, or nu = 1/2 and x < 0",
        Rounding::TiesDpu => "nu > 1/2, or nu = 1/2, x > 0 and the code toward zero is odd",
        Rounding::TowardZero => "never",
        Rounding::Up => "nu > 0 and x > 0",
        Rounding::Down => "nu > 0 and x < 0",
        Rounding::Away => "nu > 0",
        Rounding::Odd => "nu > 0 and the code toward zero is even",
        Rounding::Stochastic { .. } => "floor(nu 2^n) + R >= 2^n",
        Rounding::StochasticMiddle { .. } => "floor(nu 2^(n+1)) + 2R + 1 >= 2^(n+1)",
        Rounding::StochasticNearest { .. } => "nearest(nu 2^n) + R >= 2^n, ties to even",
        Rounding::StochasticOdd { .. } => "nearest(nu 2^n) + R >= 2^n, ties to odd",
    }
}

pub(crate) fn roundings() -> String {
    let plain = Rounding::NAMES
        .iter()
        .map(|&(mode, names)| [code(mode), codes(&names[1..]), definition(mode).to_owned()]);
    let bits = 8;
    let stochastic = [
        Rounding::Stochastic { bits },
        Rounding::StochasticMiddle { bits },
        Rounding::StochasticNearest { bits },
        Rounding::StochasticOdd { bits },
    ];
    let with_n = |name: String| code(name.replace('8', "<n>"));
    let stochastic = stochastic.into_iter().map(|mode| {
        let (long, short) = (mode.to_string(), mode.alias().to_string());
        [with_n(long), with_n(short), definition(mode).to_owned()]
    });
    table(["mode", "other names", "away from zero if"], plain.chain(stochastic))
}

/// The rows of one axis.
macro_rules! axis {
    ($title:literal, $axis:ty) => {{
        let rows = <$axis>::ALL.iter().map(|&value| {
            [code(value.name()), codes(value.aliases()), value.description().to_owned()]
        });
        format!("### {}\n\n{}\n", $title, table(["value", "other names", "meaning"], rows))
    }};
}

pub(crate) fn axes() -> String {
    [
        axis!("Overflow", Overflow),
        axis!("NaN where the format has none", NanPolicy),
        axis!("The sign of NaN", NanSign),
        axis!("The fraction of NaN", NanPayload),
        axis!("Infinity given", InfinityPolicy),
        axis!("The sign of zero", ZeroSign),
        axis!("Subnormal input", SubnormalInput),
        axis!("Subnormal result", SubnormalOutput),
    ]
    .concat()
}

pub(crate) fn scale_axes() -> String {
    [
        axis!("Scale rule", ExponentRule),
        axis!("Scale arithmetic", ScaleArithmetic),
        axis!("Block maximum", BlockMaximum),
        axis!("Block of zeros", ZeroBlock),
        axis!("Block with NaN", NanBlock),
        axis!("Block with infinity", InfiniteBlock),
    ]
    .concat()
}
