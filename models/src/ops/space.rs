//! `DepthToSpace` and `SpaceToDepth`.

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::set::{attributes, words};
use super::transpose::permuted;
use super::typed::{array, dense, map_tensor};
use super::{Dim, Fact, Inputs, OpError, Operator};

words! {
    /// The order in which channels become places.
    DepthOrder {
        /// The place varies slowest.
        DepthColumnRow = "DCR";
        /// The channel varies slowest.
        ColumnRowDepth = "CRD";
    }
}

attributes! {
    /// Channels become blocks of places.
    DepthToSpace {
        /// Places along each axis.
        "blocksize" block: usize = 1;
        /// The order of the channels.
        "mode" order: DepthOrder = DepthOrder::DepthColumnRow;
    }
    /// Blocks of places become channels.
    SpaceToDepth {
        /// Places along each axis.
        "blocksize" block: usize = 1;
    }
}

fn moved<T: Clone>(
    x: &ArcArray<T, IxDyn>,
    parts: &[usize],
    order: &[usize],
    shape: &[usize],
) -> Result<ArcArray<T, IxDyn>, OpError> {
    let x = array(parts, dense(x).into_owned())?;
    array(shape, dense(&permuted(&x, order)?).into_owned())
}

fn dims(x: &Fact, f: impl Fn(&[usize; 4]) -> Option<[usize; 4]>) -> Fact {
    let sizes = x.sizes().and_then(|sizes| <[usize; 4]>::try_from(sizes).ok());
    let shape = match sizes.and_then(|sizes| f(&sizes)) {
        Some(sizes) => sizes.into_iter().map(Dim::Size).collect(),
        None => vec![Dim::Unknown; 4],
    };
    Fact { element: x.element, shape: Some(shape), known: None }
}

impl DepthToSpace {
    fn shape(&self, &[n, c, h, w]: &[usize; 4]) -> Option<[usize; 4]> {
        let (b, area) = (self.block, self.block.checked_mul(self.block)?);
        if area == 0 || c % area != 0 {
            return None;
        }
        Some([n, c / area, h.checked_mul(b)?, w.checked_mul(b)?])
    }
}

impl Operator for DepthToSpace {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        Ok(vec![dims(inputs.required(0, "input")?, |sizes| self.shape(sizes))])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "input")?;
        let sizes: Option<[usize; 4]> = x.shape().try_into().ok();
        let shape = sizes.and_then(|sizes| self.shape(&sizes));
        let (Some([n, _, h, w]), Some(shape)) = (sizes, shape) else {
            let (found, b) = (x.shape(), self.block);
            return Err(OpError::Shape(format!("shape {found:?} in blocks of {b}")));
        };
        let (b, depth) = (self.block, shape[1]);
        let (parts, order) = match self.order {
            DepthOrder::DepthColumnRow => ([n, b, b, depth, h, w], [0, 3, 4, 1, 5, 2]),
            DepthOrder::ColumnRowDepth => ([n, depth, b, b, h, w], [0, 1, 4, 2, 5, 3]),
        };
        Ok(vec![map_tensor!(x, a => moved(a, &parts, &order, &shape)?)])
    }
}

impl SpaceToDepth {
    fn shape(&self, &[n, c, h, w]: &[usize; 4]) -> Option<[usize; 4]> {
        let b = self.block;
        if b == 0 || h % b != 0 || w % b != 0 {
            return None;
        }
        Some([n, c.checked_mul(b.checked_mul(b)?)?, h / b, w / b])
    }
}

impl Operator for SpaceToDepth {
    fn infer(&self, inputs: Inputs<'_, Fact>) -> Result<Vec<Fact>, OpError> {
        Ok(vec![dims(inputs.required(0, "input")?, |sizes| self.shape(sizes))])
    }

    fn run(&self, inputs: Inputs<'_, Tensor>) -> Result<Vec<Tensor>, OpError> {
        let x = inputs.required(0, "input")?;
        let sizes: Option<[usize; 4]> = x.shape().try_into().ok();
        let shape = sizes.and_then(|sizes| self.shape(&sizes));
        let (Some([n, c, h, w]), Some(shape)) = (sizes, shape) else {
            let (found, b) = (x.shape(), self.block);
            return Err(OpError::Shape(format!("shape {found:?} in blocks of {b}")));
        };
        let b = self.block;
        let parts = [n, c, h / b, b, w / b, b];
        Ok(vec![map_tensor!(x, a => moved(a, &parts, &[0, 3, 5, 1, 2, 4], &shape)?)])
    }
}
