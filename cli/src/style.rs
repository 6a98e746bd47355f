//! Colours, where they are wanted: on a terminal that has some, unless NO_COLOR is set.

use std::io::IsTerminal;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Busy,
}

impl Style {
    /// The parameters of its SGR sequence (ECMA-48, section 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Busy => "36",
        }
    }

    /// The text in this style, or as it is.
    pub(crate) fn paint(self, text: &str, is_wanted: bool) -> String {
        if self == Self::Plain || !is_wanted || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", self.code())
    }
}

/// Whether standard error shows colours.
pub(crate) fn on_stderr() -> bool {
    std::io::stderr().is_terminal() && has_colours()
}

/// Whether standard output shows colours.
pub(crate) fn on_stdout() -> bool {
    std::io::stdout().is_terminal() && has_colours()
}

/// What the environment says of colours: https://no-color.org, and terminals that have none.
fn has_colours() -> bool {
    let is_set = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !is_set && !is_dumb()
}

/// Whether the terminal can do no more than a typewriter.
pub(crate) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_is_not_painted() {
        assert_eq!(Style::Bad.paint("x", true), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(Style::Bad.paint("x", false), "x");
        assert_eq!(Style::Plain.paint("x", true), "x");
    }
}
