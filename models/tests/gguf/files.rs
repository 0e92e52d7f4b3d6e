//! Writing files, and reading them back.

use fewbit_models::gguf::{
    Array, Gguf, GgufWriter, Metadata, TensorInfo, TensorType, Value, ValueType,
};

/// A file of this metadata and these tensors.
pub(crate) fn written(metadata: &Metadata, tensors: &[(TensorInfo, Vec<u8>)]) -> Vec<u8> {
    let infos: Vec<_> = tensors.iter().map(|(info, _)| info.clone()).collect();
    let mut writer = GgufWriter::new(Vec::new(), metadata, &infos).unwrap();
    for (info, bytes) in tensors {
        assert_eq!(writer.next_tensor(), Some(info.name.as_str()));
        writer.write(bytes).unwrap();
    }
    writer.finish().unwrap()
}

/// The file once more.
pub(crate) fn rewritten(file: &Gguf) -> Vec<u8> {
    let infos: Vec<_> = file.tensors().cloned().collect();
    let mut writer = GgufWriter::new(Vec::new(), file.metadata(), &infos).unwrap();
    infos.iter().for_each(|info| writer.write(&file.bytes(&info.name).unwrap()).unwrap());
    writer.finish().unwrap()
}

/// Metadata of every type, alone and in arrays.
pub(crate) fn every_type() -> Metadata {
    let mut metadata = Metadata::default();
    for value in [
        Value::U8(200),
        Value::I8(-100),
        Value::U16(60_000),
        Value::I16(-30_000),
        Value::U32(u32::MAX),
        Value::I32(i32::MIN),
        Value::F32(0.1),
        Value::Bool(true),
        Value::String("größe\n".into()),
        Value::U64(u64::MAX),
        Value::I64(i64::MIN),
        Value::F64(0.1),
    ] {
        metadata.insert(&format!("one.{}", value.value_type()), value);
    }
    for array in [
        Array::U8(vec![1, 2]),
        Array::I8(vec![-1]),
        Array::U16(vec![1; 5]),
        Array::I16(vec![]),
        Array::U32(vec![7]),
        Array::I32(vec![-7]),
        Array::F32(vec![1.5, -0.0]),
        Array::Bool(vec![true, false]),
        Array::String(vec![String::new(), "b".into()]),
        Array::U64(vec![1]),
        Array::I64(vec![-1]),
        Array::F64(vec![2.5]),
        Array::Array(vec![Array::U8(vec![3]), Array::Array(vec![Array::Bool(vec![true])])]),
    ] {
        metadata.insert(&format!("array.{}", array.value_type()), Value::Array(array));
    }
    assert_eq!(metadata.len(), 2 * ValueType::ALL.len() - 1);
    metadata
}

/// A tensor of every type, their bytes counted up.
pub(crate) fn every_tensor() -> Vec<(TensorInfo, Vec<u8>)> {
    let tensor = |(i, &kind): (usize, &TensorType)| {
        let shape = vec![1 + i % 3, kind.block_elements()];
        let info = TensorInfo { name: format!("t.{kind}"), shape, kind };
        let bytes = (0..info.bytes().unwrap()).map(|byte| (byte + i) as u8).collect();
        (info, bytes)
    };
    TensorType::ALL.iter().enumerate().map(tensor).collect()
}

#[test]
fn what_is_written_is_read() {
    for alignment in [None, Some(1u32), Some(64)] {
        let mut metadata = every_type();
        if let Some(alignment) = alignment {
            metadata.insert("general.alignment", alignment);
        }
        let tensors = every_tensor();
        let file = Gguf::from_bytes(written(&metadata, &tensors)).unwrap();
        assert_eq!(*file.metadata(), metadata);
        assert!(file.tensors().eq(tensors.iter().map(|(info, _)| info)));
        for (info, bytes) in &tensors {
            assert_eq!(file.bytes(&info.name).unwrap(), *bytes, "{}", info.name);
            assert_eq!(file.tensor(&info.name).is_ok(), info.kind.is_decoded(), "{}", info.name);
        }
    }
}

#[test]
fn files_are_read_from_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let bytes = written(&every_type(), &every_tensor());
    std::fs::write(&path, &bytes).unwrap();
    let file = Gguf::open(&path).unwrap();
    assert_eq!(
        file.bytes("t.Q6_K").unwrap(),
        Gguf::from_bytes(bytes).unwrap().bytes("t.Q6_K").unwrap()
    );
    assert_eq!(file.tensor("t.F32").unwrap().shape(), [1, 1]);
    // The file is cut while it is open.
    std::fs::File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
    let error = file.bytes("t.Q6_K").unwrap_err().to_string();
    assert!(error.contains("tensor `t.Q6_K` cannot be read"), "{error}");
    assert!(Gguf::open(&folder.path().join("none.gguf")).is_err());
    assert!(Gguf::open(folder.path()).is_err());
}

#[test]
fn what_cannot_be_written() {
    let info = |name: &str, shape: &[usize], kind| TensorInfo {
        name: name.into(),
        shape: shape.into(),
        kind,
    };
    let fails = |infos: &[TensorInfo], part: &str| {
        let error =
            GgufWriter::new(Vec::new(), &Metadata::default(), infos).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    let x = info("x", &[2, 32], TensorType::Q8_0);
    fails(&[x.clone(), x.clone()], "two of this name");
    fails(&[info("x", &[2, 33], TensorType::Q8_0)], "not whole Q8_0 blocks");
    fails(&[info("x", &[], TensorType::F32)], "0 axes");
    fails(&[info("x", &[1; 5], TensorType::F32)], "5 axes");
    fails(&[info("x", &[0, 32], TensorType::F32)], "no elements");
    fails(&[info("x", &[usize::MAX, 2], TensorType::F32)], "too many elements");
    fails(&[info(&"x".repeat(64), &[1], TensorType::F32)], "more than 63 bytes");
    for alignment in [Value::U32(0), Value::U32(24), Value::U64(32)] {
        let mut metadata = Metadata::default();
        metadata.insert("general.alignment", alignment);
        assert!(GgufWriter::new(Vec::new(), &metadata, &[]).is_err());
    }
    let mut writer = GgufWriter::new(Vec::new(), &Metadata::default(), &[x]).unwrap();
    let error = writer.write(&[0; 67]).unwrap_err().to_string();
    assert_eq!(error, "tensor `x`: 67 bytes were given, expected 68");
    let unfinished =
        GgufWriter::new(Vec::new(), &Metadata::default(), &[info("x", &[1], TensorType::F32)]);
    assert!(unfinished.unwrap().finish().unwrap_err().to_string().contains("not written"));
    writer.write(&[0; 68]).unwrap();
    assert!(writer.write(&[0; 68]).is_err());
    assert!(Gguf::from_bytes(writer.finish().unwrap()).is_ok());
}
