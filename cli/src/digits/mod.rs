//! The UCI optical digits: 1,797 images of 8x8 pixels, each pixel a count from 0 to 16.
//!
//! Source, licence and checksum are stated in `data/digits/README.md`.

mod carried;
mod files;
mod network;

use std::io::Read;

use flate2::read::GzDecoder;
use ndarray::{Array2, Axis};
use thiserror::Error;

pub use carried::{Carried, CarriedError};
#[cfg(feature = "networks")]
pub use files::CNN;
pub use files::IMAGES;
pub use network::{Layer, Perceptron};

/// Pixels of one image.
pub const PIXELS: usize = 64;
/// Classes: the digits 0 to 9.
pub const CLASSES: usize = 10;
/// Of each class, every image whose number within the class leaves this remainder modulo 3 is held out.
const HELD_OUT: (usize, usize) = (2, 3);

/// Why the carried data cannot be used.
#[derive(Debug, Error)]
pub enum DigitsError {
    /// The images cannot be unpacked.
    #[error("the carried digits cannot be unpacked: {0}")]
    Unpack(#[from] std::io::Error),
    /// A line that is not 64 pixels and a label.
    #[error("line {line} of the carried digits is not 64 counts of 0 to 16 and a digit")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// Weights that cannot be read.
    #[error("the carried network cannot be read: {0}")]
    Network(#[from] safetensors::SafeTensorError),
    /// A tensor of another type or shape.
    #[error("tensor `{name}` of the carried network is not float32 of the shape of its layer")]
    Tensor {
        /// Its name.
        name: String,
    },
}

/// Images and what they show.
#[derive(Clone, Debug, PartialEq)]
pub struct Digits {
    /// `[images, 64]`, counts from 0 to 16.
    pub images: Array2<f32>,
    /// The digit that each image shows.
    pub labels: Vec<u8>,
}

/// The digits, divided once and for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// What the network was trained on, and what scales are calibrated on.
    pub training: Digits,
    /// What accuracy is measured on.
    pub held_out: Digits,
}

impl Digits {
    fn select(&self, rows: &[usize]) -> Self {
        Self {
            images: self.images.select(Axis(0), rows),
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
        }
    }
}

/// The carried digits: of each class, in file order, every third image is held out.
///
/// # Errors
/// Carried data that does not unpack to 64 counts and a label per line.
pub fn split() -> Result<Split, DigitsError> {
    let digits = load()?;
    let mut seen = [0usize; CLASSES];
    let (mut training, mut held_out) = (Vec::new(), Vec::new());
    for (row, &label) in digits.labels.iter().enumerate() {
        let number = &mut seen[usize::from(label)];
        if *number % HELD_OUT.1 == HELD_OUT.0 { &mut held_out } else { &mut training }.push(row);
        *number += 1;
    }
    Ok(Split { training: digits.select(&training), held_out: digits.select(&held_out) })
}

fn load() -> Result<Digits, DigitsError> {
    let mut text = String::new();
    GzDecoder::new(files::PACKED).read_to_string(&mut text)?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let wrong = || DigitsError::Line { line: index + 1 };
        let numbers: Vec<u8> =
            line.split(',').map(|n| n.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
        match numbers.split_last() {
            Some((&label, image))
                if usize::from(label) < CLASSES
                    && image.len() == PIXELS
                    && image.iter().all(|&p| p <= 16) =>
            {
                pixels.extend(image.iter().map(|&p| f32::from(p)));
                labels.push(label);
            }
            _ => return Err(wrong()),
        }
    }
    let images = Array2::from_shape_vec((labels.len(), PIXELS), pixels)
        .map_err(|_| DigitsError::Line { line: labels.len() })?;
    Ok(Digits { images, labels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_on_one_side_of_the_split() -> Result<(), DigitsError> {
        let split = split()?;
        assert_eq!((split.training.labels.len(), split.held_out.labels.len()), (1201, 596));
        for class in 0..10u8 {
            let count = |d: &Digits| d.labels.iter().filter(|&&l| l == class).count();
            let (kept, held) = (count(&split.training), count(&split.held_out));
            assert!(kept.abs_diff(2 * held) <= 2, "class {class}: {kept} and {held}");
        }
        Ok(())
    }
}
