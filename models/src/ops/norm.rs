//! Norms: batch, layer, root mean square, instance, group.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::broadcast::{expand, zip};
use super::parallel::{change, change_with, fill, rows};
use super::set::attributes;
use super::shape::axis;
use super::sums::{mean_and_variance, sum_of};
use super::typed::{array, dense};
use super::unary::like_first;
use super::{Attributes, Fact, Inputs, OpError, Operator, Read};

attributes! {
    /// scale (x - mean) / sqrt(variance + epsilon) + B, all per channel; mean and variance are inputs.
    BatchNormalization {
        /// Added to the variance.
        "epsilon" epsilon: f32 = 1e-5;
        /// The share of the old mean in training, of which nothing is computed here.
        "momentum" momentum: f32 = 0.9;
    }
    /// Mean 0 and variance 1 over the axes from one on, then scale and bias.
    LayerNormalization {
        /// The first axis of the mean.
        "axis" axis: i64 = -1;
        /// Added to the variance.
        "epsilon" epsilon: f32 = 1e-5;
        /// The type that the statistics are computed in; only `float`, 1.
        "stash_type" stash_type: i64 = 1;
    }
    /// Mean square 1 over the axes from one on, then scale.
    RMSNormalization {
        /// The first axis of the mean.
        "axis" axis: i64 = -1;
        /// Added to the mean square.
        "epsilon" epsilon: f32 = 1e-5;
        /// The type that the statistics are computed in; only `float`, 1.
        "stash_type" stash_type: i64 = 1;
    }
    /// Mean 0 and variance 1 of each channel of each image, then scale and bias.
    InstanceNormalization {
        /// Added to the variance.
        "epsilon" epsilon: f32 = 1e-5;
    }
    /// Mean 0 and variance 1 of each group of channels of each image, then scale and bias per channel.
    GroupNormalization {
        /// Added to the variance.
        "epsilon" epsilon: f32 = 1e-5;
        /// The number of groups.
        "num_groups" groups: usize = 1;
        /// The type that the statistics are computed in; only `float`, 1.
        "stash_type" stash_type: i64 = 1;
    }
    /// Mean 0 and variance 1 over some axes.
    MeanVarianceNormalization {
        /// The axes.
        "axes" axes: Vec<i64> = vec![0, 2, 3];
    }
    /// Divided by the norm along an axis.
    LpNormalization {
        /// The axis.
        "axis" axis: i64 = -1;
        /// The norm: 1 or 2.
        "p" p: i64 = 2;
    }
}

/// a x + b per channel, which is axis 1.
pub(crate) fn affine(
    x: &ArcArray<f32, IxDyn>,
    channel: impl Fn(usize) -> (f32, f32) + Sync,
) -> Result<Tensor, OpError> {
    let channels = x.shape().get(1).copied().unwrap_or(1).max(1);
    let plane: usize = x.shape().iter().skip(2).product();
    let data = dense(x);
    let mut out = vec![0.0; data.len()];
    rows(&mut out, plane, plane, |at, out| {
        let (a, b) = channel(at % channels);
        let x = &data[at * plane..][..plane];
        fill(out, x, move |x| x * a + b);
    });
    Ok(array(x.shape(), out)?.into())
}

/// Numbers per channel.
fn per_channel<'a>(
    inputs: Inputs<'a, Tensor>,
    place: usize,
    name: &'static str,
    channels: usize,
) -> Result<std::borrow::Cow<'a, [f32]>, OpError> {
    let array = inputs.array::<f32>(place, name)?;
    if array.shape() != [channels] {
        let found = array.shape();
        return Err(OpError::Shape(format!("{name} of shape {found:?} for {channels} channels")));
    }
    Ok(dense(array))
}

fn channels(x: &ArcArray<f32, IxDyn>) -> Result<usize, OpError> {
    let count = x.shape().get(1).copied();
    count.ok_or_else(|| OpError::Shape(format!("X of shape {:?}: no channels", x.shape())))
}

