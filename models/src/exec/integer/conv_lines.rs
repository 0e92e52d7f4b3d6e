//! Convolutions of codes of any format, with a scale for the input and one per output channel: patches as rows.

use fewbit::formats::Format;
use fewbit::tensor::Granularity;
use fewbit::{Accumulator, ReportLevel};
use ndarray::{Array2, ArrayD, Axis, IxDyn};

use crate::exec::Patches;
use crate::ops::Conv;

use super::datum::{Codes, Datum};
use super::ints::map_ints;
use super::line_job::{LineProduct, Outcome};
use super::lines::{Elements, Lines};
use super::report::Reported;
use super::right::Right;

/// A convolution of codes.
pub(super) struct ConvLines<'a> {
    pub(super) conv: &'a Conv,
    pub(super) input: &'a Datum,
    pub(super) weights: &'a Datum,
    pub(super) accumulator: &'a Accumulator,
    pub(super) report: ReportLevel,
    /// Of one element per output channel.
    pub(super) bias: Option<&'a [f32]>,
}

/// What becomes of a convolution.
pub(super) enum Convolved {
    /// It ran.
    Done(ArrayD<f32>, Reported),
    /// It runs in floats, for this reason.
    InFloats(String),
}

/// Codes with one scale, or one per index of the first axis.
struct Operand {
    elements: Elements,
    shape: Vec<usize>,
    format: Format,
    scales: Vec<f32>,
    zero_point: Option<f32>,
}

impl ConvLines<'_> {
    /// The outputs: each the sum of the products of a patch through the accumulator, in the order (channel, kernel position).
    ///
    /// # Errors
    /// Shapes that do not fit; what the product refuses.
    pub(super) fn run(&self) -> Result<Convolved, String> {
        let (x, w) = match (Operand::of(self.input), Operand::of(self.weights)) {
            (Ok(x), Ok(w)) if x.scales.len() == 1 => (x, w),
            (Ok(_), Ok(_)) => {
                return Ok(Convolved::InFloats("its input has scales of its channels".into()));
            }
            (Err(why), _) | (_, Err(why)) => return Ok(Convolved::InFloats(why)),
        };
        let patches = Patches::of_conv(self.conv, &w.shape, &x.shape);
        let patches = patches.map_err(|error| error.to_string())?;
        let groups = self.conv.groups.max(1);
        let rows = x.rows(&patches)?;
        let k = patches.columns(x.shape[1]) / groups;
        let outputs = w.shape[0];
        let per_group = outputs / groups;
        let (images, positions) = (x.shape[0], patches.positions());
        let weights = w.matrix(outputs, k)?;
        let mut values = ArrayD::zeros(vec![images, outputs, positions]);
        let mut reported = Reported::default();
        for group in 0..groups {
            let first = group * per_group;
            let left = part(&rows, 1, group * k, k);
            let left = lines(left, &x, (1, 1), k, &x.scales[..1])?;
            let right = part(&weights, 0, first, per_group);
            let scales = match w.scales.len() {
                1 => &w.scales[..],
                _ => &w.scales[first..first + per_group],
            };
            let right = Right::new(lines(right, &w, (scales.len(), 1), k, scales)?);
            let bias = self.bias.map(|bias| &bias[first..first + per_group]);
            let job = LineProduct {
                x: &left,
                w: &right,
                accumulator: self.accumulator,
                report: self.report,
                bias,
            };
            let done = match job.run()? {
                Outcome::Done(done) => done,
                Outcome::InFloats(why) => return Ok(Convolved::InFloats(why)),
            };
            for (place, value) in done.values.into_iter().enumerate() {
                let (row, o) = (place / per_group, place % per_group);
                values[[row / positions, first + o, row % positions]] = value;
            }
            reported.merge(done.reported, 0);
        }
        let mut shape = vec![images, outputs];
        shape.extend(patches.output());
        let values = values.into_shape_with_order(IxDyn(&shape));
        Ok(Convolved::Done(values.map_err(|error| error.to_string())?, reported))
    }
}

