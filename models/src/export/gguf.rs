//! A quantized language model as a GGUF file.

use std::collections::BTreeMap;
use std::io::Write;

use fewbit::formats::Format;
use fewbit::tensor::AnyQuantTensor;

use crate::gguf::{GgufError, GgufWriter, Metadata, TensorInfo, TensorType, encode, encode_codes};
use crate::graph::{Graph, Node, ValueId};
use crate::language::{Checkpoint, LanguageConfig, RowOrder, gguf_name, rope_divisors};
use crate::ops::{Inputs, Op};
use crate::tensor::Tensor;

use super::ExportError;
use super::plain::{PlainModel, constant_of};

/// The blocks that quantized weights are written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GgufWeights {
    /// Each weight as what its scheme is (`MXFP4`, `Q4_0`, `Q4_1`, `Q8_0`), and as `F32` with a warning where it is none of them.
    #[default]
    AsQuantized,
    /// All as this type; what it does not hold exactly is an error.
    Only(TensorType),
}

/// A GGUF file on its way.
#[derive(Clone, Debug)]
pub struct GgufExport {
    metadata: Metadata,
    tensors: Vec<(TensorInfo, Blocks)>,
    /// What the file does not hold of the network, a sentence each.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug)]
enum Blocks {
    Bytes(Vec<u8>),
    Floats(Tensor),
}

impl GgufExport {
    /// The tensors: names, shapes and types.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &TensorInfo> {
        self.tensors.iter().map(|(info, _)| info)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What the destination refuses; names or shapes that files cannot have.
    pub fn write_to<W: Write>(&self, to: W) -> Result<W, GgufError> {
        let infos: Vec<TensorInfo> = self.tensors().cloned().collect();
        let mut writer = GgufWriter::new(to, &self.metadata, &infos)?;
        for (info, blocks) in &self.tensors {
            match blocks {
                Blocks::Bytes(bytes) => writer.write(bytes)?,
                Blocks::Floats(tensor) => {
                    let floats = tensor.get::<f32>().map_err(|error| GgufError::Tensor {
                        name: info.name.clone(),
                        problem: error.to_string(),
                    })?;
                    writer.write(&encode(TensorType::F32, &floats.view())?)?;
                }
            }
        }
        writer.finish()
    }
}

/// A quantized language model as a GGUF file, with the metadata of its checkpoint: every weight that is read back is, to the last bit, the
/// value that the network computes with.
///
/// | scheme of a weight, in groups of a multiple of 32 inputs, by row or as a whole | type |
/// |---|---|
/// | integers of up to 8 bits, `f16` scales | `Q8_0` |
/// | integers -8 to 7 without the zero point, `f16` scales | `Q4_0` |
/// | integers of 4 bits with a zero point, `f16` scale and minimum | `Q4_1` |
/// | `e2m1fn`, scales that are powers of two | `MXFP4` |
///
/// Scales are `f16` after [`round_scales_to_f16`](super::round_scales_to_f16). Norms, biases and what is not quantized are `F32`; rows of
/// queries and keys are in llama.cpp's order. Quantizers of activations, and accumulators, are not in the file, which a warning says.
///
/// # Errors
/// A network that is no longer the plain architecture (rotations that are computed, low-rank parts); a weight that the type asked for does not
/// hold; a checkpoint whose tokenizer GGUF files do not have.
pub fn to_gguf(
    graph: &Graph,
    checkpoint: &dyn Checkpoint,
    weights: GgufWeights,
) -> Result<GgufExport, ExportError> {
    let failed = |error: crate::language::LanguageError| ExportError::Checkpoint(error.to_string());
    let model = PlainModel::of(graph, checkpoint.config())?;
    let mut metadata = checkpoint.gguf_metadata().map_err(failed)?;
    let is_llama = metadata.text("general.architecture")? == Some("llama");
    let config = model.config();
    let mut export = Export { config, weights, is_llama, tensors: Vec::new(), unlike: Vec::new() };
    if let Some(divisors) = rope_divisors(config) {
        let info = TensorInfo {
            name: "rope_freqs.weight".into(),
            shape: vec![divisors.len()],
            kind: TensorType::F32,
        };
        export.tensors.push((info, Blocks::Floats(Tensor::vector(divisors))));
    }
    for (name, node, place) in model.weights() {
        export.weight(graph, &name, node, place)?;
    }
    let Export { tensors, unlike, .. } = export;
    metadata.insert("general.quantization_version", 2u32);
    metadata.insert("general.file_type", file_type(&tensors));
    let mut warnings = unlike;
    let inputs = graph.nodes().filter(|(_, node)| {
        let on_constant = node.input(0).is_some_and(|input| graph.data(input).is_some());
        matches!(node.op, Op::Quantize(_)) && !on_constant
    });
    match inputs.count() {
        0 => {}
        count => warnings
            .push(format!("{count} quantizers of activations are left out: GGUF files have none")),
    }
    match graph.nodes().filter(|(id, _)| graph.accumulator(*id).is_some()).count() {
        0 => {}
        count => warnings.push(format!(
            "the accumulators of {count} products are left out: GGUF files have none"
        )),
    }
    Ok(GgufExport { metadata, tensors, warnings })
}

/// llama.cpp's number of the type that most weights have (`LlamaFileType` of the PyPI package `gguf` 0.19.0).
fn file_type(tensors: &[(TensorInfo, Blocks)]) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for (info, _) in tensors {
        let number = match info.kind {
            TensorType::Q4_0 => 2,
            TensorType::Q4_1 => 3,
            TensorType::Q8_0 => 7,
            TensorType::MXFP4 => 38,
            _ => continue,
        };
        *counts.entry(number).or_default() += info.shape.iter().product::<usize>();
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(0, |(number, _)| number)
}

struct Export<'a> {
    config: &'a LanguageConfig,
    weights: GgufWeights,
    is_llama: bool,
    tensors: Vec<(TensorInfo, Blocks)>,
    unlike: Vec<String>,
}

