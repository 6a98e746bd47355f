//! Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747), fetched where it is not installed.
//!
//! Its publisher serves plain HTTP. Nothing is kept whose content has not the checksum that is written here, so it does not
//! matter what it met on its way, nor whose mirror it comes from.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use ureq::Agent;

use crate::bar::Bar;
use crate::report::remark;
use crate::signals::Stop;

/// Where the authors publish it.
pub const PUBLISHER: &str = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com";

/// How long the server may say nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// A file that is published compressed with gzip, under its name and `.gz`.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Its name without `.gz`.
    pub name: &'static str,
    /// The bytes of its content, decompressed.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: &'static str,
}

/// The four files.
pub const FASHION_MNIST: [Published; 4] = [
    Published {
        name: "train-images-idx3-ubyte",
        bytes: 47_040_016,
        sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    },
    Published {
        name: "train-labels-idx1-ubyte",
        bytes: 60_008,
        sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    },
    Published {
        name: "t10k-images-idx3-ubyte",
        bytes: 7_840_016,
        sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    },
    Published {
        name: "t10k-labels-idx1-ubyte",
        bytes: 10_008,
        sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
];

/// Why it cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server does not give it.
    #[error("cannot fetch {url}: {reason}")]
    Get {
        /// What was asked for.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server gives something else.
    #[error("{url} is not the file that is known: expected {expected}, found {found}")]
    Content {
        /// What was asked for.
        url: String,
        /// What it should have been.
        expected: String,
        /// What it was.
        found: String,
    },
    /// It cannot be kept.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody reads what is said about it.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
}

/// Fetches what `folder` lacks of `files` from `source`, the address of a folder. False if it was told to stop.
///
/// A file appears under its name when it is whole and was checked; of two processes that fetch it at once, either may win.
///
/// # Errors
/// If a file cannot be had, is another one, or cannot be written.
pub fn fetch(
    source: &str,
    folder: &Path,
    files: &[Published],
    out: &mut dyn Write,
    stop: &Stop,
) -> Result<bool, Error> {
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("trimtab-trainer/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    for file in files {
        let compressed = format!("{}.gz", file.name);
        let path = folder.join(&compressed);
        if path.exists() || folder.join(file.name).exists() {
            continue;
        }
        let url = format!("{}/{compressed}", source.trim_end_matches('/'));
        let Some(bytes) = get(&agent, &url, file, stop)? else { return Ok(false) };
        check(&url, file, &bytes)?;
        let temporary = folder.join(format!("{compressed}.{}.tmp", std::process::id()));
        let keep = || {
            fs::create_dir_all(folder)?;
            fs::write(&temporary, &bytes)?;
            fs::rename(&temporary, &path)
        };
        if let Err(source) = keep() {
            // What is left of it is in nobody's way.
            let _ = fs::remove_file(&temporary);
            return Err(Error::Write { path, source });
        }
        remark(out, &format!("fetched {compressed} into {}, {} bytes", folder.display(), bytes.len()))?;
    }
    Ok(true)
}

/// The bytes at `url`, or nothing if it was told to stop.
fn get(agent: &Agent, url: &str, file: &Published, stop: &Stop) -> Result<Option<Vec<u8>>, Error> {
    let failed = |reason: String| Error::Get { url: url.to_owned(), reason };
    let response = agent.get(url).call().map_err(|error| failed(error.to_string()))?;
    // gzip makes nothing longer but for some bytes a block.
    let most = file.bytes + file.bytes / 1000 + 1024;
    let expected = response.body().content_length().unwrap_or_default();
    let mut reader = response.into_body().into_reader().take(most + 1);
    let (mut bytes, mut buffer, mut bar) = (Vec::new(), vec![0; 1 << 16], Bar::new());
    loop {
        if stop.signal().is_some() {
            return Ok(None);
        }
        match reader.read(&mut buffer).map_err(|error| failed(error.to_string()))? {
            0 => break,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
        if let Some(bar) = &mut bar {
            let note = format!("{:.1} MiB", bytes.len() as f64 / f64::from(1 << 20));
            bar.show(&format!("fetching {}", file.name), (bytes.len() as u64, expected), &note);
        }
    }
    if bytes.len() as u64 > most {
        let expected = format!("at most {most} bytes");
        return Err(Error::Content { url: url.to_owned(), expected, found: "more".to_owned() });
    }
    Ok(Some(bytes))
}

/// Whether `bytes` are what was published.
fn check(url: &str, file: &Published, bytes: &[u8]) -> Result<(), Error> {
    let other = |expected: String, found: String| Error::Content { url: url.to_owned(), expected, found };
    let mut content = MultiGzDecoder::new(bytes).take(file.bytes + 1);
    let mut hash = Sha256::new();
    let count = io::copy(&mut content, &mut hash)
        .map_err(|error| other("data compressed with gzip".to_owned(), error.to_string()))?;
    if count != file.bytes {
        let found = if count > file.bytes { "more".to_owned() } else { count.to_string() };
        return Err(other(format!("{} bytes in it", file.bytes), found));
    }
    let found = format!("{:x}", hash.finalize());
    if found == file.sha256 { Ok(()) } else { Err(other(format!("the SHA-256 {}", file.sha256), found)) }
}
