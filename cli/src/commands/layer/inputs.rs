//! The layer's inputs, block by block.

use std::time::Instant;

use fewbit::algorithms::{BLOCK, Collector, Precision, Statistics};
use ndarray::{Array1, Array2, ArrayView2};

use super::acts::Acts;
use super::args::Args;
use super::transform::Transform;
use crate::error::CliError;
use crate::io::rows::RowFile;
use crate::output::LateProgress;

/// Float inputs, the quantized ones beside them, and the codes of these.
pub(super) struct Inputs {
    float: RowFile,
    quantized: Option<RowFile>,
    /// The codes of X̃, where they are asked for.
    pub(super) acts: Option<Acts>,
    /// Whether X̃ are the values of these codes.
    use_acts: bool,
    /// What is done to all inputs first.
    pub(super) transform: Transform,
}

/// Some samples.
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

impl Inputs {
    /// Opens the files; `width` is the number of inputs that the weights have.
    pub(super) fn open(args: &Args, weights: (usize, usize)) -> Result<Self, CliError> {
        let float = RowFile::open(&args.input)?;
        if float.dim().1 != weights.1 {
            return Err(CliError::Layer { weights, inputs: float.dim() });
        }
        let quantized = args.input_quantized.as_deref().map(RowFile::open).transpose()?;
        if let Some(quantized) = quantized.as_ref().filter(|q| q.dim() != float.dim()) {
            let ((rows, columns), (m, n)) = (quantized.dim(), float.dim());
            return Err(CliError::Array {
                path: quantized.path().to_owned(),
                reason: format!("is {rows}x{columns}, but the float inputs are {m}x{n}"),
            });
        }
        let transform = Transform::default();
        Ok(Self { float, quantized, acts: None, use_acts: false, transform })
    }

    /// The greatest magnitude of every channel of X.
    pub(super) fn abs_max(&mut self) -> Result<Array1<f64>, CliError> {
        let mut most = Array1::zeros(self.float.dim().1);
        self.each("range of the inputs", |block| {
            for row in block.float.rows() {
                most.zip_mut_with(&row, |most: &mut f64, x| *most = most.max(f64::from(x.abs())));
            }
            Ok(())
        })?;
        Ok(most)
    }

    /// Chooses the codes of the activations, where there are any.
    pub(super) fn calibrate(&mut self, args: &Args) -> Result<(), CliError> {
        if let Some(format) = args.acts {
            let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
            self.each("range of the inputs", |block| {
                for &x in block.quantized() {
                    (low, high) = (low.min(x), high.max(x));
                }
                Ok(())
            })?;
            self.acts = Some(Acts::new(format, (low, high))?);
            self.use_acts = args.quantize_input;
        }
        Ok(())
    }

    /// Rows.
    pub(super) fn samples(&self) -> usize {
        self.float.dim().0
    }

    /// Hands every block of samples to `work`, in order.
    pub(super) fn each(
        &mut self,
        what: &'static str,
        mut work: impl FnMut(&Block) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let samples = self.samples();
        let progress = LateProgress::new(what, samples.div_ceil(BLOCK) as u64);
        for first in (0..samples).step_by(BLOCK) {
            let count = BLOCK.min(samples - first);
            let float = self.transform.inputs(self.float.read(first, count)?)?;
            let mut quantized = match &mut self.quantized {
                Some(file) => Some(self.transform.inputs(file.read(first, count)?)?),
                None => None,
            };
            if let Some(acts) = self.acts.as_ref().filter(|_| self.use_acts) {
                quantized = Some(acts.values(quantized.as_ref().unwrap_or(&float).view())?);
            }
            work(&Block { float, quantized })?;
            progress.step();
        }
        Ok(())
    }

    /// The statistics of all samples, `width` inputs wide once transformed, and the seconds that summing them took.
    pub(super) fn statistics(&mut self, width: usize) -> Result<(Statistics, f64), CliError> {
        let mut collector = Collector::new(width, 1, Precision::Single)?;
        let mut seconds = 0.0;
        self.each("statistics", |block| {
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
