//! Matrix products.

use ndarray::ArrayView2;

use super::growth::brevitas;
use super::{BitGrowth, Granularity, IntError, IntTensor, Outcome};
use crate::accumulate::Accumulator;
use crate::accumulate::bounds::DataType;
use crate::kernels::{MatmulOptions, matmul};
use crate::tensor::granularity::{Arrangement, array};

impl IntTensor {
    /// The product `[M, N]` of `self`, `[M, K]`, and `other`, `[K, N]`: exact sums of exact products. Its scales are the
    /// products of those of the row of `self` and the column of `other`.
    ///
    /// # Errors
    /// Operands that are not matrices or do not fit; a zero point; scales that differ along K; a result beyond the stated
    /// type or 64 bits.
    ///
    /// ```
    /// use fewbit::formats::Int8;
    /// use fewbit::tensor::{BitGrowth, Granularity, QuantTensor};
    /// use ndarray::array;
    /// let (codes, scale) = (array![[1u8, 2], [3, 4]].into_dyn(), array![[0.5f32], [2.0]].into_dyn());
    /// let a = QuantTensor::<Int8>::new(codes, scale, None, Granularity::Row)?.to_int()?;
    /// let product = a.matmul(&a.transposed()?, BitGrowth::Brevitas)?;
    /// assert_eq!(product.ints(), array![[5i64, 11], [11, 25]].into_dyn());
    /// assert_eq!(product.dequantize(), array![[1.25, 11.0], [11.0, 100.0]].into_dyn());
    /// assert_eq!(product.data_type().bits, 17); // ceil(log2(255 * 255 * 2))
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn matmul(&self, other: &Self, growth: BitGrowth) -> Result<Self, IntError> {
        let operation = "a matrix product";
        let shapes = || IntError::Shapes {
            operation,
            a: self.shape().to_vec(),
            b: other.shape().to_vec(),
            expected: "[M, K] and [K, N]",
        };
        fn matrix(tensor: &IntTensor) -> Option<ArrayView2<'_, i64>> {
            tensor.ints.view().into_dimensionality().ok()
        }
        let (Some(a), Some(b)) = (matrix(self), matrix(other)) else {
            return Err(shapes());
        };
        if a.ncols() != b.nrows() {
            return Err(shapes());
        }
        if self.zero_point.is_some() || other.zero_point.is_some() {
            return Err(IntError::ZeroPoint { operation });
        }
        let (rows, columns) = (self.per_index(0, operation)?, other.per_index(1, operation)?);
        let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
        let one = |scales: &[f64], i: usize| *scales.get(i).or(scales.first()).unwrap_or(&f64::NAN);
        let granularity = match (rows.len(), columns.len()) {
            (1, 1) if m > 0 && n > 0 => Granularity::Tensor,
            (_, 1) if n != 1 && n > 0 => Granularity::Row,
            (1, _) if m > 0 => Granularity::Channel { axis: 1 },
            (_, _) if n == 1 => Granularity::Row,
            _ => Granularity::Group { axis: 1, size: 1 },
        };
        let expected = Arrangement::new(&[m, n], granularity)?;
        let shape = expected.scale_shape();
        let (high, wide) = match shape {
            [high, wide] => (*high, *wide),
            _ => (1, 1),
        };
        let places = (0..high).flat_map(|i| (0..wide).map(move |j| (i, j)));
        let scale = places.map(|(i, j)| one(&rows, i) * one(&columns, j)).collect();
        let scale = array(shape, scale)?;
        let product = matmul(a, b, &Accumulator::exact(), &MatmulOptions::default())?;
        let extent = self.extent.product(other.extent).and_then(|extent| extent.times(k));
        Outcome {
            operation,
            values: product.values.iter().map(|&value| i128::from(value)).collect(),
            shape: vec![m, n],
            brevitas: brevitas::dot(self.data_type, other.data_type, k),
            extent,
            scale,
            zero_point: None,
            granularity,
        }
        .state(growth)
    }

    /// A linear layer: `self` `[..., in]` times the transpose of `weight` `[out, in]`, plus `bias` `[out]` in units of the
    /// products' scale; the result is `[..., out]`.
    ///
    /// # Errors
    /// As [`Self::matmul`]; a bias whose scales are not the products'.
    pub fn linear(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        growth: BitGrowth,
    ) -> Result<Self, IntError> {
        let operation = "a linear layer";
        let shapes = |b: &Self, expected| IntError::Shapes {
            operation,
            a: self.shape().to_vec(),
            b: b.shape().to_vec(),
            expected,
        };
        let weights = "[..., in] and weights [out, in]";
        let (Some((&depth, leading)), [outputs, _]) = (self.shape().split_last(), weight.shape())
        else {
            return Err(shapes(weight, weights));
        };
        let rows: usize = leading.iter().product();
        let matrix = self.reshaped(&[rows, depth])?;
        let columns = weight.transposed()?;
        // With a bias the sum is what must fit.
        let of_product = if bias.is_some() { BitGrowth::Range } else { growth };
        let mut product = matrix.matmul(&columns, of_product)?;
        let mut whole = leading.to_vec();
        whole.push(*outputs);
        if let Some(bias) = bias {
            if bias.shape() != [*outputs] {
                return Err(shapes(bias, "a bias [out] for weights [out, in]"));
            }
            let stated = brevitas::dot(self.data_type, weight.data_type, depth);
            product = product.with_bias(bias, stated, operation, growth)?;
        }
        product.reshaped(&whole)
    }

    fn with_bias(
        &self,
        bias: &Self,
        stated: DataType,
        operation: &'static str,
        growth: BitGrowth,
    ) -> Result<Self, IntError> {
        if bias.zero_point.is_some() {
            return Err(IntError::ZeroPoint { operation });
        }
        let (scales, biases) = (self.expand(&self.scale), bias.expand(&bias.scale));
        let columns = bias.shape().first().copied().unwrap_or(1).max(1);
        for (flat, &a) in scales.iter().enumerate() {
            let index = flat % columns;
            let b = biases.iter().nth(index).copied().unwrap_or(f64::NAN);
            if a != b && !(a.is_nan() && b.is_nan()) {
                return Err(IntError::Scales { operation, index, a, b });
            }
        }
        let added = bias.ints.iter().cycle();
        let values = self.ints.iter().zip(added).map(|(&a, &b)| i128::from(a) + i128::from(b));
        Outcome {
            operation,
            values: values.collect(),
            shape: self.shape().to_vec(),
            brevitas: brevitas::with_bias(stated, bias.data_type),
            extent: self.extent.sum(bias.extent),
            scale: self.scale.clone(),
            zero_point: None,
            granularity: self.granularity,
        }
        .state(growth)
    }

    /// The scales of a matrix, one for all or one per index of axis `kept`; they must not vary along the other axis.
    fn per_index(&self, kept: usize, operation: &'static str) -> Result<Vec<f64>, IntError> {
        let varies = |axis: usize| self.scale.shape().get(axis).is_some_and(|&n| n > 1);
        let summed = 1 - kept;
        if varies(summed) {
            let granularity = self.granularity.to_string();
            return Err(IntError::Contracted { operation, axis: summed, granularity });
        }
        Ok(self.scale.iter().copied().collect())
    }
}