impl Export<'_> {
    /// The weight that a node takes at a place.
    fn weight(
        &mut self,
        graph: &Graph,
        name: &str,
        node: &Node,
        place: usize,
    ) -> Result<(), ExportError> {
        let wrong = |problem: String| ExportError::Weight { name: name.to_owned(), problem };
        let own = gguf_name(name).ok_or_else(|| wrong("GGUF files have no name for it".into()))?;
        let constant = node.input(place).and_then(|input| constant_of(graph, input));
        let (value, quantizer) = constant.ok_or_else(|| wrong("it is no constant".into()))?;
        let values = values(graph, value, quantizer).map_err(wrong)?;
        let shape = values.shape().to_vec();
        let mut kind = TensorType::F32;
        let mut bytes = None;
        if let (Some(Node { op: Op::Quantize(op), .. }), 2) = (quantizer, shape.len()) {
            let data = graph.data(value).map(|data| data.get::<f32>());
            let Some(Ok(data)) = data else { return Err(wrong("it has no numbers".into())) };
            let tensor = op.codes(data).map_err(|error| wrong(error.to_string()))?;
            match self.blocks(&tensor) {
                Ok(found) => (kind, bytes) = (found.0, Some(found.1)),
                Err(problem) if self.weights == GgufWeights::AsQuantized => {
                    self.unlike.push(format!("`{name}` is written as F32: {problem}"));
                }
                Err(problem) => return Err(wrong(problem.to_string())),
            }
        }
        // Of files of the architecture llama alone.
        let heads = match name {
            _ if !self.is_llama => None,
            _ if name.contains(".self_attn.q_proj.") => Some(self.config.num_attention_heads),
            _ if name.contains(".self_attn.k_proj.") => Some(self.config.num_key_value_heads),
            _ => None,
        };
        let blocks = match (bytes, heads) {
            (Some(bytes), None) => Blocks::Bytes(bytes),
            (None, None) => Blocks::Floats(values),
            (bytes, Some(heads)) => {
                let plain = || {
                    let floats = values.get::<f32>().map_err(|error| wrong(error.to_string()))?;
                    encode(TensorType::F32, &floats.view()).map_err(ExportError::from)
                };
                let bytes = bytes.map_or_else(plain, Ok)?;
                let order = RowOrder::Interleaved;
                let ordered = order.from_other(&bytes, heads, self.config.head_dim);
                Blocks::Bytes(ordered.map_err(|error| wrong(error.to_string()))?)
            }
        };
        self.tensors.push((TensorInfo { name: own, shape, kind }, blocks));
        Ok(())
    }

    /// Codes as blocks of the first type that holds them.
    fn blocks(&self, tensor: &AnyQuantTensor) -> Result<(TensorType, Vec<u8>), GgufError> {
        let kinds = match (self.weights, tensor.format()) {
            (GgufWeights::Only(kind), _) => vec![kind],
            (_, Format::E2M1FN) => vec![TensorType::MXFP4],
            (_, Format::Int(int)) if int.bits() <= 4 && tensor.zero_point().is_some() => {
                vec![TensorType::Q4_1, TensorType::Q4_0, TensorType::Q8_0]
            }
            (_, format) if format.bits() <= 4 => {
                vec![TensorType::Q4_0, TensorType::Q4_1, TensorType::Q8_0]
            }
            _ => vec![TensorType::Q8_0],
        };
        let mut first = None;
        for kind in kinds {
            match encode_codes(kind, tensor) {
                Ok(bytes) => return Ok((kind, bytes)),
                Err(error) => first = first.or(Some(error)),
            }
        }
        let none = || GgufError::Encode { kind: "F32", problem: "there is no type".into() };
        Err(first.unwrap_or_else(none))
    }
}

/// The values that the network computes with.
fn values(graph: &Graph, value: ValueId, quantizer: Option<&Node>) -> Result<Tensor, String> {
    let data = graph.data(value).ok_or("it has no numbers")?;
    match quantizer {
        None => Ok(data.clone()),
        Some(node) => {
            let outputs = node.op.run(Inputs::new(&[Some(data)]));
            let found = outputs.map_err(|error| error.to_string())?.into_iter().next();
            found.ok_or_else(|| "its quantizer gives nothing".into())
        }
    }
}
