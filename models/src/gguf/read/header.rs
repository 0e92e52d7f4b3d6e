//! What stands before the tensors' bytes.

use std::collections::HashSet;
use std::io::Read;

use super::bounded::Bounded;
use super::metadata::metadata;
use crate::gguf::{GgufError, MAGIC, MAX_AXES, Metadata, TensorInfo, TensorType};

/// The metadata, and the tensors with their places in the file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) metadata: Metadata,
    pub(super) tensors: Vec<(TensorInfo, u64)>,
}

impl Header {
    pub(super) fn read<R: Read>(mut source: Bounded<R>) -> Result<Self, GgufError> {
        let source = &mut source;
        let magic = source.take("\"GGUF\"")?;
        if magic != MAGIC {
            return Err(GgufError::Magic(magic));
        }
        let version = source.u32("the version")?;
        if !matches!(version, 2 | 3) {
            return Err(GgufError::Version(version));
        }
        let tensor_count = source.u64("the number of tensors")?;
        let entry_count = source.u64("the number of metadata entries")?;
        let metadata = metadata(source, entry_count)?;
        let alignment = metadata.alignment()?;
        let tensors = tensor_infos(source, tensor_count, alignment)?;
        let start = source.at().next_multiple_of(alignment);
        let tensors = placed(tensors, start, source.length())?;
        Ok(Self { metadata, tensors })
    }
}

/// The tensors with their offsets from the first one.
fn tensor_infos<R: Read>(
    source: &mut Bounded<R>,
    count: u64,
    alignment: u64,
) -> Result<Vec<(TensorInfo, u64)>, GgufError> {
    // The length of a name, the number of axes, one extent, a type, an offset.
    let count = source.expect(count, 32, || format!("the list of {count} tensors"))?;
    let mut tensors = Vec::with_capacity(count);
    let mut names = HashSet::with_capacity(count);
    for place in 0..count {
        let name = source.text(&format!("the name of tensor {place}"))?;
        let wrong = |problem: String| GgufError::tensor(&name, problem);
        if !names.insert(name.clone()) {
            return Err(wrong("the file has two of this name".into()));
        }
        let axes = source.u32("the number of axes of a tensor")?;
        if axes == 0 || axes as usize > MAX_AXES {
            return Err(wrong(format!("it has {axes} axes, expected 1 to {MAX_AXES}")));
        }
        let mut shape = Vec::with_capacity(MAX_AXES);
        for _ in 0..axes {
            let extent = source.u64("the extents of a tensor")?;
            shape.push(usize::try_from(extent).unwrap_or(usize::MAX));
        }
        shape.reverse();
        let id = source.u32("the type of a tensor")?;
        let kind = TensorType::from_id(id);
        let kind = kind.ok_or_else(|| wrong(format!("its type {id} is unknown")))?;
        let offset = source.u64("the offset of a tensor")?;
        if !offset.is_multiple_of(alignment) {
            let problem =
                format!("its offset {offset} is no multiple of the alignment {alignment}");
            return Err(wrong(problem));
        }
        tensors.push((TensorInfo { name, shape, kind }, offset));
    }
    Ok(tensors)
}

/// The tensors with their places in the file: within it, and apart from each other.
fn placed(
    tensors: Vec<(TensorInfo, u64)>,
    start: u64,
    length: u64,
) -> Result<Vec<(TensorInfo, u64)>, GgufError> {
    let mut placed = Vec::with_capacity(tensors.len());
    let mut extents = Vec::with_capacity(tensors.len());
    for (info, offset) in tensors {
        let bytes = info.bytes()?;
        let end = |at: u64| at.checked_add(bytes as u64).filter(|end| *end <= length);
        match start.checked_add(offset).and_then(|at| Some((at, end(at)?))) {
            Some((at, end)) => {
                extents.push((at, end, placed.len()));
                placed.push((info, at));
            }
            None => {
                return Err(GgufError::Truncated {
                    what: format!("tensor `{}`", info.name.escape_debug()),
                    at: start.saturating_add(offset),
                    needed: bytes as u128,
                    length,
                });
            }
        }
    }
    extents.sort_unstable();
    for pair in extents.windows(2) {
        if let [(_, end, first), (at, _, second)] = *pair
            && at < end
        {
            let problem = format!("it overlaps tensor `{}`", placed[first].0.name.escape_debug());
            return Err(GgufError::tensor(&placed[second].0.name, problem));
        }
    }
    Ok(placed)
}
