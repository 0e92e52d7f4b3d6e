//! Functions of codes as tables.

use std::sync::Arc;

use fewbit::formats::IntFormat;
use ndarray::{ArcArray, ArrayD, IxDyn};

use crate::graph::Node;
use crate::ops::{Inputs, Op};
use crate::tensor::Tensor;

use super::datum::{Codes, Datum};
use super::ints::{Ints, each, map_ints};

/// The greatest width of codes whose functions are tables.
const BITS: u32 = 16;

/// Codes and a function of each: `value = values[code - least code]`.
///
/// The function is computed once for every code, by the float operators that the graph has, so that what is read from the table
/// is what these compute of each element, to the last bit; several functions of the same codes are one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The codes.
    pub ints: Ints,
    /// Their format, of at most 16 bits.
    pub format: IntFormat,
    /// The function of every code, from the least to the greatest.
    pub values: Arc<Vec<f32>>,
}

impl Table {
    /// What the codes stand for, as a function of them; `None` for several scales and for more than 16 bits.
    pub(super) fn of(codes: &Codes) -> Option<Self> {
        let scale = codes.scales.single()?;
        if codes.format.bits() > BITS {
            return None;
        }
        let zero = codes.zero_point as f32;
        let all = codes.format.min()..=codes.format.max();
        let value = |code: i64| match codes.zero_point {
            0 => code as f32 * scale,
            _ => (code as f32 - zero) * scale,
        };
        let values = Arc::new(all.map(value).collect());
        Some(Self { ints: codes.ints.clone(), format: codes.format, values })
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> ArrayD<f32> {
        let low = self.format.min();
        each!(&self.ints, array => array.mapv(|code| self.values[(i64::from(code) - low) as usize]))
    }

    /// The table's codes under the codes of its values.
    pub(super) fn quantized(&self, codes: &Codes) -> Codes {
        let low = self.format.min();
        let place = |code: i64| (code - low) as usize;
        let ints = match &codes.ints {
            Ints::I8(of) => Ints::I8(self.looked_up(of, place)),
            Ints::U8(of) => Ints::U8(self.looked_up(of, place)),
            Ints::I32(of) => Ints::I32(self.looked_up(of, place)),
        };
        Codes { ints, ..codes.clone() }
    }

    fn looked_up<T: Copy>(
        &self,
        of: &ArcArray<T, IxDyn>,
        place: impl Fn(i64) -> usize,
    ) -> ArcArray<T, IxDyn> {
        let of: Vec<T> = of.iter().copied().collect();
        each!(&self.ints, array => array.mapv(|code| of[place(i64::from(code))]).into_shared())
    }

    /// The same table for other elements.
    pub(super) fn moved(&self, ints: Ints) -> Self {
        Self { ints, ..self.clone() }
    }

    /// Whether both are functions of the same codes, element by element.
    fn is_of(&self, other: &Self) -> bool {
        self.format == other.format && self.ints.is_same(&other.ints)
    }
}

/// The output of a function of one number, or of arithmetic between functions of the same codes and constants, as a table; `None`
/// for anything else.
pub(super) fn run(node: &Node, inputs: &[Option<&Datum>]) -> Result<Option<Vec<Datum>>, String> {
    let table = |datum: &Datum| match datum {
        Datum::Codes(codes) => Table::of(codes),
        Datum::Table(table) => Some(table.clone()),
        _ => None,
    };
    let is_binary = matches!(
        node.op,
        Op::Add(_)
            | Op::Sub(_)
            | Op::Mul(_)
            | Op::Div(_)
            | Op::Pow(_)
            | Op::Max(_)
            | Op::Min(_)
            | Op::Sum(_)
            | Op::Mean(_)
    );
    if !is_binary && !node.op.is_function() {
        return Ok(None);
    }
    let mut first: Option<Table> = None;
    let mut tensors: Vec<Option<Tensor>> = Vec::new();
    for (place, input) in inputs.iter().enumerate() {
        let Some(input) = input else {
            tensors.push(None);
            continue;
        };
        let function = if is_binary || place == 0 { table(input) } else { None };
        match (function, &first) {
            (Some(function), None) => {
                tensors.push(Some(Tensor::vector(function.values.to_vec())));
                first = Some(function);
            }
            (Some(function), Some(first)) if function.is_of(first) => {
                tensors.push(Some(Tensor::vector(function.values.to_vec())));
            }
            _ => {
                let constant = input.tensor();
                if constant.len() != 1 {
                    return Ok(None);
                }
                let scalar = constant.reshaped(&[]).map_err(|error| error.to_string())?;
                tensors.push(Some(scalar));
            }
        }
    }
    let Some(first) = first else { return Ok(None) };
    let rank = first.ints.shape().len();
    let deeper = |input: &Option<&Datum>| input.is_some_and(|datum| datum.rank() > rank);
    if inputs.iter().any(deeper) {
        return Ok(None);
    }
    let views: Vec<Option<&Tensor>> = tensors.iter().map(Option::as_ref).collect();
    let output =
        node.op.run(Inputs::new(&views)).map_err(|error| error.to_string())?.swap_remove(0);
    let Ok(values) = output.get::<f32>() else { return Ok(None) };
    let values = Arc::new(values.iter().copied().collect());
    Ok(Some(vec![Datum::Table(Table { values, ..first })]))
}

/// Codes no less than that of zero.
pub(super) fn relu(codes: &Codes) -> Codes {
    let zero = codes.zero_point;
    let ints = map_ints!(&codes.ints, a => a.mapv(|x| x.max(zero as _)).into_shared());
    Codes { ints, ..codes.clone() }
}
