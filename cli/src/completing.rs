//! What kubectl asks of a plugin's completions.
//!
//! kubectl calls the program as `kubectl_complete-trimtab`, with the words behind `kubectl trimtab`; the last of them is the one to
//! complete. The answer is cobra's (`spf13/cobra`, "Shell completions"): a line for each candidate, with what it is behind a tab, and a last
//! one that says what the shell does besides.

use clap::{Arg, Command, ValueHint};

/// The name under which kubectl looks for the completions of a plugin.
pub(crate) const NAME: &str = "kubectl_complete-trimtab";

/// What the shell does besides: it completes names of files where there is no candidate, or it does not.
const FILES: &str = ":0";
const NOTHING: &str = ":4";

/// Where the word stands that is to be completed.
#[derive(Debug)]
struct Place<'c> {
    /// The program, or the verb that was named.
    command: &'c Command,
    /// The option whose value it is.
    option: Option<&'c Arg>,
    /// How many arguments without a dash stand before it.
    arguments: usize,
    /// Whether it stands behind `--`.
    is_escaped: bool,
}

/// A word that may stand there, and what it is.
type Candidate = (String, String);

/// What kubectl is told, with the words behind the plugin's name; the last may be empty.
pub(crate) fn answer(program: &mut Command, words: &[String]) -> String {
    program.build();
    let (word, before) = words.split_last().map_or(("", words), |(last, before)| (last.as_str(), before));
    let place = Place::behind(program, before);
    let (candidates, besides) = place.candidates(word);
    let fitting = candidates.into_iter().filter(|(name, _)| name.starts_with(word));
    let lines: String = fitting.map(|(name, help)| format!("{}\n", format!("{name}\t{help}").trim_end())).collect();
    format!("{lines}{besides}\n")
}

impl<'c> Place<'c> {
    fn behind(program: &'c Command, words: &[String]) -> Self {
        let mut place = Self { command: program, option: None, arguments: 0, is_escaped: false };
        for word in words {
            if place.is_escaped || place.option.take().is_some() {
                continue;
            }
            match (word.as_str(), place.command.find_subcommand(word)) {
                ("--", _) => place.is_escaped = true,
                (dashed, _) if dashed.starts_with('-') && dashed != "-" => place.option = place.waiting(dashed),
                (_, Some(verb)) => place.command = verb,
                _ => place.arguments += 1,
            }
        }
        place
    }

    /// The option that waits for its value behind this word.
    fn waiting(&self, word: &str) -> Option<&'c Arg> {
        let takes = |arg: &&Arg| arg.get_action().takes_values();
        let is_named = |arg: &&Arg| match word.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => arg.get_short().is_some_and(|short| word.ends_with(short)),
        };
        self.command.get_arguments().filter(takes).find(is_named)
    }

    /// Who may stand there if the word begins like them, and what the shell does besides.
    fn candidates(&self, word: &str) -> (Vec<Candidate>, &'static str) {
        if self.is_escaped {
            return (Vec::new(), FILES);
        }
        if let Some(option) = self.option {
            return values(option, "");
        }
        if let Some((name, _)) = word.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            return self.waiting(name).map_or((Vec::new(), NOTHING), |option| values(option, &format!("{name}=")));
        }
        if word.starts_with('-') {
            let shown = self.command.get_arguments().filter(|arg| !arg.is_hide_set());
            let named = shown.filter_map(|arg| Some((format!("--{}", arg.get_long()?), help(arg.get_help()))));
            return (named.collect(), NOTHING);
        }
        if self.command.has_subcommands() {
            let verbs = self.command.get_subcommands().filter(|verb| !verb.is_hide_set());
            return (verbs.map(|verb| (verb.get_name().to_owned(), help(verb.get_about()))).collect(), NOTHING);
        }
        // A study may be a folder.
        let argument = self.command.get_positionals().nth(self.arguments);
        (argument.map(|argument| values(argument, "").0).unwrap_or_default(), FILES)
    }
}

/// The values that an argument may have.
fn values(argument: &Arg, prefix: &str) -> (Vec<Candidate>, &'static str) {
    let besides = if argument.get_value_hint() == ValueHint::Unknown { NOTHING } else { FILES };
    let shown = argument.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
    (shown.map(|value| (format!("{prefix}{}", value.get_name()), help(value.get_help()))).collect(), besides)
}

/// The first line of a help.
fn help(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}
