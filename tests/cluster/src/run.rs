//! Running a program to its end.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::error::Error;

/// Runs a program and returns what it wrote to its standard output; a failure carries its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    output_of(command, None)
}

/// The same, with text on its standard input.
pub(crate) fn output_of(command: &mut Command, input: Option<&str>) -> Result<String, Error> {
    let failed = |command: &Command, output: String| Error::Command { command: words(command), output };
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(command, error.to_string()))?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // A program that ends early without reading says why on its standard error.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(command, error.to_string()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = [text(&output.stderr), text(&output.stdout)].concat();
    Err(failed(command, format!("{} ({})", said.trim(), output.status)))
}

/// Runs a program given as words.
pub(crate) fn words_of<S: AsRef<OsStr>>(argv: &[S]) -> Result<String, Error> {
    let Some((program, arguments)) = argv.split_first() else {
        return Ok(String::new());
    };
    output(Command::new(program).args(arguments))
}

fn words(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}