impl BatchNormalization {
    /// Factor and summand of each channel.
    pub(super) fn factors(
        &self,
        inputs: Inputs<'_, Tensor>,
        count: usize,
    ) -> Result<Vec<(f32, f32)>, OpError> {
        let scale = per_channel(inputs, 1, "scale", count)?;
        let bias = per_channel(inputs, 2, "B", count)?;
        let mean = per_channel(inputs, 3, "input_mean", count)?;
        let variance = per_channel(inputs, 4, "input_var", count)?;
        let factors = |c: usize| {
            let a = scale[c] / (variance[c] + self.epsilon).sqrt();
            (a, bias[c] - mean[c] * a)
        };
        Ok((0..count).map(factors).collect())
    }
}

impl Operator for BatchNormalization {
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        if attributes.flag("training_mode")? == Some(true) {
            return Err(OpError::attribute("training_mode", "only inference is computed"));
        }
        if opset < 9 && attributes.int("spatial")?.is_some_and(|spatial| spatial != 1) {
            return Err(OpError::attribute("spatial", "only 1, statistics per channel"));
        }
        super::AttributeSet::from_attributes(attributes).map(|op: Self| op.into())
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        let factors = self.factors(inputs, if x.ndim() == 1 { 1 } else { channels(x)? })?;
        Ok(vec![affine(x, |channel| factors[channel])?])
    }
}

/// Rows from an axis on, each made of itself; then a scale and a bias that broadcast.
fn normalize(
    inputs: Inputs<'_, Tensor>,
    first: i64,
    f: impl Fn(&[f32], &mut [f32]) + Sync,
) -> Result<Vec<Tensor>, OpError> {
    let x = inputs.array::<f32>(0, "X")?;
    let first = axis(first, x.ndim())?;
    let size: usize = x.shape()[first..].iter().product();
    let data = dense(x);
    let mut out = vec![0.0; data.len()];
    let affine = |place| -> Result<Option<Vec<f32>>, OpError> {
        match inputs.optional(place) {
            Some(_) => {
                let given = inputs.array::<f32>(place, "scale or bias")?;
                if given.shape() == &x.shape()[first..] {
                    Ok(Some(dense(given).into_owned()))
                } else {
                    Ok(None)
                }
            }
            None => Ok(None),
        }
    };
    // The usual case, scale and bias of a row's shape, in the same sweep.
    let (scale, bias) = (affine(1)?, affine(2)?);
    let together = scale.is_some() && (bias.is_some() || inputs.optional(2).is_none());
    rows(&mut out, size, 4 * size, |at, out| {
        f(&data[at * size..][..size], out);
        if let (true, Some(scale)) = (together, &scale) {
            change_with(out, scale, |out, scale| out * scale);
            if let Some(bias) = &bias {
                change_with(out, bias, |out, bias| out + bias);
            }
        }
    });
    let mut out = array(x.shape(), out)?;
    if !together {
        if inputs.optional(1).is_some() {
            let scale = expand(inputs.array::<f32>(1, "Scale")?, x.shape())?;
            out = zip(&out, &scale, |x: f32, scale: f32| x * scale)?;
        }
        if inputs.optional(2).is_some() {
            let bias = expand(inputs.array::<f32>(2, "B")?, x.shape())?;
            out = zip(&out, &bias, |x: f32, bias: f32| x + bias)?;
        }
    }
    Ok(vec![out.into()])
}

/// Mean 0 and variance 1.
fn center(x: &[f32], out: &mut [f32], epsilon: f32) {
    let (mean, variance) = mean_and_variance(x);
    let factor = 1.0 / (variance + epsilon).sqrt();
    fill(out, x, move |x| (x - mean) * factor);
}

impl Operator for LayerNormalization {
    fn since(&self) -> i64 {
        17
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let x = inputs.required(0, "X")?;
        let mut shape = x.shape.clone();
        if let Some(shape) = &mut shape {
            let first = axis(self.axis, shape.len())?;
            shape[first..].fill(super::Dim::Size(1));
        }
        let statistic = Fact { element: x.element, shape, known: None };
        Ok(vec![x.clone().without_known(), statistic.clone(), statistic])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        self.run_first(3, inputs)
    }

