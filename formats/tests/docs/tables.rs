//! Formats: what they hold, what they are called elsewhere, where they are defined.

use fewbit_formats::{FloatFormat, Format, FormatRow, GroupFormat, NanCodes, Stack};

use crate::{code, codes, table};

/// A number as it is read most easily: in decimal, or as a multiple of a power of two.
pub(crate) fn number(x: f64) -> String {
    if x == 0.0 || x.is_nan() || x.is_infinite() {
        return x.to_string();
    }
    let decimal = x.to_string();
    if decimal.len() <= 10 && x.abs() >= 1.0 / 256.0 {
        return decimal;
    }
    // An odd number times a power of two; exact, as every step is.
    let (mut odd, mut exponent) = (x.abs(), 0);
    while odd.fract() != 0.0 {
        odd *= 2.0;
        exponent += 1;
    }
    let mut power = -exponent;
    while odd % 2.0 == 0.0 {
        odd /= 2.0;
        power += 1;
    }
    let sign = if x < 0.0 { "-" } else { "" };
    let digits = odd.log2().floor() as i32;
    if odd == 1.0 {
        format!("{sign}2^{power}")
    } else if odd > 1000.0 && odd + 1.0 == 2f64.powi(digits + 1) {
        format!("{sign}(2 - 2^-{digits}) * 2^{}", power + digits)
    } else {
        format!("{sign}{odd} * 2^{power}")
    }
}

