//! The weights of a product, and what products make of them once.

use std::sync::OnceLock;

use fewbit::{PackedMatrix, PreparedConv};
use ndarray::{ArrayView2, ArrayView4, ArrayViewD, Axis};

use crate::graph::ProductLayout;

use super::datum::{Codes, Datum};
use super::ints::each;
use super::lines::Lines;
use super::right::Right;

/// Weights as their quantizer gives them; packed forms and sums are made at first use and kept, so that they serve all batches.
#[derive(Debug)]
pub(crate) struct Weights {
    layout: ProductLayout,
    /// None where they are no codes.
    datum: Option<Datum>,
    packed: OnceLock<Result<PackedMatrix, String>>,
    sums: OnceLock<Vec<i64>>,
    right: OnceLock<Result<Option<Right>, String>>,
    conv: OnceLock<Option<PreparedConv>>,
}

impl Weights {
    pub(crate) fn new(layout: ProductLayout, datum: Option<Datum>) -> Self {
        let (packed, sums) = (OnceLock::new(), OnceLock::new());
        Self { layout, datum, packed, sums, right: OnceLock::new(), conv: OnceLock::new() }
    }

    /// The weights, where they are codes with one zero point, and with scales along one axis at most.
    pub(crate) fn codes(&self) -> Option<&Codes> {
        match &self.datum {
            Some(Datum::Codes(codes)) => Some(codes),
            _ => None,
        }
    }

    /// What the quantizer of the weights gives; `None` where they are no codes.
    pub(super) fn datum(&self) -> Option<&Datum> {
        self.datum.as_ref()
    }

    /// The matrix `[in, out]` of weights that lie as one.
    pub(super) fn packed(&self) -> Result<&PackedMatrix, String> {
        let pack = || {
            let codes = self.codes().ok_or("the weights are no codes of integers")?;
            each!(&codes.ints, array => {
                let view: ArrayView2<'_, _> =
                    array.view().into_dimensionality().map_err(|error| error.to_string())?;
                Ok(PackedMatrix::new(match self.layout {
                    ProductLayout::Columns => view,
                    _ => view.reversed_axes(),
                }))
            })
        };
        self.packed.get_or_init(pack).as_ref().map_err(Clone::clone)
    }

    /// The kernels of a convolution of one or two spatial axes; `None` for others, and where the weights are no codes.
    pub(super) fn conv(&self) -> Option<&PreparedConv> {
        let prepare = || {
            each!(&self.codes()?.ints, array => {
                Some(PreparedConv::new(four(&array.view())?))
            })
        };
        self.conv.get_or_init(prepare).as_ref()
    }

    /// The sums of the codes of every output channel.
    pub(super) fn sums(&self) -> &[i64] {
        self.sums.get_or_init(|| match self.codes() {
            None => Vec::new(),
            Some(codes) => each!(&codes.ints, array => {
                let channels = array.axis_iter(Axis(self.layout.output_axis()));
                channels.map(|channel| channel.iter().map(|&w| i64::from(w)).sum()).collect()
            }),
        })
    }

    /// The same as columns of any quantizer; `None` where the weights are no codes.
    pub(super) fn right(&self) -> Result<Option<&Right>, String> {
        let along = 1 - self.layout.output_axis();
        let right = self.right.get_or_init(|| {
            let lines = self.datum.as_ref().map(|datum| Lines::of(datum, along)).transpose()?;
            Ok(lines.flatten().map(Right::new))
        });
        right.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }
}

/// A view of four axes; of three, with rows of one.
pub(super) fn four<'a, T>(array: &'a ArrayViewD<'_, T>) -> Option<ArrayView4<'a, T>> {
    let view = array.view();
    let view = if view.ndim() == 3 { view.insert_axis(Axis(2)) } else { view };
    view.into_dimensionality().ok()
}
