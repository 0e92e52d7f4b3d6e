//! What hardware does with a table: address, entry, line.

use std::ops::RangeInclusive;

use fewbit_formats::Format;

use super::super::dyadic::Dyadic;
use crate::functions::table::{Interpolation, LookUpError, Outside, Table, TableAddress};

/// The place of an input in a table: an index, and how far it is on the way to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TablePlace {
    /// The entry.
    pub index: usize,
    /// In units of 2^-fraction_bits of the way to the next entry; 0 without lines.
    pub offset: u32,
}

/// The place of a code.
///
/// ```text
/// slice:  t = round(a / 2^low)             a the code's integer
/// step:   t = round(x per_unit 2^f)        x the code's number, the product exact
/// within the table's range of t, or by its range policy; index = floor((t - least t) / 2^f), offset the rest
/// ```
///
/// # Errors
/// An input beyond a table that refuses such; NaN in a table addressed by values, and infinity in one that wraps.
///
/// ```
/// use fewbit::functions::table::Table;
/// use fewbit::reference::functions::{TablePlace, place};
/// let table = Table::new("tanh,in=int16*0.001,out=int16*0.001,address=slice15:0,between=linear7".parse()?)?;
/// assert_eq!(place(&table, 0x0083)?, TablePlace { index: 257, offset: 3 }); // 131 = 128 + 3
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn place(table: &Table, code: u32) -> Result<TablePlace, LookUpError> {
    let spec = table.spec();
    let fraction_bits = spec.interpolation().fraction_bits();
    let count = (spec.address_count() as i128) << fraction_bits;
    let least = i128::from(spec.least_step());
    let range = least..=least + count - 1;
    let within = match step(table, code, &range)? {
        step if range.contains(&step) => step,
        step => match spec.outside() {
            Outside::Clamp => step.clamp(*range.start(), *range.end()),
            Outside::Wrap => least + (step - least).rem_euclid(count),
            _ => return Err(outside(table, code)),
        },
    };
    let from_first = within - least;
    // Both are below 2^36.
    let index = (from_first >> fraction_bits) as usize;
    Ok(TablePlace { index, offset: (from_first & ((1 << fraction_bits) - 1)) as u32 })
}

/// The rounded address, before its range; infinity is the end of its side, where the policy has one.
fn step(table: &Table, code: u32, range: &RangeInclusive<i128>) -> Result<i128, LookUpError> {
    let spec = table.spec();
    let (exact, position) = match spec.address() {
        TableAddress::Slice { low, .. } => {
            let unsigned = || i64::from(code) & ((1 << spec.input().format().bits()) - 1);
            let integer = spec.input().integer(code).unwrap_or_else(unsigned);
            (Dyadic::new(integer.into(), 0), low as i32)
        }
        TableAddress::Step { per_unit, .. } => {
            let x = spec.input().decode(code);
            let (Some(x), Some(per_unit)) = (Dyadic::from_f64(x), Dyadic::from_f64(per_unit))
            else {
                return match spec.outside() {
                    Outside::Clamp if x == f64::INFINITY => Ok(*range.end()),
                    Outside::Clamp if x == f64::NEG_INFINITY => Ok(*range.start()),
                    _ => Err(LookUpError::NotANumber(x)),
                };
            };
            (&x * &per_unit, -(spec.interpolation().fraction_bits() as i32))
        }
    };
    let (rounded, _) = exact.cut(position, spec.rounding(), 0);
    let step = &rounded * &Dyadic::new(1, -position);
    // Beyond 127 bits it is beyond every table, and its low bits are 0.
    let beyond = match (step.is_negative(), spec.outside()) {
        (_, Outside::Wrap) => 0,
        (true, _) => *range.start() - 1,
        (false, _) => *range.end() + 1,
    };
    Ok(step.to_i128().unwrap_or(beyond))
}

fn outside(table: &Table, code: u32) -> LookUpError {
    let last = table.spec().address_count() - 1;
    let (least, most) = (table.sample(0), table.sample(last));
    LookUpError::Outside { input: table.spec().input().decode(code), least, most }
}

