//! The cases that Brevitas has run.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::LazyLock;

use fewbit::quantize::{Preset, Recipe};
use fewbit_models::layers::QuantValue;
use flate2::read::GzDecoder;
use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2, IxDyn};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::Value;

static PACKED: &[u8] = include_bytes!("../golden/layers.safetensors.gz");

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bytes = Vec::new();
    GzDecoder::new(PACKED).read_to_end(&mut bytes).unwrap();
    bytes
});

static FILE: LazyLock<SafeTensors<'static>> =
    LazyLock::new(|| SafeTensors::deserialize(&BYTES).unwrap());

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let (_, metadata) = SafeTensors::read_metadata(&BYTES).unwrap();
    serde_json::from_str(&metadata.metadata().as_ref().unwrap()["cases"]).unwrap()
});

/// A quantizer: a preset and what is changed in it.
#[derive(Clone, Debug, Deserialize)]
struct Named {
    preset: String,
    set: Vec<(String, Value)>,
}

/// A layer with its inputs and what it gave.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) attrs: Value,
    quantizers: BTreeMap<String, Named>,
    tensors: BTreeMap<String, usize>,
}

/// The cases of a kind; there must be some.
pub(crate) fn cases(kind: &str) -> Vec<Case> {
    let found: Vec<Case> = CASES.iter().filter(|case| case.kind == kind).cloned().collect();
    assert!(!found.is_empty(), "no case of {kind}");
    found
}

impl Case {
    pub(crate) fn recipe(&self, field: &str) -> Option<Recipe> {
        let named = self.quantizers.get(field)?;
        let recipe = named.preset.parse::<&Preset>().unwrap().recipe().unwrap();
        let set = named.set.iter();
        Some(set.fold(recipe, |recipe, (key, value)| recipe.set(key, value.clone()).unwrap()))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Numbers of any type.
    pub(crate) fn get(&self, name: &str) -> Option<ArrayD<f64>> {
        let view = FILE.tensor(&self.tensors.get(name)?.to_string()).unwrap();
        let data = view.data();
        let numbers: Vec<f64> = match view.dtype() {
            Dtype::F32 => {
                data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b).into()).collect()
            }
            Dtype::I32 => {
                data.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b).into()).collect()
            }
            Dtype::I16 => {
                data.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b).into()).collect()
            }
            Dtype::I8 => data.iter().map(|&b| (b as i8).into()).collect(),
            other => panic!("{other:?}"),
        };
        Some(ArrayD::from_shape_vec(IxDyn(view.shape()), numbers).unwrap())
    }

    pub(crate) fn f32(&self, name: &str) -> Option<ArrayD<f32>> {
        Some(self.get(name)?.mapv(|x| x as f32))
    }

    pub(crate) fn value(&self, name: &str) -> QuantValue {
        self.f32(name).unwrap().into()
    }

    pub(crate) fn vector(&self, name: &str) -> Option<Array1<f32>> {
        Some(self.f32(name)?.into_dimensionality::<Ix1>().unwrap())
    }

    pub(crate) fn matrix(&self, name: &str) -> Array2<f32> {
        self.f32(name).unwrap().into_dimensionality::<Ix2>().unwrap()
    }

    pub(crate) fn sizes(&self, key: &str) -> Vec<usize> {
        let list = self.attrs[key].as_array();
        list.into_iter().flatten().map(|n| n.as_u64().unwrap() as usize).collect()
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.attrs[key].as_bool().unwrap_or(false)
    }
}
