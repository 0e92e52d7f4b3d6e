//! The layer's inputs, read from files block by block.

use std::ops::Range;

use fewbit::algorithms::layer::{LayerBatch, LayerInputs};

use super::args::Args;
use crate::error::CliError;
use crate::io::rows::RowFile;

/// Float inputs, and the quantized ones beside them.
pub(super) struct FileInputs {
    float: RowFile,
    quantized: Option<RowFile>,
}

impl FileInputs {
    /// Opens the files of a layer with weights of this shape.
    ///
    /// # Errors
    /// Files that cannot be read or do not fit.
    pub(super) fn open(args: &Args, weights: (usize, usize)) -> Result<Self, CliError> {
        let log = &args.form.inputs;
        let float = RowFile::open(&args.input, log)?;
        if float.dim().1 != weights.1 {
            return Err(CliError::Layer { weights, inputs: float.dim() });
        }
        let quantized =
            args.input_quantized.as_deref().map(|path| RowFile::open(path, log)).transpose()?;
        if let Some(quantized) = quantized.as_ref().filter(|q| q.dim() != float.dim()) {
            let ((rows, columns), (m, n)) = (quantized.dim(), float.dim());
            return Err(CliError::Array {
                path: quantized.path().to_owned(),
                reason: format!("is {rows}x{columns}, but the float inputs are {m}x{n}"),
            });
        }
        Ok(Self { float, quantized })
    }
}

impl LayerInputs for FileInputs {
    type Error = CliError;

    fn dim(&self) -> (usize, usize) {
        self.float.dim()
    }

    fn read(&mut self, samples: Range<usize>) -> Result<LayerBatch, CliError> {
        let (first, count) = (samples.start, samples.len());
        let float = self.float.read(first, count)?;
        let quantized = self.quantized.as_mut().map(|file| file.read(first, count)).transpose()?;
        Ok(LayerBatch { float, quantized })
    }
}
