//! Products of codes through an accumulator.

use fewbit::accumulate::Report;
use fewbit::{Accumulator, MatmulOptions, Operand, ReportLevel, StageEvents};
use ndarray::{Array2, ArrayD, ArrayViewD, IxDyn, s};

use crate::exec::Patches;
use crate::graph::ProductLayout;
use crate::ops::Conv;

use super::datum::{Codes, Datum, Scales, Sums, by_channel};
use super::finish::Finish;
use super::ints::Ints;
use super::multiply::{Multiplied, multiply, multiply_packed};
use super::report::{Reported, merge_events, merge_reports};
use super::weights::{Weights, four};

/// What a product gives.
pub(crate) struct Done {
    pub(crate) sums: Sums,
    pub(crate) events: Option<Vec<StageEvents>>,
    pub(crate) report: Option<Report>,
}

impl Done {
    /// What the accumulator did.
    pub(super) fn reported(&self) -> Reported {
        Reported { events: self.events.clone(), report: self.report.clone(), float: None }
    }
}

/// One product: codes of the inputs and of the weights, and how they meet.
pub(crate) struct Job<'a> {
    pub(crate) layout: ProductLayout,
    /// The convolution, if it is one.
    pub(crate) conv: Option<&'a Conv>,
    pub(crate) input: &'a Codes,
    pub(crate) weights: &'a Weights,
    pub(crate) accumulator: &'a Accumulator,
    pub(crate) report: ReportLevel,
}

/// The sums before zero points, with what the accumulator did.
struct Raw {
    values: ArrayD<i64>,
    events: Option<Vec<StageEvents>>,
    report: Option<Report>,
}

