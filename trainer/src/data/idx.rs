//! Reads the IDX format of the MNIST family, as it is or compressed with gzip.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// The magic number of a file of images: unsigned bytes in three dimensions.
const IMAGES: u32 = 0x0000_0803;
/// The magic number of a file of labels: unsigned bytes in one dimension.
const LABELS: u32 = 0x0000_0801;
/// No data set of this family comes near this; a header that claims more is not a header.
const MAX_BYTES: u64 = 8 << 30;
/// The most bytes that a byte of compressed data becomes (RFC 1951: 258 for two bits, and what a block begins with).
const EXPANSION: u64 = 1032;

/// What can be wrong with an IDX file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither the plain nor the compressed file exists.
    #[error("no {name} and no {name}.gz in {folder}")]
    Missing {
        /// The file's name without `.gz`.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The file cannot be read or decompressed.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is of another kind.
    #[error("{path} is no IDX file of {what}: expected the magic number {expected:#010x}, found {found:#010x}")]
    Magic {
        /// The file.
        path: PathBuf,
        /// Images or labels.
        what: &'static str,
        /// The magic number of such files.
        expected: u32,
        /// What the file begins with.
        found: u32,
    },
    /// The header makes no sense.
    #[error("{path} has an impossible header: {count} items of {rows} x {columns}")]
    Header {
        /// The file.
        path: PathBuf,
        /// The number of items that it claims.
        count: u32,
        /// The height of each.
        rows: u32,
        /// The width of each.
        columns: u32,
    },
    /// The file ends before its header does.
    #[error("{path} is truncated: expected a header of {expected} bytes, found less than {found}")]
    Short {
        /// The file.
        path: PathBuf,
        /// The bytes of a header.
        expected: usize,
        /// A number of bytes that are not there.
        found: usize,
    },
    /// The file has fewer or more bytes than its header says.
    #[error("{path} is {state}: its header promises {expected} bytes of {what}, found {found}")]
    Length {
        /// The file.
        path: PathBuf,
        /// Truncated or too long.
        state: &'static str,
        /// Images or labels.
        what: &'static str,
        /// The number of bytes that the header promises.
        expected: u64,
        /// The number of bytes that are there, or a lower bound of it.
        found: String,
    },
}

/// Grey images of one size, a byte a pixel, one after the other.
#[derive(Debug)]
pub struct Images {
    /// The file that they come from.
    pub path: PathBuf,
    /// How many there are.
    pub count: usize,
    /// Height and width of each, in pixels.
    pub size: [usize; 2],
    /// All pixels.
    pub bytes: Vec<u8>,
}

/// The classes of images.
#[derive(Debug)]
pub struct Labels {
    /// The file that they come from.
    pub path: PathBuf,
    /// One for each image.
    pub bytes: Vec<u8>,
}

/// Reads the file of images called `name`, or `name.gz`, in `folder`. `fits` is asked before memory is taken for its bytes.
///
/// # Errors
/// If there is none, it is not what it should be, or it does not fit.
pub fn images<E: From<Error>>(
    folder: &Path,
    name: &str,
    fits: impl FnOnce(&Path, u64) -> Result<(), E>,
) -> Result<Images, E> {
    read_images(open(folder, name)?, fits)
}

/// Reads images from a file that is open. `fits` is asked before memory is taken for their bytes.
///
/// # Errors
/// If it is not what it should be, or does not fit.
pub fn read_images<E: From<Error>>(
    file: Open<impl Read>,
    fits: impl FnOnce(&Path, u64) -> Result<(), E>,
) -> Result<Images, E> {
    let Open { path, mut reader, most } = file;
    let [count, rows, columns] = header(&path, &mut reader, "images", IMAGES)?;
    let total = u64::from(rows) * u64::from(columns);
    let total = total.checked_mul(u64::from(count)).filter(|total| (1..=MAX_BYTES).contains(total));
    let Some(total) = total else {
        return Err(Error::Header { path, count, rows, columns }.into());
    };
    fits(&path, total)?;
    let bytes = body(&path, reader, "images", (total, most))?;
    Ok(Images { path, count: count as usize, size: [rows as usize, columns as usize], bytes })
}

