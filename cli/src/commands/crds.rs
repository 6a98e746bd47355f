//! `trimtab crds`: the custom resource definitions.

use trimtab_api::schema::{crds, plain};

use crate::error::Error;
use crate::{Exit, output};

/// Prints both definitions as one YAML stream.
pub(crate) fn run() -> Result<Exit, Error> {
    let definitions = crds().map_err(|error| Error::Render(error.to_string()))?;
    let mut text = String::new();
    for definition in definitions {
        let value = serde_json::to_value(definition).map_err(|error| Error::Render(error.to_string()))?;
        let yaml = serde_saphyr::to_string(&plain(value)).map_err(|error| Error::Render(error.to_string()))?;
        text.push_str("---\n");
        text.push_str(&yaml);
        if !yaml.ends_with('\n') {
            text.push('\n');
        }
    }
    output::print(&text)?;
    Ok(Exit::Yes)
}
