//! Prints one of the studies that reports are tested with: `hyperband`, `front`, `large` or `hostile`.

use std::io::Write as _;

use anyhow::{Result, bail};
use trimtab_browser_tests::studies;

fn main() -> Result<()> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let list = match name.as_str() {
        "hyperband" => studies::hyperband()?,
        "front" => studies::front()?,
        "large" => studies::large()?,
        "hostile" => studies::hostile()?,
        _ => bail!("which? hyperband, front, large or hostile"),
    };
    serde_json::to_writer(std::io::stdout().lock(), &list)?;
    Ok(std::io::stdout().flush()?)
}