/// Reads the file of labels called `name`, or `name.gz`, in `folder`. `fits` is asked before memory is taken for them.
///
/// # Errors
/// If there is none, it is not what it should be, or it does not fit.
pub fn labels<E: From<Error>>(
    folder: &Path,
    name: &str,
    fits: impl FnOnce(&Path, u64) -> Result<(), E>,
) -> Result<Labels, E> {
    read_labels(open(folder, name)?, fits)
}

/// Reads labels from a file that is open. `fits` is asked before memory is taken for them.
///
/// # Errors
/// If it is not what it should be, or does not fit.
pub fn read_labels<E: From<Error>>(
    file: Open<impl Read>,
    fits: impl FnOnce(&Path, u64) -> Result<(), E>,
) -> Result<Labels, E> {
    let Open { path, mut reader, most } = file;
    let [count] = header(&path, &mut reader, "labels", LABELS)?;
    fits(&path, u64::from(count))?;
    let bytes = body(&path, reader, "labels", (u64::from(count), most))?;
    Ok(Labels { path, bytes })
}

/// A file that is open.
#[derive(Debug)]
pub struct Open<R> {
    /// The file, for messages.
    pub path: PathBuf,
    /// Its content, decompressed.
    pub reader: R,
    /// The most bytes that it can have, as far as its size tells.
    pub most: u64,
}

/// Opens the plain file or else the compressed one. What it is, its first bytes say, not its name.
fn open(folder: &Path, name: &str) -> Result<Open<Box<dyn Read>>, Error> {
    for path in [folder.join(name), folder.join(format!("{name}.gz"))] {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let size = match file.metadata() {
            Ok(metadata) => metadata.len(),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let mut file = BufReader::with_capacity(1 << 16, file);
        let start = match io::BufRead::fill_buf(&mut file) {
            Ok(start) => start,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let compressed = start.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn Read> = if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        return Ok(Open { path, reader, most: size.saturating_mul(if compressed { EXPANSION } else { 1 }) });
    }
    Err(Error::Missing { name: name.to_owned(), folder: folder.to_owned() })
}

/// Reads the magic number, which must be `magic`, and the `N` sizes after it.
fn header<const N: usize>(
    path: &Path,
    reader: &mut impl Read,
    what: &'static str,
    magic: u32,
) -> Result<[u32; N], Error> {
    let mut next = |done: usize| {
        let mut word = [0_u8; 4];
        match reader.read_exact(&mut word) {
            Ok(()) => Ok(u32::from_be_bytes(word)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Error::Short { path: path.to_owned(), expected: 4 * (N + 1), found: 4 * (done + 1) })
            }
            Err(source) => Err(Error::Read { path: path.to_owned(), source }),
        }
    };
    let found = next(0)?;
    if found != magic {
        return Err(Error::Magic { path: path.to_owned(), what, expected: magic, found });
    }
    let mut sizes = [0_u32; N];
    for (done, size) in sizes.iter_mut().enumerate() {
        *size = next(done + 1)?;
    }
    Ok(sizes)
}

/// Reads what follows the header: `expected` bytes and no more, of a file that has at most `most`.
fn body(path: &Path, reader: impl Read, what: &'static str, (expected, most): (u64, u64)) -> Result<Vec<u8>, Error> {
    // The header is not trusted with an allocation: it may be the only thing in the file.
    let mut bytes = Vec::with_capacity(expected.min(most) as usize);
    match reader.take(expected + 1).read_to_end(&mut bytes) {
        Ok(_) => {}
        // A compressed file that ends too early says so itself.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let (path, found) = (path.to_owned(), bytes.len().to_string());
            return Err(Error::Length { path, state: "truncated", what, expected, found });
        }
        Err(source) => {
            return Err(Error::Read { path: path.to_owned(), source });
        }
    }
    let found = bytes.len() as u64;
    if found == expected {
        return Ok(bytes);
    }
    let (state, found) =
        if found < expected { ("truncated", found.to_string()) } else { ("too long", "more".to_owned()) };
    Err(Error::Length { path: path.to_owned(), state, what, expected, found })
}
