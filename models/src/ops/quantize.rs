//! `QuantizeLinear`, `DequantizeLinear`, `DynamicQuantizeLinear`.

use fewbit_formats::Format;
use ndarray::{ArcArray, IxDyn};

use crate::tensor::{ElementType, Tensor};

use super::cast::{code, policy};
use super::data_type::element_type;
use super::set::attributes;
use super::shape::{axis, elements};
use super::typed::{array, dense};
use super::{AttributeSet, Attributes, Dim, Fact, Inputs, OpError, Operator, Read};

attributes! {
    /// round(x / scale) + zero point, ties to even, within the type of the zero point.
    QuantizeLinear {
        /// The axis along which scales lie.
        "axis" axis: i64 = 1;
        /// Elements along the axis that share a scale; 0 where there is a scale for each entry.
        "block_size" block: usize = 0;
        /// ONNX's number of the result's type, where there is no zero point; 0 for `uint8`.
        "output_dtype" output: i64 = 0;
        /// ONNX's number of the type that x / scale is computed in; 0 for `float`.
        "precision" precision: i64 = 0;
        /// Whether numbers beyond a narrow float become its largest one.
        "saturate" saturate: bool = true;
    }
    /// (x - zero point) scale.
    DequantizeLinear {
        /// The axis along which scales lie.
        "axis" axis: i64 = 1;
        /// Elements along the axis that share a scale; 0 where there is a scale for each entry.
        "block_size" block: usize = 0;
        /// ONNX's number of the result's type; 0 for that of the scale.
        "output_dtype" output: i64 = 0;
    }
    /// `uint8` codes, scale and zero point, from the least and the greatest number.
    DynamicQuantizeLinear {}
}

/// Which scale each element has: elements before, along and behind the axis, and how many along it share one.
pub(crate) struct Groups {
    along: usize,
    inner: usize,
    block: usize,
    /// Scales along the axis.
    scales: usize,
}

impl Groups {
    /// The number of the scale of an element.
    pub(crate) fn of(&self, element: usize) -> usize {
        if self.scales == 0 {
            return 0;
        }
        let (outer, at) = (element / self.inner / self.along, element / self.inner % self.along);
        if self.block == 0 {
            return at;
        }
        (outer * self.scales + at / self.block) * self.inner + element % self.inner
    }

    /// Those of a tensor with scales of a shape.
    pub(crate) fn new(
        x: &[usize],
        scale: &[usize],
        along: i64,
        block: usize,
    ) -> Result<Self, OpError> {
        let wrong =
            || OpError::Shape(format!("scales of shape {scale:?} for a tensor of shape {x:?}"));
        if block == 0 && elements(scale)? == 1 {
            return Ok(Self { along: 1, inner: 1, block: 0, scales: 0 });
        }
        let at = axis(along, x.len())?;
        let inner = x[at + 1..].iter().product::<usize>().max(1);
        let size = x[at];
        if block == 0 {
            return match scale {
                [n] if *n == size => Ok(Self { along: size.max(1), inner, block, scales: *n }),
                _ => Err(wrong()),
            };
        }
        let mut expected = x.to_vec();
        expected[at] = size.div_ceil(block);
        if scale != expected {
            return Err(wrong());
        }
        Ok(Self { along: size.max(1), inner, block, scales: expected[at] })
    }
}

/// Zero points as numbers, one per scale; 0 where there are none.
fn zero_points(zero: Option<&Tensor>, scales: &[usize]) -> Result<Vec<f64>, OpError> {
    let Some(zero) = zero else { return Ok(Vec::new()) };
    if zero.len() != elements(scales)? {
        let found = zero.shape();
        return Err(OpError::Shape(format!("zero points of {found:?}, scales of {scales:?}")));
    }
    Ok(numbers(zero))
}

/// The numbers that a tensor of any type holds.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    match tensor {
        Tensor::F32(a) => a.iter().map(|&x| x.into()).collect(),
        Tensor::Code(format, a) => a.iter().map(|&code| format.decode(code.into())).collect(),
        other => other.integers().unwrap_or_default().into_iter().map(|n| n as f64).collect(),
    }
}

/// Integers of a type from rounded numbers, at the ends of the type where they are beyond it.
fn saturated(
    to: ElementType,
    shape: &[usize],
    rounded: impl Iterator<Item = f64>,
) -> Result<Tensor, OpError> {
    macro_rules! integers {
        ($type:ty) => {
            array(shape, rounded.map(|x| x as $type).collect())?.into()
        };
    }
    Ok(match to {
        ElementType::U8 => integers!(u8),
        ElementType::I8 => integers!(i8),
        ElementType::U16 => integers!(u16),
        ElementType::I16 => integers!(i16),
        ElementType::I32 => integers!(i32),
        ElementType::U32 => integers!(u32),
        ElementType::Code(format @ Format::Int(int)) => {
            let (min, max) = (format.min_finite(), format.max_finite());
            let code = |x: f64| int.code(x.clamp(min, max) as i64) as u8;
            let codes = rounded.map(|x| if x.is_nan() { 0 } else { code(x) });
            Tensor::Code(format, array(shape, codes.collect())?)
        }
        other => return Err(OpError::Unsupported(format!("quantized to {other}"))),
    })
}

