//! The program that holds a pod's namespaces open, and its image.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::image::Image;
use crate::layout::cache;
use crate::run;

/// The image's full name, which containerd is configured with.
pub(crate) const NAME: &str = "docker.io/local/pause:1";

const SOURCE: &str = include_str!("pause.c");

/// The image, its program compiled first where no earlier run has.
pub(crate) fn image() -> Result<Image, Error> {
    let mut image = Image::new(NAME, program()?);
    image.user = "65535".into();
    Ok(image)
}

fn program() -> Result<PathBuf, Error> {
    let key: String = Sha256::digest(SOURCE).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let folder = cache().join(format!("pause-{key}"));
    let built = folder.join("pause");
    if built.exists() {
        return Ok(built);
    }
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let source = folder.join("pause.c");
    fs::write(&source, SOURCE).map_err(Error::file(&source))?;
    // Each that builds it has a file of its own, and the last rename wins over an equal one.
    let partial = folder.join(format!("pause.{}", std::process::id()));
    run::output(Command::new("gcc").args(["-static", "-Os", "-s", "-o"]).arg(&partial).arg(&source))?;
    fs::rename(&partial, &built).map_err(Error::file(&built))?;
    Ok(built)
}