fn rows<T>(pick: impl Fn(&'static FormatRow) -> Option<T>) -> Vec<T> {
    Format::table().iter().filter_map(pick).collect()
}

/// A code in hexadecimal, as wide as the format's.
fn hex(format: Format, code: u32) -> String {
    let digits = format.bits().div_ceil(4) as usize;
    format!("0x{code:0digits$x}")
}

/// The largest finite value with its code.
fn largest(format: Format, code: u32) -> String {
    format!("{} (`{}`)", number(format.decode(code)), hex(format, code))
}

fn infinity(format: Format, float: FloatFormat) -> String {
    float.infinity_magnitude().map_or("none".into(), |magnitude| code(hex(format, magnitude)))
}

fn nan(format: Format, float: FloatFormat) -> String {
    let (sign, all) = (float.sign_mask(), float.magnitude_mask());
    match float.nan_codes() {
        NanCodes::None => "none".into(),
        NanCodes::TopExponent => {
            let first = float.max_magnitude() + 2;
            if first == all {
                code(hex(format, all))
            } else {
                format!("`{}` to `{}`", hex(format, first), hex(format, all))
            }
        }
        NanCodes::TopMagnitude if sign == 0 => code(hex(format, all)),
        NanCodes::TopMagnitude => codes([hex(format, all), hex(format, sign | all)]),
        NanCodes::NegativeZero => code(hex(format, sign)),
    }
}

pub(crate) fn floats() -> String {
    let head = [
        "name",
        "bits",
        "s/e/m",
        "bias",
        "largest",
        "smallest normal",
        "smallest positive",
        "infinity",
        "NaN",
        "zeros",
        "description",
    ];
    table(
        head,
        rows(|row| {
            let (format, Format::Float(float)) = (row.format, row.format) else { return None };
            let zeros = match (float.has_zero(), float.has_negative_zero()) {
                (false, _) => "none",
                (true, false) => "0",
                (true, true) => "0, -0",
            };
            Some([
                code(row.name),
                format.bits().to_string(),
                format!(
                    "{}/{}/{}",
                    u32::from(float.is_signed()),
                    float.exponent_bits(),
                    float.fraction_bits()
                ),
                float.bias().to_string(),
                largest(format, float.max_magnitude()),
                format.smallest_normal().map_or("none".into(), number),
                number(format.smallest_positive()),
                infinity(format, float),
                nan(format, float),
                zeros.into(),
                row.description.into(),
            ])
        }),
    )
}

pub(crate) fn integers() -> String {
    let head = ["name", "bits", "unit", "smallest", "largest", "unused code", "description"];
    table(
        head,
        rows(|row| {
            let format = row.format;
            let unit = match format {
                Format::Int(_) | Format::Ternary => 1.0,
                Format::Fixed(_) => format.smallest_positive(),
                _ => return None,
            };
            let wide = format.bits() > 16;
            let unused = (0..if wide { 0 } else { 1 << format.bits() })
                .find(|&code| format.decode(code).is_nan())
                .map_or("none".into(), |unused| code(hex(format, unused)));
            Some([
                code(row.name),
                format.bits().to_string(),
                number(unit),
                number(format.min_finite()),
                number(format.max_finite()),
                unused,
                row.description.into(),
            ])
        }),
    )
}

pub(crate) fn others() -> String {
    let head = ["name", "bits", "largest", "smallest positive", "NaN (NaR)", "description"];
    table(
        head,
        rows(|row| {
            let format = row.format;
            let nar = match format {
                Format::Posit(_) | Format::Takum(_) => code(hex(format, 1 << (format.bits() - 1))),
                Format::HiF8 => code(hex(format, 0x80)),
                Format::Binary => "none".into(),
                _ => return None,
            };
            Some([
                code(row.name),
                format.bits().to_string(),
                number(format.max_finite()),
                number(format.smallest_positive()),
                nar,
                row.description.into(),
            ])
        }),
    )
}

pub(crate) fn names() -> String {
    const STACKS: [Stack; 9] = [
        Stack::Llvm,
        Stack::Ocp,
        Stack::MlDtypes,
        Stack::Torch,
        Stack::Gguf,
        Stack::Hls,
        Stack::Ieee,
        Stack::Ptx,
        Stack::Common,
    ];
    let head =
        ["fewbit", "LLVM", "OCP", "ml_dtypes", "PyTorch", "GGUF", "HLS", "IEEE", "PTX", "also"];
    table(
        head,
        rows(|row| {
            let of = |stack| {
                let named = row.aliases.iter().filter(move |alias| alias.stack == stack);
                codes(named.map(|alias| alias.name))
            };
            let [a, b, c, d, e, f, g, h, i] = STACKS.map(of);
            (!row.aliases.is_empty()).then(|| [code(row.name), a, b, c, d, e, f, g, h, i])
        }),
    )
}

pub(crate) fn sources() -> String {
    let mut sources: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in Format::table() {
        match sources.iter_mut().find(|(source, _)| *source == row.source) {
            Some((_, names)) => names.push(row.name),
            None => sources.push((row.source, vec![row.name])),
        }
    }
    sources.iter().map(|(source, names)| format!("- {source}: {}\n", codes(names))).collect()
}

#[test]
fn numbers_read_easily() {
    let pairs = [
        (448.0, "448"),
        (0.015625, "0.015625"),
        (2f64.powi(-9), "2^-9"),
        (-2f64.powi(-9), "-2^-9"),
        (2f64.powi(127), "2^127"),
        (f64::from(f32::MAX), "(2 - 2^-23) * 2^127"),
        (3.0 * 2f64.powi(-20), "3 * 2^-20"),
        (5.0 * 2f64.powi(-20), "5 * 2^-20"),
        (-128.0, "-128"),
        (0.0, "0"),
    ];
    for (value, text) in pairs {
        assert_eq!(number(value), text);
    }
}

pub(crate) fn groups() -> String {
    let rows = GroupFormat::table().iter().map(|row| {
        let group = row.format;
        let names: Vec<_> = row.aliases.iter().map(|alias| alias.name).collect();
        [
            code(row.name),
            code(group.element()),
            match group.coupled() {
                1 => code(group.scale()),
                groups => format!("{}, {groups} coupled", code(group.scale())),
            },
            group.size().to_string(),
            number(group.bits_per_element()),
            codes(&names),
            row.source.to_owned(),
        ]
    });
    table(["name", "element", "scale", "size", "bits per element", "other names", "source"], rows)
}
