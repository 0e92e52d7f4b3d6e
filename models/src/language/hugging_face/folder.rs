//! A folder as a checkpoint.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::gguf::Metadata;
use crate::language::gguf::architecture_metadata;
use crate::language::tokenizer::tokenizer_metadata;
use crate::language::{Checkpoint, LanguageConfig, LanguageError, Tokenizer};
use crate::tensor::Tensor;

use super::config::config;
use super::json::Object;
use super::weights::WeightFile;

/// A folder as `save_pretrained` of transformers writes it.
///
/// `config.json` (`model_type` llama, mistral, qwen2 or qwen3), `generation_config.json` if it is there (the tokens that end a
/// text), and weights of F32, F16 or BF16 in `model.safetensors` or in the files that `model.safetensors.index.json` names.
#[derive(Debug)]
pub struct HuggingFaceCheckpoint {
    folder: PathBuf,
    config: LanguageConfig,
    files: Vec<WeightFile>,
    /// Which of the files has a weight.
    places: BTreeMap<String, usize>,
}

impl HuggingFaceCheckpoint {
    /// Reads what the folder says of the model, and where its weights are.
    ///
    /// # Errors
    /// Files that are missing or damaged; an architecture or a setting that is not computed here.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, LanguageError> {
        let folder = folder.into();
        let file = Object::read(&folder.join("config.json"))?;
        let generation = folder.join("generation_config.json");
        let generation = generation.exists().then(|| Object::read(&generation)).transpose()?;
        let config = config(&file, generation.as_ref())?;
        let (single, index) =
            (folder.join("model.safetensors"), folder.join("model.safetensors.index.json"));
        let (files, places) = if single.exists() {
            let file = WeightFile::open(&single)?;
            let places = file.names().into_iter().map(|name| (name, 0)).collect();
            (vec![file], places)
        } else if index.exists() {
            sharded(&folder, &Object::read(&index)?)?
        } else {
            let problem = "there is no model.safetensors and no model.safetensors.index.json: \
                           save the model with save_pretrained(..., safe_serialization=True)";
            return Err(LanguageError::File { path: folder, problem: problem.into() });
        };
        Ok(Self { folder, config, files, places })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The files that an index names, and where each weight is.
fn sharded(
    folder: &Path,
    index: &Object,
) -> Result<(Vec<WeightFile>, BTreeMap<String, usize>), LanguageError> {
    let (mut files, mut numbers) = (Vec::new(), BTreeMap::new());
    let mut places = BTreeMap::new();
    let map = index.some_object("weight_map")?;
    for (name, file) in map.all_texts()? {
        if Path::new(&file).file_name() != Some(file.as_ref()) {
            return Err(map.wrong(&name, format!("`{file}`: expected a file of the same folder")));
        }
        let number = match numbers.get(&file) {
            Some(&number) => number,
            None => {
                files.push(WeightFile::open(&folder.join(&file))?);
                numbers.insert(file, files.len() - 1);
                files.len() - 1
            }
        };
        places.insert(name, number);
    }
    Ok((files, places))
}

impl Checkpoint for HuggingFaceCheckpoint {
    fn config(&self) -> &LanguageConfig {
        &self.config
    }

    fn names(&self) -> Vec<String> {
        self.places.keys().cloned().collect()
    }

    fn tensor(&self, name: &str) -> Result<Tensor, LanguageError> {
        let found = self.places.get(name).map(|&place| self.files[place].tensor(name));
        found.transpose()?.flatten().ok_or_else(|| LanguageError::Tensor {
            name: name.into(),
            problem: format!("is missing in {}", self.folder.display()),
        })
    }

    fn tokenizer(&self) -> Result<Tokenizer, LanguageError> {
        Tokenizer::from_file(&self.folder.join("tokenizer.json"))
    }

    fn tokenizer_files(&self) -> Result<Vec<(String, Vec<u8>)>, LanguageError> {
        self.tokenizer()?;
        let mut files = Vec::new();
        for name in ["tokenizer.json", "tokenizer_config.json"] {
            let path = self.folder.join(name);
            if path.exists() {
                let bytes = fs::read(&path).map_err(|error| LanguageError::File {
                    path: path.clone(),
                    problem: error.to_string(),
                })?;
                files.push((name.to_owned(), bytes));
            }
        }
        Ok(files)
    }

    fn gguf_metadata(&self) -> Result<Metadata, LanguageError> {
        let mut metadata = architecture_metadata(&self.config);
        tokenizer_metadata(&self.folder.join("tokenizer.json"), &self.config, &mut metadata)?;
        Ok(metadata)
    }
}