impl QuantizeLinear {
    fn element(&self, zero: Option<Option<ElementType>>) -> Result<Option<ElementType>, OpError> {
        match (zero, self.output) {
            (Some(element), _) => Ok(element),
            (None, 0) => Ok(Some(ElementType::U8)),
            (None, number) => element_type(number).map(Some),
        }
    }
}

impl Operator for QuantizeLinear {
    fn read(attributes: &mut Attributes, _opset: i64) -> Result<Read<Self>, OpError> {
        let op = Self::from_attributes(attributes)?;
        if op.output != 0 {
            element_type(op.output)?;
        }
        Ok(op.into())
    }

    fn since(&self) -> i64 {
        match self {
            Self { precision: 1.., .. } => 23,
            Self { block: 1.., .. } | Self { output: 1.., .. } => 21,
            Self { axis, .. } if *axis != 1 => 13,
            _ => 10,
        }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "x")?;
        let element = self.element(inputs.optional(2).map(|zero| zero.element))?;
        Ok(vec![Fact { element, shape: x.shape.clone(), known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (x, scale) = (inputs.required(0, "x")?, inputs.required(1, "y_scale")?);
        let zero = inputs.optional(2);
        let groups = Groups::new(x.shape(), scale.shape(), self.axis, self.block)?;
        let zeros = zero_points(zero, scale.shape())?;
        let to = self.element(zero.map(|zero| Some(zero.element_type())))?;
        let to = to.unwrap_or(ElementType::U8);
        let scales: Vec<f32> = numbers(scale).into_iter().map(|s| s as f32).collect();
        let x: Vec<f32> = match x {
            Tensor::F32(x) => dense(x).into_owned(),
            other => numbers(other).into_iter().map(|x| x as f32).collect(),
        };
        let shape = inputs.required(0, "x")?.shape();
        let each = x.iter().enumerate().map(|(i, &x)| {
            let group = groups.of(i);
            (x / scales[group], zeros.get(group).copied().unwrap_or(0.0))
        });
        if let ElementType::Code(format @ Format::Float(_)) = to {
            let policy = policy(self.saturate);
            let codes = each.map(|(x, zero)| code(format, f64::from(x) + zero, &policy));
            let codes: Vec<u8> = codes.collect::<Result<_, _>>()?;
            return Ok(vec![Tensor::Code(format, array(shape, codes)?)]);
        }
        let rounded = each.map(|(x, zero)| f64::from(x.round_ties_even()) + zero);
        Ok(vec![saturated(to, shape, rounded)?])
    }
}

impl Operator for DequantizeLinear {
    fn since(&self) -> i64 {
        match self {
            Self { output: 1.., .. } => 23,
            Self { block: 1.., .. } => 21,
            Self { axis, .. } if *axis != 1 => 13,
            _ => 10,
        }
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "x")?;
        Ok(vec![Fact { element: Some(ElementType::F32), shape: x.shape.clone(), known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let (x, scale) = (inputs.required(0, "x")?, inputs.required(1, "x_scale")?);
        let groups = Groups::new(x.shape(), scale.shape(), self.axis, self.block)?;
        let zeros = zero_points(inputs.optional(2), scale.shape())?;
        let scales: Vec<f32> = numbers(scale).into_iter().map(|s| s as f32).collect();
        let out = numbers(x).into_iter().enumerate().map(|(i, x)| {
            let group = groups.of(i);
            (x - zeros.get(group).copied().unwrap_or(0.0)) as f32 * scales[group]
        });
        Ok(vec![array(x.shape(), out.collect())?.into()])
    }
}

impl Operator for DynamicQuantizeLinear {
    fn since(&self) -> i64 {
        11
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let shape = inputs.required(0, "x")?.shape.clone();
        Ok(vec![
            Fact { element: Some(ElementType::U8), shape, known: None },
            Fact::new(ElementType::F32, Vec::<Dim>::new()),
            Fact::new(ElementType::U8, Vec::<Dim>::new()),
        ])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x: &ArcArray<f32, IxDyn> = inputs.array(0, "x")?;
        let (min, max) = x.iter().fold((0.0f32, 0.0f32), |(a, b), &x| (a.min(x), b.max(x)));
        let scale = if max == min { 1.0 } else { (max - min) / 255.0 };
        let zero = (0.0 - min / scale).clamp(0.0, 255.0).round_ties_even();
        let code = |x: f32| ((x / scale).round_ties_even() + zero) as u8;
        let codes = dense(x).iter().map(|&x| code(x)).collect();
        Ok(vec![array(x.shape(), codes)?.into(), Tensor::scalar(scale), Tensor::scalar(zero as u8)])
    }
}
