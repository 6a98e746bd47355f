//! Container images without a registry, a daemon or a build file: static programs and files, packed as an OCI layout.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::error::Error;

/// An image to be made: one static program, and files and folders beside it.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its full name, such as `docker.io/local/trainer:dev`.
    pub name: String,
    /// The program, which has to be linked statically. It is found by its name: its folder is on the path.
    pub binary: PathBuf,
    /// Further files and folders, and where they lie in the image.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// What runs; the program, if this is empty.
    pub entrypoint: Vec<String>,
    /// The user, as numbers: `65532` or `65532:65532`.
    pub user: String,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// Where it runs.
    pub working_directory: String,
}

/// Where the program lies in the image.
const PROGRAMS: &str = "usr/local/bin";

const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";

impl Image {
    /// An image of a program alone, which runs as an ordinary user.
    pub fn new(name: impl Into<String>, binary: impl Into<PathBuf>) -> Image {
        Image {
            name: name.into(),
            binary: binary.into(),
            files: Vec::new(),
            entrypoint: Vec::new(),
            user: "65532:65532".into(),
            environment: Vec::new(),
            working_directory: "/tmp".into(),
        }
    }

    /// Adds a file, or a folder with all that is in it.
    #[must_use]
    pub fn file(mut self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Image {
        self.files.push((source.into(), target.into()));
        self
    }

    /// Writes the image as a tar of an OCI layout, which `ctr images import` and others read.
    pub fn write(&self, target: &Path) -> Result<(), Error> {
        let layer = self.layer()?;
        let configuration = text(&self.configuration(&digest(&layer))?);
        let manifest = text(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &configuration),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
        }));
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
        entry["annotations"] = json!({"io.containerd.image.name": self.name});
        let index = text(&json!({"schemaVersion": 2, "manifests": [entry]}));

        let file = fs::File::create(target).map_err(Error::file(target))?;
        let mut archive = Archive::new(Builder::new(file));
        archive.bytes(Path::new("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#, 0o644)?;
        archive.bytes(Path::new("index.json"), &index, 0o644)?;
        for blob in [&layer, &configuration, &manifest] {
            archive.bytes(&Path::new("blobs/sha256").join(digest(blob)), blob, 0o644)?;
        }
        archive.finish().map(|_| ()).map_err(Error::file(target))
    }

    fn program_name(&self) -> Result<&str, Error> {
        let name = self.binary.file_name().and_then(|name| name.to_str());
        name.ok_or_else(|| self.refuse(format!("{} has no file name", self.binary.display())))
    }

    fn refuse(&self, reason: String) -> Error {
        Error::Image { name: self.name.clone(), reason }
    }

    fn configuration(&self, layer: &str) -> Result<Value, Error> {
        let mut entrypoint = self.entrypoint.clone();
        if entrypoint.is_empty() {
            entrypoint.push(format!("/{PROGRAMS}/{}", self.program_name()?));
        }
        let mut environment = vec![format!("PATH=/{PROGRAMS}:/usr/bin:/bin"), "HOME=/tmp".to_owned()];
        environment.extend(self.environment.iter().map(|(name, value)| format!("{name}={value}")));
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Ok(json!({
            "architecture": architecture,
            "os": "linux",
            "config": {
                "User": self.user,
                "Env": environment,
                "Entrypoint": entrypoint,
                "WorkingDir": self.working_directory,
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer}")]},
        }))
    }

    fn layer(&self) -> Result<Vec<u8>, Error> {
        let mut archive = Archive::new(Builder::new(Vec::new()));
        archive.folder(Path::new("tmp"), 0o1777)?;
        archive.bytes(Path::new("etc/passwd"), PASSWD.as_bytes(), 0o644)?;
        archive.bytes(Path::new("etc/group"), GROUP.as_bytes(), 0o644)?;
        let program = fs::read(&self.binary).map_err(Error::file(&self.binary))?;
        if is_dynamic(&program) && self.files.is_empty() {
            let reason = "is linked dynamically, and the image has no libraries: build it with \
                          `-C target-feature=+crt-static`";
            return Err(self.refuse(format!("{} {reason}", self.binary.display())));
        }
        archive.bytes(&Path::new(PROGRAMS).join(self.program_name()?), &program, 0o755)?;
        for (source, target) in &self.files {
            archive.tree(source, &relative(target))?;
        }
        archive.finish().map_err(Error::file(&self.binary))
    }
}

