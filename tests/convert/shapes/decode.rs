//! Decoding.

use fewbit::formats::Format;
use rayon::prelude::*;

use super::{biased, shapes};
use crate::decode::check_any;

#[test]
fn every_code_of_every_shape() {
    let formats = [shapes(), biased()].concat();
    formats.into_par_iter().for_each(|float| check_any(Format::Float(float)));
}
