//! Windows that slide over an input: kernels of convolutions and pools.

use super::set::{AttributeSet, AttributeValue, words};
use super::{Attributes, Dim, OpError};

words! {
    /// How padding is given.
    AutoPad {
        /// By numbers.
        NotSet = "NOTSET";
        /// As many outputs as inputs over the stride, the odd one at the end.
        SameUpper = "SAME_UPPER";
        /// The same, the odd one at the beginning.
        SameLower = "SAME_LOWER";
        /// None.
        Valid = "VALID";
    }
}

/// The padding of a convolution or a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// How padding is given.
    pub auto: AutoPad,
    /// Before each axis, then after each axis; empty for none.
    pub pads: Vec<usize>,
}

impl AttributeSet for Padding {
    fn from_attributes(attributes: &mut Attributes) -> Result<Self, OpError> {
        let auto = AutoPad::take(attributes, "auto_pad")?.unwrap_or_default();
        let pads = Vec::<usize>::take(attributes, "pads")?.unwrap_or_default();
        Ok(Self { auto, pads })
    }

    fn put_attributes(&self, attributes: &mut Attributes) {
        if self.auto != AutoPad::NotSet {
            attributes.insert("auto_pad", super::Attribute::Text(self.auto.to_string()));
        }
        if let (false, Some(pads)) = (self.pads.is_empty(), self.pads.put()) {
            attributes.insert("pads", pads);
        }
    }
}

/// How an output axis is rounded where the window does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Only whole windows.
    Floor,
    /// A last one that hangs over, if it begins inside the input or the padding before it.
    Ceil,
}

/// A window along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slide {
    /// The extent of the input.
    pub(crate) input: usize,
    /// The extent of the kernel.
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    /// Padding before.
    pub(crate) before: usize,
    /// Padding after.
    pub(crate) after: usize,
    /// The number of windows.
    pub(crate) output: usize,
}

impl Slide {
    /// The place in the input of a tap of a window, if it is inside.
    pub(crate) fn place(&self, window: usize, tap: usize) -> Option<usize> {
        let place = (window * self.stride + tap * self.dilation).checked_sub(self.before)?;
        (place < self.input).then_some(place)
    }

    /// The window that meets a place of the input with a tap, if one does.
    pub(crate) fn window(&self, place: usize, tap: usize) -> Option<usize> {
        let from = (place + self.before).checked_sub(tap * self.dilation)?;
        let window = from / self.stride;
        (from % self.stride == 0 && window < self.output).then_some(window)
    }

    /// The windows for which a tap is inside the input: from, to.
    pub(crate) fn inside(&self, tap: usize) -> (usize, usize) {
        let offset = tap * self.dilation;
        let from = self.before.saturating_sub(offset).div_ceil(self.stride);
        let to = (self.input + self.before).saturating_sub(offset).div_ceil(self.stride);
        (from.min(self.output), to.min(self.output).max(from.min(self.output)))
    }
}

/// Entries per spatial axis.
pub(crate) fn spatial(
    name: &str,
    given: &[usize],
    axes: usize,
    default: usize,
) -> Result<Vec<usize>, OpError> {
    match given.len() {
        0 => Ok(vec![default; axes]),
        n if n == axes => Ok(given.to_vec()),
        n => Err(OpError::attribute(name, format!("{n} entries for {axes} spatial axes"))),
    }
}

/// Strides and dilations of at least 1, checked.
pub(crate) fn steps(name: &str, given: &[usize], axes: usize) -> Result<Vec<usize>, OpError> {
    let steps = spatial(name, given, axes, 1)?;
    match steps.iter().find(|&&step| step == 0) {
        Some(_) => Err(OpError::attribute(name, "0 is no step".to_owned())),
        None => Ok(steps),
    }
}

/// The windows over an input's spatial axes.
pub(crate) fn slides(
    input: &[usize],
    kernel: &[usize],
    strides: &[usize],
    dilations: &[usize],
    padding: &Padding,
    fit: Fit,
) -> Result<Vec<Slide>, OpError> {
    let axes = input.len();
    if kernel.len() != axes {
        let (n, m) = (kernel.len(), axes);
        return Err(OpError::Shape(format!("a kernel of {n} axes over an input of {m}")));
    }
    let strides = steps("strides", strides, axes)?;
    let dilations = steps("dilations", dilations, axes)?;
    let pads = match padding.auto {
        AutoPad::NotSet => spatial("pads", &padding.pads, 2 * axes, 0)?,
        _ => vec![0; 2 * axes],
    };
    let slide = |i: usize| {
        let (input, kernel, stride, dilation) = (input[i], kernel[i], strides[i], dilations[i]);
        if kernel == 0 {
            return Err(OpError::Shape("a kernel without elements".into()));
        }
        let span = (kernel - 1) * dilation + 1;
        let (before, after) = match padding.auto {
            AutoPad::SameUpper | AutoPad::SameLower => {
                let output = input.div_ceil(stride);
                let needed = (output.saturating_sub(1) * stride + span).saturating_sub(input);
                let small = needed / 2;
                match padding.auto {
                    AutoPad::SameUpper => (small, needed - small),
                    _ => (needed - small, small),
                }
            }
            _ => (pads[i], pads[axes + i]),
        };
        let padded = input + before + after;
        let room = padded.checked_sub(span).ok_or_else(|| {
            OpError::Shape(format!("a kernel that spans {span} over {padded} elements"))
        })?;
        let output = match fit {
            Fit::Floor => room / stride + 1,
            Fit::Ceil => {
                let output = room.div_ceil(stride) + 1;
                // A last window that begins behind the input holds nothing.
                if (output - 1) * stride >= input + before { output - 1 } else { output }
            }
        };
        Ok(Slide { input, kernel, stride, dilation, before, after, output })
    };
    (0..axes).map(slide).collect()
}

/// The spatial extents of the output, as far as those of the input are known.
pub(crate) fn output_dims(
    input: &[Dim],
    kernel: &[usize],
    strides: &[usize],
    dilations: &[usize],
    padding: &Padding,
    fit: Fit,
) -> Result<Vec<Dim>, OpError> {
    // Extents that are not known stand as one that any kernel fits into.
    let sizes: Vec<usize> = input.iter().map(|dim| dim.size().unwrap_or(1 << 24)).collect();
    let slides = slides(&sizes, kernel, strides, dilations, padding, fit)?;
    let dim = |(slide, dim): (&Slide, &Dim)| match dim {
        Dim::Size(_) => Dim::Size(slide.output),
        same if slide.output == slide.input && slide.stride == 1 => same.clone(),
        _ => Dim::Unknown,
    };
    Ok(slides.iter().zip(input).map(dim).collect())
}
