//! What Brevitas made of small networks: `golden/passes.py`.

use std::io::Read;
use std::sync::LazyLock;

use fewbit_models::tensor::Tensor;
use flate2::read::GzDecoder;
use ndarray::{ArrayD, IxDyn};
use safetensors::SafeTensors;

static PACKED: &[u8] = include_bytes!("../golden/passes.safetensors.gz");

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bytes = Vec::new();
    GzDecoder::new(PACKED).read_to_end(&mut bytes).expect("a compressed file");
    bytes
});

static FILE: LazyLock<SafeTensors<'static>> =
    LazyLock::new(|| SafeTensors::deserialize(&BYTES).expect("a file of tensors"));

/// The tensors of a case.
#[derive(Clone, Copy)]
pub(crate) struct Case(pub(crate) &'static str);

impl Case {
    pub(crate) fn get(self, name: &str) -> Option<ArrayD<f32>> {
        let view = FILE.tensor(&format!("{}/{name}", self.0)).ok()?;
        let numbers = view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        Some(ArrayD::from_shape_vec(IxDyn(view.shape()), numbers).expect("the shape's elements"))
    }

    pub(crate) fn array(self, name: &str) -> ArrayD<f32> {
        self.get(name).unwrap_or_else(|| panic!("{} has no {name}", self.0))
    }

    pub(crate) fn tensor(self, name: &str) -> Tensor {
        self.array(name).into()
    }

    /// The inputs `x1`, `x2`, ... as batches of a network with one input.
    pub(crate) fn batches(self) -> Vec<Vec<Tensor>> {
        let batch = |i: usize| self.get(&format!("x{i}")).map(|x| vec![x.into()]);
        (1..).map_while(batch).collect()
    }
}
