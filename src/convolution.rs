//! The geometry of convolutions: which input every weight of a kernel meets.

use thiserror::Error;

/// How a two-dimensional convolution moves over its input; pairs are (rows, columns).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d<T> {
    /// Input positions from one output to the next.
    pub stride: [usize; 2],
    /// Positions before the first and after the last, on each axis.
    pub padding: [(usize, usize); 2],
    /// Input positions from one weight of the kernel to the next.
    pub dilation: [usize; 2],
    /// Parts that the channels are divided into.
    pub groups: usize,
    /// The code at padded positions: the zero point of the input, which stands for the number 0.
    pub padding_code: T,
}

impl<T: Default> Default for Conv2d<T> {
    fn default() -> Self {
        Self {
            stride: [1; 2],
            padding: [(0, 0); 2],
            dilation: [1; 2],
            groups: 1,
            padding_code: T::default(),
        }
    }
}

/// Why a convolution has no output.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConvShapeError {
    /// A stride, dilation or number of groups of 0.
    #[error("{0} must be at least 1, and it is 0")]
    Zero(&'static str),
    /// Channels that do not fit.
    #[error(
        "the input has {input} channels, and weights of {weights} input channels in {groups} groups need {}",
        weights.saturating_mul(*groups)
    )]
    Channels {
        /// Channels of the input.
        input: usize,
        /// Input channels per group of the weights.
        weights: usize,
        /// Groups.
        groups: usize,
    },
    /// Output channels that the groups do not divide.
    #[error("{outputs} output channels cannot be divided into {groups} groups")]
    Groups {
        /// Output channels of the weights.
        outputs: usize,
        /// Groups.
        groups: usize,
    },
    /// A kernel that does not fit into the input.
    #[error(
        "a kernel that spans {kernel} {axis} does not fit an input of {input} with its padding"
    )]
    Kernel {
        /// `rows` or `columns`.
        axis: &'static str,
        /// What the kernel spans, dilated.
        kernel: usize,
        /// The padded size.
        input: usize,
    },
}

impl<T> Conv2d<T> {
    /// Rows and columns of the output for an input `[N, C, H, W]` and weights `[O, C / groups, U, V]`.
    ///
    /// # Errors
    /// What [`ConvShapeError`] says of shapes.
    pub fn output(
        &self,
        (_, channels, height, width): (usize, usize, usize, usize),
        (outputs, depth, u, v): (usize, usize, usize, usize),
    ) -> Result<[usize; 2], ConvShapeError> {
        let groups = self.groups;
        if groups == 0 {
            return Err(ConvShapeError::Zero("the number of groups"));
        }
        if depth.checked_mul(groups) != Some(channels) {
            return Err(ConvShapeError::Channels { input: channels, weights: depth, groups });
        }
        if outputs % groups != 0 {
            return Err(ConvShapeError::Groups { outputs, groups });
        }
        let sizes = [("rows", height, u), ("columns", width, v)];
        let mut out = [0; 2];
        for (axis, (name, size, kernel)) in sizes.into_iter().enumerate() {
            let (stride, dilation) = (self.stride[axis], self.dilation[axis]);
            if stride == 0 {
                return Err(ConvShapeError::Zero("a stride"));
            }
            if dilation == 0 || kernel == 0 {
                return Err(ConvShapeError::Zero(if kernel == 0 {
                    "a kernel's size"
                } else {
                    "a dilation"
                }));
            }
            let (before, after) = self.padding[axis];
            let input = size.saturating_add(before).saturating_add(after);
            let kernel = (kernel - 1).saturating_mul(dilation).saturating_add(1);
            if kernel > input {
                return Err(ConvShapeError::Kernel { axis: name, kernel, input });
            }
            out[axis] = (input - kernel) / stride + 1;
        }
        Ok(out)
    }

    /// The input position on `axis` that output `at` meets with weight `offset`; `None` in the padding before the first.
    pub(crate) fn source(&self, axis: usize, at: usize, offset: usize) -> Option<usize> {
        (at * self.stride[axis] + offset * self.dilation[axis]).checked_sub(self.padding[axis].0)
    }
}
