//! Writing to the two streams, in the form that was asked for. A reader that went away, such as `head`, is no mistake.

use std::io::{ErrorKind, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::error::Error;

/// The forms of answers. Each verb takes those that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    #[value(alias = "text")]
    Table,
    /// For programs.
    Json,
    /// The same in YAML.
    Yaml,
    /// A trial a line, by RFC 4180: number, state, level, value, parameters.
    Csv,
    /// Arguments of a command: --learning-rate=0.01.
    Flags,
    /// Variables as trials have them: PARAM_LEARNING_RATE=0.01.
    Env,
    /// A Study that begins with the best configurations: to search on elsewhere.
    Study,
}

/// The option of the verbs that answer people and programs.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Output {
    /// How to answer.
    #[arg(long, short, default_value = "table", value_name = "FORM", value_parser = forms(&[Form::Table, Form::Json, Form::Yaml]))]
    output: Form,
}

/// A parser of some forms.
pub(crate) fn forms(known: &[Form]) -> impl TypedValueParser<Value = Form> + use<> {
    let values: Vec<_> = known.iter().filter_map(ValueEnum::to_possible_value).collect();
    PossibleValuesParser::new(values).try_map(|text| Form::from_str(&text, false))
}

impl Output {
    /// Answers with a value, or with a text for people.
    pub(crate) fn answer(self, value: &impl Serialize, table: impl FnOnce() -> String) -> Result<(), Error> {
        self.output.answer(value, table)
    }

    /// Whether people are answered.
    pub(crate) fn is_table(self) -> bool {
        self.output == Form::Table
    }
}

impl Form {
    /// Answers in this form: with a value, or with a text that is none of the two.
    pub(crate) fn answer(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Error> {
        match self {
            Self::Json => print_json(value),
            Self::Yaml => print_yaml(value),
            Self::Table | Self::Csv | Self::Flags | Self::Env | Self::Study => print(&text()),
        }
    }
}

/// Writes a text to standard output.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    print_bytes(text.as_bytes())
}

/// Writes bytes to standard output as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Write(error)),
        _ => Ok(()),
    }
}

/// Writes a value to standard output as JSON.
fn print_json(value: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::Render(error.to_string()))?;
    text.push('\n');
    print(&text)
}

/// Writes a value to standard output as YAML.
fn print_yaml(value: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_saphyr::to_string(value).map_err(|error| Error::Render(error.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    print(&text)
}

/// Writes a line to standard error. When even that fails there is nobody left to tell.
pub(crate) fn complain(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{}", line.trim_end()));
}
