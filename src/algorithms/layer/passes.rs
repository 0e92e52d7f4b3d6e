//! Passes over a layer's inputs, transformed, a block of samples at a time.

use std::time::Instant;

use ndarray::{Array1, Array2, ArrayView2};

use super::activations::ActivationCodes;
use super::error::LayerError;
use super::inputs::{LayerBatch, LayerInputs};
use super::job::{InputValues, LayerActivations};
use super::progress::{LayerPhase, LayerProgress};
use super::transform::LayerTransform;
use crate::algorithms::{AlgorithmError, BLOCK, Collector, Precision, Statistics};

/// Inputs, and what every pass does to them.
pub(super) struct Passes<'a, I> {
    inputs: &'a mut I,
    progress: &'a mut dyn FnMut(LayerProgress),
    /// What is done to all inputs first.
    pub(super) transform: LayerTransform,
    /// The codes of X̃, where they are asked for.
    codes: Option<ActivationCodes>,
    /// Whether X̃ are the values of these codes.
    values: InputValues,
}

/// Some samples, transformed.
pub(super) struct Block {
    /// X.
    pub(super) float: Array2<f32>,
    /// X̃; `None` where it is X.
    quantized: Option<Array2<f32>>,
}

impl Block {
    /// X̃.
    pub(super) fn quantized(&self) -> ArrayView2<'_, f32> {
        self.quantized.as_ref().unwrap_or(&self.float).view()
    }

    /// Whether X̃ is something else than X.
    pub(super) fn is_pair(&self) -> bool {
        self.quantized.is_some()
    }
}

impl<'a, I: LayerInputs> Passes<'a, I> {
    /// Inputs as they are.
    pub(super) fn new(inputs: &'a mut I, progress: &'a mut dyn FnMut(LayerProgress)) -> Self {
        let (transform, values) = (LayerTransform::default(), InputValues::AsGiven);
        Self { inputs, progress, transform, codes: None, values }
    }

    /// The codes of X̃, where they are asked for.
    pub(super) fn codes(&self) -> Option<&ActivationCodes> {
        self.codes.as_ref()
    }

    /// Says that a phase has come so far.
    pub(super) fn report(&mut self, phase: LayerPhase, done: usize, total: usize) {
        (self.progress)(LayerProgress { phase, done, total });
    }

    /// Hands every block of samples to `work`, in order.
    pub(super) fn each(
        &mut self,
        phase: LayerPhase,
        mut work: impl FnMut(&Block) -> Result<(), LayerError>,
    ) -> Result<(), I::Error> {
        let (samples, width) = self.inputs.dim();
        let total = samples.div_ceil(BLOCK);
        self.report(phase, 0, total);
        for number in 0..total {
            let first = number * BLOCK;
            let count = BLOCK.min(samples - first);
            let batch = self.inputs.read(first..first + count)?;
            let block = self.block(batch, (count, width))?;
            work(&block)?;
            self.report(phase, number + 1, total);
        }
        Ok(())
    }

    fn block(&self, batch: LayerBatch, dim: (usize, usize)) -> Result<Block, LayerError> {
        let transformed = |what, x: Array2<f32>| {
            AlgorithmError::check_shape(what, x.dim(), dim)?;
            self.transform.inputs(x)
        };
        let float = transformed("a batch of inputs", batch.float)?;
        let mut quantized =
            batch.quantized.map(|x| transformed("a batch of quantized inputs", x)).transpose()?;
        if let (Some(codes), InputValues::OfCodes) = (&self.codes, self.values) {
            quantized = Some(codes.values(quantized.as_ref().unwrap_or(&float).view())?);
        }
        Ok(Block { float, quantized })
    }

    /// The greatest magnitude of every channel of X.
    pub(super) fn abs_max(&mut self) -> Result<Array1<f64>, I::Error> {
        let mut most = Array1::zeros(self.inputs.dim().1);
        self.each(LayerPhase::InputRange, |block| {
            for row in block.float.rows() {
                most.zip_mut_with(&row, |most: &mut f64, x| *most = most.max(f64::from(x.abs())));
            }
            Ok(())
        })?;
        Ok(most)
    }

    /// Chooses the codes of the activations.
    pub(super) fn calibrate(&mut self, activations: &LayerActivations) -> Result<(), I::Error> {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        self.each(LayerPhase::InputRange, |block| {
            for &x in block.quantized() {
                (low, high) = (low.min(x), high.max(x));
            }
            Ok(())
        })?;
        let codes = ActivationCodes::new(activations.format, (low, high));
        self.codes = Some(codes.map_err(LayerError::from)?);
        self.values = activations.input_values;
        Ok(())
    }

    /// The statistics of all samples, `width` inputs wide once transformed, and the seconds that summing them took.
    pub(super) fn statistics(&mut self, width: usize) -> Result<(Statistics, f64), I::Error> {
        let collector = Collector::new(width, 1, Precision::Single);
        let mut collector = collector.map_err(LayerError::from)?;
        let mut seconds = 0.0;
        self.each(LayerPhase::Statistics, |block| {
            let start = Instant::now();
            if block.is_pair() {
                collector.push_pairs(block.quantized(), block.float.view())?;
            } else {
                collector.push(block.float.view())?;
            }
            seconds += start.elapsed().as_secs_f64();
            Ok(())
        })?;
        let start = Instant::now();
        let statistics = collector.finish();
        Ok((statistics, seconds + start.elapsed().as_secs_f64()))
    }
}
