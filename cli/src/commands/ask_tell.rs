//! `trimtab ask-tell`: a Study whose trials are run by the program that asks for them. See `docs/ask-tell.md`.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::path::PathBuf;

use clap::Args;
use trimtab_local::desk::answer::{Answer, Line, PROTOCOL};
use trimtab_local::{Desk, End};
use trimtab_protocol::asking::MAX_LINE;

use crate::error::Error;
use crate::home::Home;
use crate::{Exit, check};

/// Which Study, and what is kept of it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The Study's file. What its template would start is not looked at. Begun again on its folder, the study goes on where it was.
    file: PathBuf,
    #[command(flatten)]
    home: Home,
    /// Keep nothing: no folder, no journal.
    #[arg(long, conflicts_with = "folder")]
    memory: bool,
    /// How many runs may be out at once, instead of what the Study says.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    parallelism: Option<u32>,
    /// The version of the protocol that the client speaks.
    #[arg(long, value_name = "VERSION", default_value_t = PROTOCOL)]
    protocol: u32,
}

/// Answers until the client is gone.
pub(crate) fn run(options: &Options) -> Result<Exit, Error> {
    if options.protocol != PROTOCOL {
        let words = format!("--protocol {}: this program speaks version {PROTOCOL}", options.protocol);
        return Err(Error::Usage(words));
    }
    if options.file.as_os_str() == "-" {
        return Err(Error::Usage("standard input is for requests: give the Study's file".to_owned()));
    }
    let Some(mut study) = check::one(&options.file)? else { return Ok(Exit::No) };
    if let Some(parallelism) = options.parallelism {
        study.spec.parallelism = parallelism;
    }
    let name = study.metadata.name.clone().unwrap_or_default();
    let mut desk = Desk::begin(&study, options.home.of(&name), !options.memory)?;
    serve(&mut desk, &mut std::io::stdin().lock(), &mut std::io::stdout().lock())?;
    Ok(match desk.close()? {
        End::Complete(_) => Exit::Yes,
        End::Failed(..) => Exit::No,
        End::Suspended => Exit::Paused,
    })
}

/// Reads requests and writes answers until one of both ends.
fn serve(desk: &mut Desk, requests: &mut impl BufRead, answers: &mut impl Write) -> Result<(), Error> {
    let hello = desk.hello();
    let mut is_heard = say(answers, &hello)?;
    let mut line = Vec::new();
    while is_heard && read(requests, &mut line)? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match desk.answer(&line) {
            Ok(answer) => is_heard = say(answers, &answer)?,
            Err(error) => {
                // The last word: what comes after it could not be kept.
                let answer = Answer::Error { field: "journal".to_owned(), message: error.to_string() };
                say(answers, &Line { id: None, answer })?;
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Reads a line; says whether there was one. Of a line that is too long, enough is kept to be refused.
fn read(requests: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, Error> {
    let failed = |error| Error::Read { file: "<stdin>".to_owned(), error };
    line.clear();
    let most = MAX_LINE as u64 + 1;
    let mut length = requests.by_ref().take(most).read_until(b'\n', line).map_err(failed)?;
    if length == 0 {
        return Ok(false);
    }
    while length > 0 && line.last() != Some(&b'\n') && line.len() > MAX_LINE {
        let mut rest = Vec::new();
        length = requests.by_ref().take(most).read_until(b'\n', &mut rest).map_err(failed)?;
        if rest.last() == Some(&b'\n') {
            break;
        }
    }
    Ok(true)
}

/// Writes a line; says whether somebody still reads.
fn say(answers: &mut impl Write, line: &Line) -> Result<bool, Error> {
    let mut text = serde_json::to_string(line).map_err(|error| Error::Render(error.to_string()))?;
    text.push('\n');
    match answers.write_all(text.as_bytes()).and_then(|()| answers.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::Write(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut text = vec![b'x'; 3 * MAX_LINE];
        text.extend_from_slice(b"\nnext\nlast");
        let (mut input, mut line) = (text.as_slice(), Vec::new());
        assert!(read(&mut input, &mut line).unwrap());
        assert_eq!(line.len(), MAX_LINE + 1);
        assert!(read(&mut input, &mut line).unwrap());
        assert_eq!(line, b"next\n");
        assert!(read(&mut input, &mut line).unwrap());
        assert_eq!(line, b"last");
        assert!(!read(&mut input, &mut line).unwrap());
    }
}
