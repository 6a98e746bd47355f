//! Claims on a name or a number, which the kernel takes back when their holder dies.
//!
//! A claim is a listening socket in the abstract namespace: taking one is atomic, it leaves no file,
//! and it ends with the process however that ends. The claim on a cluster's name is also the door
//! at which its supervisor is spoken to.

use std::io::{self, BufRead, BufReader, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::Error;

fn of_folder(root: &Path) -> io::Result<SocketAddr> {
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    SocketAddr::from_abstract_name(format!("trimtab-cluster/folder/{short}"))
}

/// Claims a run folder; `None` if somebody holds it.
pub(crate) fn folder(root: &Path) -> Result<Option<UnixListener>, Error> {
    let address = of_folder(root).map_err(Error::file(root))?;
    taken(UnixListener::bind_addr(&address)).map_err(Error::file(root))
}

/// Claims a number on this machine; `None` if somebody holds it.
pub(crate) fn number(number: u8) -> io::Result<Option<UnixListener>> {
    let address = SocketAddr::from_abstract_name(format!("trimtab-cluster/number/{number}"))?;
    taken(UnixListener::bind_addr(&address))
}

fn taken(bound: io::Result<UnixListener>) -> io::Result<Option<UnixListener>> {
    match bound {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error),
    }
}

/// Asks the supervisor that holds a run folder; `None` if nobody does.
pub(crate) fn ask(root: &Path, request: &str) -> Result<Option<String>, Error> {
    let address = of_folder(root).map_err(Error::file(root))?;
    let Ok(mut stream) = UnixStream::connect_addr(&address) else {
        return Ok(None);
    };
    let mut answer = String::new();
    writeln!(stream, "{request}")
        .and_then(|()| BufReader::new(stream).read_line(&mut answer))
        .map_err(Error::file(root))?;
    let answer = answer.trim_end();
    if let Some(reason) = answer.strip_prefix("error ") {
        return Err(Error::Supervisor(reason.to_owned()));
    }
    match answer.strip_prefix("ok") {
        Some(rest) => Ok(Some(rest.trim_start().to_owned())),
        // The supervisor ended before it could answer.
        None => Ok(None),
    }
}
