//! A trained model in one file: its weights in the safetensors format, and in that format's metadata what they are for. Any
//! program that reads safetensors reads the weights; `evaluate` and `predict` need no more than the file.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use crate::data::Preparation;
use crate::model::{Architecture, Initialization, Network};

/// The entry of the metadata that is ours.
const KEY: &str = "trimtab";
/// The version of that entry. Another one is refused.
const FORMAT: u32 = 1;

/// What can be wrong with a model file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be written.
    #[error("cannot write the model {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("cannot read the model {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is another kind of file, or damaged.
    #[error("{path} is no model of this program: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// How that shows.
        reason: String,
    },
}

/// What a model file says about its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The version of the format.
    format: u32,
    /// The epochs that it was trained.
    pub epochs: u32,
    /// The shape of the network.
    pub architecture: Architecture,
    /// How its data is made, and what its outputs mean.
    pub preparation: Preparation,
}

/// A model that was read.
#[derive(Debug)]
pub struct Model {
    /// What it says about itself.
    pub description: Description,
    /// Its network, without gradients.
    pub network: Network,
}

/// Writes `network` into `path`, in the place of what is there.
///
/// # Errors
/// If it cannot be written; an earlier file is then still there.
pub fn write(
    path: &Path,
    network: &Network,
    architecture: &Architecture,
    preparation: &Preparation,
    epochs: u32,
) -> Result<(), Error> {
    let failed = |source: io::Error| Error::Write { path: path.to_owned(), source };
    let description =
        Description { format: FORMAT, epochs, architecture: architecture.clone(), preparation: preparation.clone() };
    let text = serde_json::to_string(&description).map_err(|error| failed(error.into()))?;
    let mut weights = Weights::default();
    network.valid().visit(&mut weights);
    let views: Result<Vec<_>, _> = weights
        .tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect();
    let metadata = HashMap::from([(KEY.to_owned(), text)]);
    let bytes = views
        .and_then(|views: Vec<(&String, TensorView<'_>)>| serialize(views, Some(metadata)))
        .map_err(|error| failed(io::Error::other(error.to_string())))?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}

/// Reads a model from `path`, onto `device`.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn read(path: &Path, device: &Device) -> Result<Model, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    parse(&bytes, device).map_err(|reason| Error::Unusable { path: path.to_owned(), reason })
}

/// Makes a model of a file's content.
fn parse(bytes: &[u8], device: &Device) -> Result<Model, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let text = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let text = text.ok_or_else(|| format!("expected `{KEY}` in its metadata, found none"))?;
    let description: Description = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Description { format, architecture, preparation, .. } = &description;
    if *format != FORMAT {
        return Err(format!("expected format {FORMAT}, found {format}"));
    }
    let fits = architecture.shape == preparation.shape && architecture.outputs == preparation.outputs();
    if !fits || architecture.outputs == 0 || preparation.width() == 0 {
        return Err("its network does not fit its data".to_owned());
    }
    architecture.check()?;
    let empty = Network::new(architecture, Initialization::Zeros, 0, 0, device);
    let mut fill = Fill { path: Vec::new(), tensors: &tensors, problem: None };
    let network = empty.map(&mut fill);
    match fill.problem {
        Some(problem) => Err(problem),
        None => Ok(Model { description, network }),
    }
}

/// Collects all weights by name.
#[derive(Default)]
struct Weights {
    path: Vec<String>,
    tensors: Vec<(String, Vec<usize>, Vec<u8>)>,
}

impl ModuleVisitor for Weights {
    fn enter_module(&mut self, name: &str, _kind: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _kind: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        let bytes = tensor.into_data().iter::<f32>().flat_map(f32::to_le_bytes).collect();
        self.tensors.push((self.path.join("."), shape, bytes));
    }
}

/// Fills a network with weights by name.
struct Fill<'a> {
    path: Vec<String>,
    tensors: &'a SafeTensors<'a>,
    problem: Option<String>,
}

impl Fill<'_> {
    fn values(&self, shape: &[usize]) -> Result<Vec<f32>, String> {
        let name = self.path.join(".");
        let view = self.tensors.tensor(&name).map_err(|_| format!("expected the weights `{name}`, found none"))?;
        if view.dtype() != Dtype::F32 || view.shape() != shape {
            let found = view.shape();
            return Err(format!(
                "expected the weights `{name}` as f32 of {shape:?}, found {:?} of {found:?}",
                view.dtype()
            ));
        }
        let words = view.data().chunks_exact(4);
        Ok(words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
    }
}

impl ModuleMapper for Fill<'_> {
    fn enter_module(&mut self, name: &str, _kind: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _kind: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let tensor = match self.values(&shape) {
            Ok(values) => Tensor::from_data(TensorData::new(values, shape), &tensor.device()),
            Err(problem) => {
                self.problem.get_or_insert(problem);
                tensor
            }
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}
