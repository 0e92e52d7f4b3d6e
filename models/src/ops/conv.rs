//! `Conv`.

use crate::tensor::Tensor;

use super::convolve::convolve;
use super::set::attributes;
use super::window::{Fit, Padding, output_dims, slides};
use super::{Dim, Fact, Inputs, OpError, Operator};

attributes! {
    /// `Conv`: inputs X `[N, C, ...]`, W `[O, C / groups, ...]`, and B `[O]` if there is one.
    Conv {
        /// Extents of the kernel; empty for those of W.
        "kernel_shape" kernel: Vec<usize> = Vec::new();
        /// Positions from one output to the next; empty for 1.
        "strides" strides: Vec<usize> = Vec::new();
        /// Positions from one weight to the next; empty for 1.
        "dilations" dilations: Vec<usize> = Vec::new();
        /// Parts that the channels fall into.
        "group" groups: usize = 1;
        flatten
        /// Zeros around the input.
        padding: Padding;
    }
}

/// Type and shape of a convolution's result, from those of its inputs.
pub(crate) fn infer_conv(conv: &Conv, x: &Fact, w: &Fact) -> Result<Option<Vec<Dim>>, OpError> {
    let (Some(x), Some(w)) = (&x.shape, &w.shape) else { return Ok(None) };
    if x.len() < 3 || x.len() != w.len() {
        let (x, w) = (x.len(), w.len());
        return Err(OpError::Shape(format!("X has {x} axes and W has {w}: 3 or more, as many")));
    }
    let kernel: Option<Vec<usize>> = match conv.kernel.is_empty() {
        true => w[2..].iter().map(Dim::size).collect(),
        false => Some(conv.kernel.clone()),
    };
    let mut shape = vec![x[0].clone(), w[0].clone()];
    match kernel {
        Some(kernel) => shape.extend(output_dims(
            &x[2..],
            &kernel,
            &conv.strides,
            &conv.dilations,
            &conv.padding,
            Fit::Floor,
        )?),
        None => shape.extend(x[2..].iter().map(|_| Dim::Unknown)),
    }
    Ok(Some(shape))
}

impl Conv {
    /// The windows over an input of this shape with weights of that one, both checked.
    pub(crate) fn windows(
        &self,
        x: &[usize],
        w: &[usize],
    ) -> Result<Vec<super::window::Slide>, OpError> {
        if x.len() < 3 || x.len() != w.len() {
            return Err(OpError::Shape(format!("X of shape {x:?} with W of shape {w:?}")));
        }
        if !self.kernel.is_empty() && self.kernel != w[2..] {
            let problem = format!("{:?}, and the kernel of W is {:?}", self.kernel, &w[2..]);
            return Err(OpError::attribute("kernel_shape", problem));
        }
        let groups = self.groups;
        if groups == 0 || x[1] != w[1] * groups || !w[0].is_multiple_of(groups) {
            return Err(OpError::Shape(format!(
                "X of {} channels with W of shape {w:?} in {groups} groups",
                x[1]
            )));
        }
        slides(&x[2..], &w[2..], &self.strides, &self.dilations, &self.padding, Fit::Floor)
    }
}

impl Operator for Conv {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        let (x, w) = (inputs.required(0, "X")?, inputs.required(1, "W")?);
        let shape = infer_conv(self, x, w)?;
        Ok(vec![Fact { element: x.element, shape, known: None }])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.array::<f32>(0, "X")?;
        let w = inputs.array::<f32>(1, "W")?;
        let bias = inputs.optional(2).map(|_| inputs.array::<f32>(2, "B")).transpose()?;
        let slides = self.windows(x.shape(), w.shape())?;
        Ok(vec![convolve(x, w, bias, self.groups, &slides)?.into()])
    }
}