    /// Means and factors only where they are wanted.
    fn run_first(
        &self,
        outputs: usize,
        inputs: Inputs<'_, Tensor>,
    ) -> Result<Vec<Tensor>, OpError> {
        let wanted = outputs;
        let mut outputs = normalize(inputs, self.axis, |x, out| center(x, out, self.epsilon))?;
        if wanted <= 1 {
            return Ok(outputs);
        }
        let x = inputs.array::<f32>(0, "X")?;
        let first = axis(self.axis, x.ndim())?;
        let (rows, columns) = x.shape().split_at(first);
        let size: usize = columns.iter().product();
        let mut shape = rows.to_vec();
        shape.resize(x.ndim(), 1);
        let statistics = dense(x).chunks(size.max(1)).map(mean_and_variance).collect::<Vec<_>>();
        let means = statistics.iter().map(|pair| pair.0).collect();
        let factor = |variance: f32| 1.0 / (variance + self.epsilon).sqrt();
        let factors = statistics.iter().map(|pair| factor(pair.1)).collect();
        if size > 0 {
            outputs.push(array(&shape, means)?.into());
            outputs.push(array(&shape, factors)?.into());
        }
        Ok(outputs)
    }
}

impl Operator for RMSNormalization {
    fn since(&self) -> i64 {
        23
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        normalize(inputs, self.axis, |x, out| {
            let mean = sum_of(x, |x| x * x) / x.len().max(1) as f32;
            let factor = 1.0 / (mean + self.epsilon).sqrt();
            fill(out, x, move |x| x * factor);
        })
    }
}

/// Groups of channels of each image, then scale and bias per channel.
fn groups(inputs: Inputs<'_, Tensor>, groups: usize, epsilon: f32) -> Result<Tensor, OpError> {
    let x = inputs.array::<f32>(0, "X")?;
    let count = channels(x)?;
    if groups == 0 || count % groups != 0 {
        return Err(OpError::Shape(format!("{count} channels in {groups} groups")));
    }
    let scale = per_channel(inputs, 1, "scale", count)?;
    let bias = per_channel(inputs, 2, "bias", count)?;
    let size: usize = x.shape()[2..].iter().product::<usize>() * (count / groups);
    let data = dense(x);
    let mut out = vec![0.0; data.len()];
    rows(&mut out, size, 4 * size, |at, out| {
        center(&data[at * size..][..size], out, epsilon);
        let first = at % groups * (count / groups);
        let plane = size / (count / groups);
        for (channel, out) in out.chunks_mut(plane).enumerate() {
            let (a, b) = (scale[first + channel], bias[first + channel]);
            change(out, move |x| x * a + b);
        }
    });
    Ok(array(x.shape(), out)?.into())
}

impl Operator for InstanceNormalization {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let count = channels(inputs.array::<f32>(0, "input")?)?;
        Ok(vec![groups(inputs, count, self.epsilon)?])
    }
}

impl Operator for GroupNormalization {
    /// Until 20, scale and bias are per group.
    fn read(attributes: &mut Attributes, opset: i64) -> Result<Read<Self>, OpError> {
        if opset < 21 {
            let problem = "GroupNormalization of operator sets before 21, of scales per group";
            return Err(OpError::Unsupported(problem.into()));
        }
        super::AttributeSet::from_attributes(attributes).map(|op: Self| op.into())
    }

    fn since(&self) -> i64 {
        21
    }

    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![groups(inputs, self.groups, self.epsilon)?])
    }
}

impl Operator for MeanVarianceNormalization {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        let axes = super::shape::axes(&self.axes, x.ndim())?;
        let out = super::reduce::along(x, &axes, |x: &mut [f32]| {
            let copy = x.to_vec();
            let (mean, variance) = mean_and_variance(&copy);
            let deviation = variance.sqrt() + 1e-9;
            x.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
        })?;
        Ok(vec![out.into()])
    }
}

impl Operator for LpNormalization {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        like_first(inputs)
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "input")?;
        let axes = [axis(self.axis, x.ndim())?];
        let p = self.p;
        if p != 1 && p != 2 {
            return Err(OpError::attribute("p", format!("{p} is neither 1 nor 2")));
        }
        let out = super::reduce::along(x, &axes, |x: &mut [f32]| {
            let norm = match p {
                1 => sum_of(x, f32::abs),
                _ => sum_of(x, |x| x * x).sqrt(),
            };
            x.iter_mut().for_each(|x| *x = if norm == 0.0 { 0.0 } else { *x / norm });
        })?;
        Ok(vec![out.into()])
    }
}