/// A path below the archive's root, whatever was written.
fn relative(path: &Path) -> PathBuf {
    path.components().filter(|component| matches!(component, Component::Normal(_))).collect()
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn descriptor(kind: &str, content: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": format!("sha256:{}", digest(content)), "size": content.len()})
}

/// Whether an ELF program asks for an interpreter, which a static one does not.
fn is_dynamic(program: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let word = |offset: usize| Some(u16::from_le_bytes(program.get(offset..offset + 2)?.try_into().ok()?));
    let kind = |offset: usize| Some(u32::from_le_bytes(program.get(offset..offset + 4)?.try_into().ok()?));
    let headers = |offset: usize| {
        let bytes: [u8; 8] = program.get(offset..offset + 8)?.try_into().ok()?;
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    };
    // Only the common kind is looked into: 64 bits, the low byte first.
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return false;
    }
    let (Some(start), Some(size), Some(count)) = (headers(0x20), word(0x36), word(0x38)) else {
        return false;
    };
    (0..usize::from(count)).any(|index| {
        let offset = start.checked_add(index * usize::from(size));
        offset.and_then(kind) == Some(INTERPRETER)
    })
}

/// A tar whose entries depend on nothing but their content.
struct Archive<W: Write> {
    builder: Builder<W>,
    folders: BTreeSet<PathBuf>,
}

impl<W: Write> Archive<W> {
    fn new(builder: Builder<W>) -> Archive<W> {
        Archive { builder, folders: BTreeSet::new() }
    }

    fn append(&mut self, path: &Path, kind: EntryType, mode: u32, content: &[u8]) -> Result<(), Error> {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        self.builder.append_data(&mut header, path, content).map_err(Error::file(path))
    }

    fn folder(&mut self, path: &Path, mode: u32) -> Result<(), Error> {
        self.parents(path)?;
        if path.as_os_str().is_empty() || !self.folders.insert(path.to_path_buf()) {
            return Ok(());
        }
        self.append(path, EntryType::Directory, mode, &[])
    }

    fn parents(&mut self, path: &Path) -> Result<(), Error> {
        path.parent().map_or(Ok(()), |parent| self.folder(parent, 0o755))
    }

    fn bytes(&mut self, path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
        self.parents(path)?;
        self.append(path, EntryType::Regular, mode, content)
    }

    /// A file, or a folder with all that is in it, readable for every user. Links are followed.
    fn tree(&mut self, source: &Path, target: &Path) -> Result<(), Error> {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(source).map_err(Error::file(source))?;
        if !metadata.is_dir() {
            let content = fs::read(source).map_err(Error::file(source))?;
            let mode = if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
            return self.bytes(target, &content, mode);
        }
        self.folder(target, 0o755)?;
        let entries = fs::read_dir(source).map_err(Error::file(source))?;
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names.iter().try_for_each(|name| self.tree(&source.join(name), &target.join(name)))
    }

    fn finish(self) -> std::io::Result<W> {
        self.builder.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(archive: &[u8]) -> Vec<(String, u32)> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap();
        entries
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap()))
            .collect()
    }

    #[test]
    fn layer_has_the_program_the_files_and_a_temporary_folder() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let image = Image::new("docker.io/local/x:dev", here.join("Cargo.toml")).file(here.join("src"), "/data/src");
        let found = entries(&image.layer().unwrap());
        assert!(found.contains(&("tmp".into(), 0o1777)), "{found:?}");
        assert!(found.contains(&("usr/local/bin/Cargo.toml".into(), 0o755)), "{found:?}");
        assert!(found.contains(&("data/src/image.rs".into(), 0o644)), "{found:?}");
    }

    #[test]
    fn equal_content_has_an_equal_digest() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let image = Image::new("docker.io/local/x:dev", here.join("Cargo.toml"));
        assert_eq!(digest(&image.layer().unwrap()), digest(&image.layer().unwrap()));
    }

    /// The smallest ELF program there can be: one header, of this kind.
    fn program(header: u32) -> Vec<u8> {
        let mut program = vec![0; 0x40 + 0x38];
        program[..6].copy_from_slice(b"\x7fELF\x02\x01");
        program[0x20..0x28].copy_from_slice(&0x40_u64.to_le_bytes());
        program[0x36..0x38].copy_from_slice(&0x38_u16.to_le_bytes());
        program[0x38..0x3a].copy_from_slice(&1_u16.to_le_bytes());
        program[0x40..0x44].copy_from_slice(&header.to_le_bytes());
        program
    }

    #[test]
    fn dynamic_program_without_libraries_is_refused() {
        const LOADED: u32 = 1;
        const INTERPRETER: u32 = 3;
        let folder = tempfile::tempdir().unwrap();
        let layer = |name: &str, header| {
            let path = folder.path().join(name);
            fs::write(&path, program(header)).unwrap();
            Image::new("docker.io/local/x:dev", path).layer()
        };
        let error = layer("dynamic", INTERPRETER).unwrap_err().to_string();
        assert!(error.contains("crt-static"), "{error}");
        layer("static", LOADED).unwrap();
    }
}