impl Job<'_> {
    /// The sums of all outputs.
    pub(crate) fn run(&self) -> Result<Done, String> {
        let weights = self.weights.codes().ok_or("the weights are no codes of integers")?;
        let raw = match (&self.input.ints, &weights.ints) {
            (Ints::U8(x), Ints::I8(w)) => self.raw(&x.view(), &w.view()),
            (Ints::I8(x), Ints::I8(w)) => self.raw(&x.view(), &w.view()),
            (x, w) => {
                let wide = |ints: &Ints| ints.to_i64().mapv(|x| x as i32);
                self.raw(&wide(x).view(), &wide(w).view())
            }
        }?;
        let Raw { mut values, events, report } = raw;
        self.subtract_zero_points(&mut values, weights.zero_point)?;
        let axis = self.channel_axis(values.ndim());
        let scales = self.scales(weights, values.shape()[axis])?;
        Ok(Done { sums: Sums { values, scales: Scales { values: scales, axis } }, events, report })
    }

    /// The scales of the sums.
    fn scales(&self, weights: &Codes, outputs: usize) -> Result<Vec<f32>, String> {
        let input = self.input.scales.single();
        let input = input.ok_or("the input has several scales: a product needs one")?;
        let weights = &weights.scales.values;
        Ok(match weights.len() {
            1 => vec![input * weights[0]],
            n if n == outputs || outputs.is_multiple_of(n.max(1)) => {
                (0..outputs).map(|o| input * weights[o % n]).collect()
            }
            n => return Err(format!("{n} scales of the weights do not fit {outputs} outputs")),
        })
    }

    /// The codes that a convolution, its bias, and what stands behind it come to, with what the accumulator did. `None` where operands are no bytes, the bias is in another scale, or sums do not fit into 32 bits.
    pub(super) fn finished(
        &self,
        bias: Option<&Datum>,
        finish: &Finish,
    ) -> Option<(Codes, Reported)> {
        let (conv, weights) = (self.conv?, self.weights.codes()?);
        let Ints::I8(w) = &weights.ints else { return None };
        let outputs = *w.shape().first().filter(|_| weights.zero_point == 0)?;
        let scales = self.scales(weights, outputs).ok()?;
        let mut plus = vec![0i64; outputs];
        if let Some(bias) = bias {
            let Datum::Codes(Codes { ints, scales: of_bias, zero_point: 0, .. }) = bias else {
                return None;
            };
            let bias = ints.to_i64();
            if of_bias.values != scales || bias.len() != outputs {
                return None;
            }
            plus.iter_mut().zip(&bias).for_each(|(plus, bias)| *plus += bias);
        }
        let za = self.input.zero_point;
        if za != 0 {
            plus.iter_mut().zip(self.weights.sums()).for_each(|(plus, sum)| *plus -= za * sum);
        }
        let plus: Option<Vec<i32>> = plus.into_iter().map(|n| i32::try_from(n).ok()).collect();
        let of_channels = finish.of_channels(&scales, plus?)?;
        let (shape, bytes, reported) = match &self.input.ints {
            Ints::U8(x) => self.bytes(conv, &x.view(), u8::try_from(za).ok()?, &of_channels),
            Ints::I8(x) => self.bytes(conv, &x.view(), i8::try_from(za).ok()?, &of_channels),
            Ints::I32(_) => None,
        }?;
        Some((finish.codes(&shape, bytes)?, reported))
    }

    /// The bytes that `finish` makes of a convolution of one or two spatial axes, and their shape.
    fn bytes<X: Operand>(
        &self,
        conv: &Conv,
        x: &ArrayViewD<'_, X>,
        zero: X,
        finish: &dyn fewbit::Finish,
    ) -> Option<(Vec<usize>, Vec<u8>, Reported)> {
        let kernels = &self.weights.codes()?.ints;
        if !matches!(x.ndim(), 3 | 4) || x.ndim() != kernels.shape().len() {
            return None;
        }
        let patches = Patches::of_conv(conv, kernels.shape(), x.shape()).ok()?;
        let geometry = patches.conv2d(conv.groups.max(1), zero)?;
        let mut shape = vec![x.shape()[0], kernels.shape()[0]];
        shape.extend(patches.output());
        let count = shape.iter().try_fold(1usize, |n, &m| n.checked_mul(m));
        let mut codes = vec![0; count.filter(|&count| count > 0)?];
        let options = MatmulOptions { report: self.report, ..MatmulOptions::default() };
        let kernels = self.weights.conv()?;
        let (images, accumulator) = (four(x)?, self.accumulator);
        let done = kernels.run_codes(images, &geometry, accumulator, &options, finish, &mut codes);
        let done = done.ok()??;
        let reported = Reported { events: done.events, report: done.report, float: None };
        Some((shape, codes, reported))
    }

    /// The axis of the output channels.
    fn channel_axis(&self, axes: usize) -> usize {
        if self.layout.is_convolution() { 1 } else { axes.saturating_sub(1) }
    }

    fn raw<X: Operand + Default + TryFrom<i64>, W: Operand + Default>(
        &self,
        x: &ArrayViewD<'_, X>,
        w: &ArrayViewD<'_, W>,
    ) -> Result<Raw, String> {
        let zero = X::try_from(self.input.zero_point).unwrap_or_default();
        match self.conv {
            Some(conv) if x.ndim() == 4 || x.ndim() == 3 => self.planar(conv, x, w.shape(), zero),
            Some(conv) => self.spatial(conv, x, w, zero),
            None => self.rows(x),
        }
    }

    /// Convolutions of one and two spatial axes.
    fn planar<X: Operand>(
        &self,
        conv: &Conv,
        x: &ArrayViewD<'_, X>,
        w: &[usize],
        zero: X,
    ) -> Result<Raw, String> {
        let patches = Patches::of_conv(conv, w, x.shape());
        let patches = patches.map_err(|error| error.to_string())?;
        let geometry = patches.conv2d(conv.groups.max(1), zero);
        let geometry = geometry.ok_or("a convolution of more than two axes")?;
        let kernels = self.weights.conv().ok_or("the weights are no codes of integers")?;
        let images = four(x).ok_or("the input has other axes than the weights")?;
        let options = MatmulOptions { report: self.report, ..MatmulOptions::default() };
        let product = kernels.run(images, &geometry, self.accumulator, &options);
        let product = product.map_err(|error| error.to_string())?;
        let mut shape = vec![product.values.dim().0, product.values.dim().1];
        shape.extend(patches.output());
        let values = product.values.into_dyn().into_shape_with_order(IxDyn(&shape));
        let values = values.map_err(|error| error.to_string())?;
        Ok(Raw { values, events: product.events, report: product.report })
    }

    /// Convolutions of any number of spatial axes, as products of matrices.
    fn spatial<X: Operand, W: Operand>(
        &self,
        conv: &Conv,
        x: &ArrayViewD<'_, X>,
        w: &ArrayViewD<'_, W>,
        zero: X,
    ) -> Result<Raw, String> {
        let patches = Patches::of_conv(conv, w.shape(), x.shape());
        let patches = patches.map_err(|error| error.to_string())?;
        let rows = patches.rows(x, zero);
        let (outputs, groups) = (w.shape()[0], conv.groups.max(1));
        let columns = rows.ncols() / groups;
        let matrix = Array2::from_shape_vec((outputs, columns), w.iter().copied().collect());
        let matrix = matrix.map_err(|error| error.to_string())?;
        let per_group = outputs / groups;
        let (images, positions) = (x.shape()[0], patches.positions());
        let mut values = ArrayD::zeros(vec![images, outputs, positions]);
        let (mut events, mut report): (Option<Vec<StageEvents>>, Option<Report>) = (None, None);
        for group in 0..groups {
            let first = group * per_group;
            let weights = matrix.slice(s![first..first + per_group, ..]);
            let inputs = rows.slice(s![.., group * columns..(group + 1) * columns]);
            let inputs = inputs.as_standard_layout();
            let product = self.multiply(inputs.view(), weights)?;
            for ((row, o), value) in product.values.indexed_iter() {
                values[[row / positions, first + o, row % positions]] = *value;
            }
            merge_events(&mut events, product.events, 0);
            merge_reports(&mut report, product.report, 0);
        }
        let mut shape = vec![images, outputs];
        shape.extend(patches.output());
        let values = values.into_shape_with_order(IxDyn(&shape));
        Ok(Raw { values: values.map_err(|error| error.to_string())?, events, report })
    }

    /// Products of matrices: inputs `[..., in]`.
    fn rows<X: Operand>(&self, x: &ArrayViewD<'_, X>) -> Result<Raw, String> {
        let columns = x.shape().last().copied().unwrap_or(0);
        let rows = x.len().checked_div(columns).unwrap_or(0);
        let inputs = x.as_standard_layout();
        let inputs = inputs.view().into_shape_with_order((rows, columns));
        let inputs = inputs.map_err(|error| error.to_string())?;
        let packed = self.weights.packed()?;
        let product = multiply_packed(inputs, packed, self.accumulator, self.report)?;
        let Multiplied { values, events, report } = product;
        let mut shape = x.shape().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = values.ncols();
        }
        let values = values.into_dyn().into_shape_with_order(IxDyn(&shape));
        Ok(Raw { values: values.map_err(|error| error.to_string())?, events, report })
    }

    /// `inputs · weightsᵀ`.
    fn multiply<X: Operand, W: Operand>(
        &self,
        inputs: ndarray::ArrayView2<'_, X>,
        weights: ndarray::ArrayView2<'_, W>,
    ) -> Result<Multiplied, String> {
        multiply(inputs, weights.reversed_axes(), self.accumulator, self.report)
    }

    /// `sum (a - za)(w - zw) = sum a w - za sum w - zw sum a + K za zw`: what zero points ask for, outside the accumulator.
    fn subtract_zero_points(&self, values: &mut ArrayD<i64>, zw: i64) -> Result<(), String> {
        let za = self.input.zero_point;
        if zw != 0 {
            return Err("weights with a zero point: use symmetric weights".into());
        }
        if za == 0 {
            return Ok(());
        }
        let axis = self.channel_axis(values.ndim());
        by_channel(values, axis, self.weights.sums(), |x, sum| x - za * sum);
        Ok(())
    }
}