/// The code that a table gives for a code.
///
/// Without lines the entry of [`place`]; with them, for entries `b` and `e` as integers, an offset `o` of `f` bits:
///
/// ```text
/// b + floor(((e - b) o + 2^(f-1)) / 2^f)      e - b and the result in an entry's width, where they wrap
/// ```
///
/// # Errors
/// As [`place`].
///
/// ```
/// use fewbit::functions::table::Table;
/// use fewbit::reference::functions::look_up;
/// let table = Table::new("identity,in=int8,out=int8,address=slice7:0,between=linear4".parse()?)?;
/// assert_eq!(look_up(&table, 0x25)?, 0x25);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn look_up(table: &Table, code: u32) -> Result<u32, LookUpError> {
    let TablePlace { index, offset } = place(table, code)?;
    // Every index is below the number of addresses, and there is an entry beyond the last where lines end at it.
    let entry = |index: usize| table.entries().get(index).copied().unwrap_or_default();
    let Interpolation::Linear { fraction_bits } = table.spec().interpolation() else {
        return Ok(entry(index));
    };
    let output = table.spec().output();
    let integer = |code: u32| output.integer(code).unwrap_or_default();
    let (base, end) = (integer(entry(index)), integer(entry(index + 1)));
    let slope = wrapped(output.format(), end - base);
    let half = 1 << (fraction_bits - 1);
    let delta = (slope * i64::from(offset) + half) >> fraction_bits;
    Ok(code_of(output.format(), base + delta))
}

/// The low bits of an integer, as the format's code.
fn code_of(format: Format, integer: i64) -> u32 {
    (integer as u64 & ((1 << format.bits()) - 1)) as u32
}

/// An integer in the format's width, as two's complement.
fn wrapped(format: Format, integer: i64) -> i64 {
    let unused = 64 - format.bits();
    integer << unused >> unused
}

/// [`look_up`] of many codes.
///
/// # Errors
/// The first code that has no entry: its index and why.
pub fn look_up_slice(table: &Table, codes: &[u32]) -> Result<Vec<u32>, (usize, LookUpError)> {
    let each = codes.iter().enumerate();
    each.map(|(index, &code)| look_up(table, code).map_err(|error| (index, error))).collect()
}

/// How far a table is from its function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableDistance {
    /// The inputs that were compared.
    pub inputs: u64,
    /// The greatest distance.
    pub greatest: f64,
    /// The code where it is, the first of several.
    pub code: u32,
    /// The mean distance.
    pub mean: f64,
    /// The greatest distance in units of the output's last place; NaN where places differ, in formats that are no integers
    /// or fixed point.
    pub greatest_in_last_places: f64,
}

/// The distance between a table's outputs and its function in f64, over every input that has a number and an entry and at
/// which the function has a value; the function is saturated to the output's range. Of inputs of more than 20 bits, 2^20 are
/// taken, evenly spread.
///
/// ```
/// use fewbit::functions::table::Table;
/// use fewbit::reference::functions::table_distance;
/// let table = Table::new("identity,in=int8*0.25,out=int8".parse()?)?;
/// let distance = table_distance(&table);
/// assert_eq!((distance.inputs, distance.greatest), (256, 0.5));
/// # Ok::<(), fewbit::functions::table::TableError>(())
/// ```
#[must_use]
pub fn table_distance(table: &Table) -> TableDistance {
    let spec = table.spec();
    let (input, output) = (spec.input(), spec.output());
    let bits = input.format().bits();
    let (least, most) = ends(table);
    let unit = match output.fraction_bits() {
        Some(fraction) => output.scale() * 2f64.powi(-fraction),
        None => f64::NAN,
    };
    let (mut inputs, mut greatest, mut at, mut sum) = (0, -1f64, 0, 0f64);
    for step in 0..1u64 << bits.min(20) {
        let code = (step << bits.saturating_sub(20)) as u32;
        let (x, Ok(found)) = (input.decode(code), look_up(table, code)) else { continue };
        let real = spec.function().value(x);
        let distance = (output.decode(found) - real.clamp(least, most)).abs();
        if real.is_nan() || distance.is_nan() {
            continue;
        }
        inputs += 1;
        sum += distance;
        if distance > greatest {
            (greatest, at) = (distance, code);
        }
    }
    let greatest = greatest.max(0.0);
    let mean = if inputs == 0 { 0.0 } else { sum / inputs as f64 };
    TableDistance { inputs, greatest, code: at, mean, greatest_in_last_places: greatest / unit }
}

/// The least and the greatest number of the output.
fn ends(table: &Table) -> (f64, f64) {
    let output = table.spec().output();
    let at = |value: f64| output.scale() * (value - output.zero_point() as f64);
    (at(output.format().min_finite()), at(output.format().max_finite()))
}
