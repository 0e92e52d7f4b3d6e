//! Types of values.

use crate::ops::data_type::element_type;
use crate::ops::{Dim, Fact};

use super::super::OnnxError;
use super::super::proto::ValueInfoProto;

/// What a file says of a value.
pub(super) fn fact(info: &ValueInfoProto) -> Result<Fact, OnnxError> {
    let wrong =
        |problem: String| OnnxError::Value { name: info.name.clone().unwrap_or_default(), problem };
    let Some(kind) = &info.r#type else { return Ok(Fact::default()) };
    let others = [
        ("a sequence", &kind.sequence_type),
        ("a map", &kind.map_type),
        ("a sparse tensor", &kind.sparse_tensor_type),
        ("an optional value", &kind.optional_type),
    ];
    if let Some((name, _)) = others.iter().find(|(_, other)| other.is_some()) {
        return Err(wrong(format!("it is {name}, and only tensors are supported")));
    }
    let Some(tensor) = &kind.tensor_type else { return Ok(Fact::default()) };
    let element = match tensor.elem_type.unwrap_or_default() {
        0 => None,
        number => Some(element_type(number.into()).map_err(|error| wrong(error.to_string()))?),
    };
    let Some(shape) = &tensor.shape else {
        return Ok(Fact { element, ..Fact::default() });
    };
    let mut dims = Vec::with_capacity(shape.dim.len());
    for dim in &shape.dim {
        dims.push(match (dim.dim_value, dim.dim_param.as_deref()) {
            (Some(size), _) => {
                let size = usize::try_from(size).ok().filter(|&size| size <= 1 << 31);
                Dim::Size(size.ok_or_else(|| {
                    wrong(format!("an extent of {}", dim.dim_value.unwrap_or_default()))
                })?)
            }
            (None, Some(name)) if !name.is_empty() => Dim::Named(name.into()),
            _ => Dim::Unknown,
        });
    }
    Ok(Fact { element, shape: Some(dims), known: None })
}