impl Operand {
    /// The codes of a datum; why they are none of this kind, if they are not.
    fn of(datum: &Datum) -> Result<Self, String> {
        match datum {
            Datum::Codes(Codes { ints, format, scales, zero_point }) => {
                if scales.single().is_none() && scales.axis != 0 {
                    return Err("its codes have scales along an axis that a patch goes over".into());
                }
                Ok(Self {
                    shape: ints.shape().to_vec(),
                    elements: Elements::Ints(ints.clone()),
                    format: Format::Int(*format),
                    scales: scales.values.clone(),
                    zero_point: (*zero_point != 0).then_some(*zero_point as f32),
                })
            }
            Datum::Coded(tensor) => {
                let scales: Vec<f32> = tensor.scale().iter().copied().collect();
                let suits = match tensor.granularity() {
                    Granularity::Tensor => true,
                    Granularity::Channel { axis } => axis == 0 || scales.len() == 1,
                    _ => scales.len() == 1,
                };
                if !suits || tensor.zero_point().is_some() {
                    return Err(format!(
                        "its codes have scales {}: a patch goes over several kernel positions, of which each would have scales \
                         of its own",
                        tensor.granularity()
                    ));
                }
                let shape = tensor.shape().to_vec();
                let (last, lines) = (shape.iter().skip(1).product(), shape[0]);
                let codes =
                    Array2::from_shape_vec((lines, last), tensor.codes().into_iter().collect());
                let codes = codes.map_err(|error| error.to_string())?;
                let format = tensor.format();
                Ok(Self {
                    elements: Elements::Codes(codes),
                    shape,
                    format,
                    scales,
                    zero_point: None,
                })
            }
            Datum::Rows(_) => Err("its codes have parameters of rows".into()),
            _ => Err("one of its operands is no codes".into()),
        }
    }

    /// The patches of an input, `[images * positions, channels * kernel]`; padding is the code of 0.
    fn rows(&self, patches: &Patches) -> Result<Elements, String> {
        Ok(match &self.elements {
            Elements::Codes(codes) => {
                let images =
                    codes.to_shape(IxDyn(&self.shape)).map_err(|error| error.to_string())?;
                Elements::Codes(patches.rows(&images.view(), 0u32))
            }
            Elements::Ints(ints) => {
                let zero = self.zero_point.unwrap_or(0.0);
                Elements::Ints(map_ints!(ints, array => {
                    patches.rows(&array.view(), zero as _).into_dyn().into_shared()
                }))
            }
        })
    }

    /// Kernels as rows, `[outputs, channels * kernel]`.
    fn matrix(&self, outputs: usize, k: usize) -> Result<Elements, String> {
        Ok(match &self.elements {
            Elements::Codes(codes) => Elements::Codes(codes.clone()),
            Elements::Ints(ints) => {
                let shape = IxDyn(&[outputs, k]);
                Elements::Ints(map_ints!(ints, array => {
                    let array = array.as_standard_layout().into_owned().into_shared();
                    array.into_shape_with_order(shape).map_err(|error| error.to_string())?
                }))
            }
        })
    }
}

/// Some rows, or some columns.
fn part(elements: &Elements, axis: usize, first: usize, count: usize) -> Elements {
    let slice = ndarray::Slice::from(first..first + count);
    match elements {
        Elements::Codes(codes) => Elements::Codes(codes.slice_axis(Axis(axis), slice).to_owned()),
        Elements::Ints(ints) => Elements::Ints(map_ints!(ints, array => {
            array.slice_axis(Axis(axis), slice).to_owned().into_shared()
        })),
    }
}

/// Lines of one scale each.
fn lines(
    elements: Elements,
    operand: &Operand,
    shape: (usize, usize),
    k: usize,
    scales: &[f32],
) -> Result<Lines, String> {
    let array =
        |values: Vec<f32>| Array2::from_shape_vec(shape, values).map_err(|error| error.to_string());
    let zero_points = match operand.zero_point {
        None => None,
        Some(zero) => Some(array(vec![zero; scales.len()])?),
    };
    Ok(Lines {
        elements,
        format: operand.format,
        scales: array(scales.to_vec())?,
        scale_format: Format::F32,
        zero_points,
        block: k.max(1),
        outer: 1.0,
    })
}
