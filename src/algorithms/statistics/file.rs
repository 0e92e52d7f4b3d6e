//! Statistics on disk: one `.safetensors` file.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{Gram, Moments, Statistics};
use crate::algorithms::AlgorithmError;

/// What `__metadata__` says of the contents.
const KIND: &str = "fewbit-statistics-1";

impl Statistics {
    /// The bytes of a `.safetensors` file: `h.<group>`, `g.<group>`, `quantized.sum` and so on in f64, `samples` in u64.
    ///
    /// # Errors
    /// None for statistics that a collector made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, AlgorithmError> {
        self.to_bytes_with(HashMap::new())
    }

    /// As [`Self::to_bytes`], with more entries of the file's `__metadata__`, as where the numbers come from;
    /// `fewbit` among them is replaced.
    ///
    /// # Errors
    /// None for statistics that a collector made.
    pub fn to_bytes_with(
        &self,
        mut metadata: HashMap<String, String>,
    ) -> Result<Vec<u8>, AlgorithmError> {
        let mut tensors = vec![Stored {
            name: "samples".into(),
            dtype: Dtype::U64,
            shape: vec![1],
            data: self.samples.to_le_bytes().to_vec(),
        }];
        for (index, gram) in self.grams.iter().enumerate() {
            tensors.push(Stored::matrix(format!("h.{index}"), &gram.h));
            if let Some(g) = &gram.g {
                tensors.push(Stored::matrix(format!("g.{index}"), g));
            }
        }
        for (name, moments) in [("quantized", &self.quantized), ("float", &self.float)] {
            tensors.push(Stored::vector(format!("{name}.sum"), &moments.sum));
            tensors.push(Stored::vector(format!("{name}.abs_sum"), &moments.abs_sum));
            tensors.push(Stored::vector(format!("{name}.abs_max"), &moments.abs_max));
        }
        let fail = |reason: String| AlgorithmError::File { path: "the buffer".into(), reason };
        let views = tensors
            .iter()
            .map(|t| Ok((&t.name, TensorView::new(t.dtype, t.shape.clone(), &t.data)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|e| fail(e.to_string()))?;
        metadata.insert("fewbit".to_owned(), KIND.to_owned());
        safetensors::serialize(views, Some(metadata)).map_err(|e| fail(e.to_string()))
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// Anything else than a complete and consistent file of statistics.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AlgorithmError> {
        read(bytes).map_err(|reason| AlgorithmError::File { path: "the buffer".into(), reason })
    }

    /// Writes [`Self::to_bytes`] to a file, which appears whole or not at all: first beside it, with `.partial` added to
    /// the name.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), AlgorithmError> {
        let bytes = self.to_bytes()?;
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        let partial = Path::new(&name);
        let written = std::fs::write(partial, bytes).and_then(|()| std::fs::rename(partial, path));
        written.map_err(|e| {
            // What cannot be removed was not written.
            let _ = std::fs::remove_file(partial);
            AlgorithmError::File { path: path.display().to_string(), reason: e.to_string() }
        })
    }

    /// Reads a file written by [`Self::save`].
    ///
    /// # Errors
    /// Where the file cannot be read or is not a complete file of statistics.
    pub fn load(path: &Path) -> Result<Self, AlgorithmError> {
        let fail =
            |reason: String| AlgorithmError::File { path: path.display().to_string(), reason };
        read(&whole(path).map_err(|e| fail(e.to_string()))?).map_err(fail)
    }
}

/// The bytes of a regular file that begins as a `.safetensors` file does; of another, no more than its beginning is read.
fn whole(path: &Path) -> std::io::Result<Vec<u8>> {
    let wrong = |why: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    // Asked before it is opened: to open a pipe is to wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(wrong("it is not a regular file"));
    }
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(9).read_to_end(&mut bytes)?;
    match bytes.split_first_chunk() {
        Some((&header, b"{")) if u64::from_le_bytes(header) <= length.saturating_sub(8) => {}
        _ => return Err(wrong("it does not begin with the header of a .safetensors file")),
    }
    let rest = length.saturating_sub(9);
    bytes.try_reserve_exact(usize::try_from(rest).map_err(|_| wrong("it is too large"))?)?;
    file.take(rest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

struct Stored {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl Stored {
    fn matrix(name: String, matrix: &Array2<f64>) -> Self {
        let data = matrix.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { name, dtype: Dtype::F64, shape: matrix.shape().to_vec(), data }
    }

    fn vector(name: String, vector: &Array1<f64>) -> Self {
        let data = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { name, dtype: Dtype::F64, shape: vec![vector.len()], data }
    }
}

fn read(bytes: &[u8]) -> Result<Statistics, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let kind = header.metadata().as_ref().and_then(|m| m.get("fewbit"));
    if kind.map(String::as_str) != Some(KIND) {
        return Err(format!("its metadata does not say `{KIND}`"));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let numbers = |name: &str| -> Result<(Vec<usize>, Vec<f64>), String> {
        let tensor = file.tensor(name).map_err(|e| e.to_string())?;
        if tensor.dtype() != Dtype::F64 {
            return Err(format!("`{name}` is {:?}, but F64 was expected", tensor.dtype()));
        }
        let values: Vec<f64> =
            tensor.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
        if values.iter().any(|x| !x.is_finite()) {
            return Err(format!("`{name}` holds a value that is not finite"));
        }
        Ok((tensor.shape().to_vec(), values))
    };
    let vector = |name: String, length: usize| -> Result<Array1<f64>, String> {
        let (shape, values) = numbers(&name)?;
        if shape != [length] {
            return Err(format!("`{name}` has shape {shape:?}, but [{length}] was expected"));
        }
        Ok(values.into())
    };
    let moments = |name: &str, length: usize| -> Result<Moments, String> {
        Ok(Moments {
            sum: vector(format!("{name}.sum"), length)?,
            abs_sum: vector(format!("{name}.abs_sum"), length)?,
            abs_max: vector(format!("{name}.abs_max"), length)?,
        })
    };
    let square = |name: String| -> Result<Array2<f64>, String> {
        let (shape, values) = numbers(&name)?;
        match shape[..] {
            [rows, cols] if rows == cols => {
                Array2::from_shape_vec((rows, cols), values).map_err(|e| e.to_string())
            }
            _ => Err(format!("`{name}` has shape {shape:?}, but a square matrix was expected")),
        }
    };
    let names = file.names();
    let groups = names.iter().filter(|n| n.starts_with("h.")).count();
    let paired = names.iter().any(|n| n.starts_with("g."));
    let mut grams = Vec::with_capacity(groups);
    for index in 0..groups {
        let h = square(format!("h.{index}"))?;
        let g = if paired { Some(square(format!("g.{index}"))?) } else { None };
        let width = grams.first().map_or(h.nrows(), |first: &Gram| first.h.nrows());
        if h.nrows() != width || g.as_ref().is_some_and(|g| g.nrows() != width) {
            return Err(format!("group {index} is not {width} inputs wide like the first"));
        }
        grams.push(Gram { h, g });
    }
    let inputs = grams.iter().map(|g| g.h.nrows()).sum();
    let samples = file.tensor("samples").map_err(|e| e.to_string())?;
    let samples = <[u8; 8]>::try_from(samples.data())
        .map_err(|_| "`samples` is not one 64-bit integer".to_owned())?;
    Ok(Statistics {
        samples: u64::from_le_bytes(samples),
        grams,
        quantized: moments("quantized", inputs)?,
        float: moments("float", inputs)?,
    })
}
