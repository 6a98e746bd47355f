//! What exit codes mean, for the help and the manual pages.
//!
//! One scheme for all verbs, so that a script can be written without looking: 0 is yes, 1 is no, 2 is a question that could not be asked,
//! 3 is a study that rests.

use std::fmt::Write as _;

use clap::Command;

/// The code that every verb has, for what the question was not at fault.
const UNASKED: (u8, &str) =
    (2, "could not be asked: a wrong argument, a file that cannot be read or written, a cluster that does not answer");

/// The scheme, as the program's own help shows it.
const SCHEME: &[(u8, &str)] = &[
    (0, "yes: done, valid, complete, verified"),
    (1, "no: not valid, failed, a decision that does not verify, no best yet, still stopping"),
    (3, "the study rests: it was suspended or interrupted, and goes on with `run` or `resume`"),
];

/// What a verb's codes say beyond `UNASKED`. A verb that is not named says 0 when it is done.
fn of_verb(verb: &str) -> &'static [(u8, &'static str)] {
    match verb {
        "run" => &[
            (0, "the study is complete, or was stopped by `trimtab stop`"),
            (1, "the Study is not valid, and nothing was begun; or the study has failed"),
            (3, "the study rests: it was suspended or interrupted, and goes on when it is run again"),
        ],
        "ask-tell" => &[
            (0, "the study was complete when the client left"),
            (1, "the Study is not valid, and nothing was begun; or the study has failed"),
            (3, "the client left before the end; the study goes on when it is begun again"),
        ],
        "resume" => &[
            (0, "the study goes on; on this machine, it went on and is complete"),
            (1, "the study has ended by itself, or has failed, or its runs were still stopping after --wait"),
            (3, "on this machine: the study went on, and was suspended or interrupted again"),
        ],
        "suspend" => &[
            (0, "the study is suspended; with --wait 0, it was asked to be"),
            (1, "the study has ended, or its runs were still stopping after --wait"),
        ],
        "stop" => &[
            (0, "the study has ended, now or before; with --wait 0, it was asked to"),
            (1, "its runs were still stopping after --wait"),
        ],
        "watch" => &[
            (0, "the study is complete"),
            (1, "the study has failed"),
            (3, "on this machine: the study rests, and nothing will change until it is resumed"),
        ],
        "validate" => &[(0, "all Studies are valid"), (1, "a Study is not valid")],
        "explain" => &[
            (0, "told; with --verify, every decision is what its evidence gives"),
            (1, "with --verify: a decision is not"),
        ],
        "best" => &[(0, "told"), (1, "no trial has a value yet, or none of the front was named where one must be")],
        "importance" => &[(0, "told"), (1, "too few trials have a value")],
        "logs" => &[(0, "printed"), (1, "no trial was named, and none runs now")],
        _ => &[(0, "done")],
    }
}

/// A verb's codes and their meanings, or those of the whole program.
pub(crate) fn codes(verb: Option<&str>) -> Vec<(u8, &'static str)> {
    let mut codes: Vec<_> = verb.map_or(SCHEME, of_verb).to_vec();
    codes.push(UNASKED);
    codes.sort_unstable();
    codes
}

/// Says at the end of each help what the codes are.
pub(crate) fn document(mut command: Command) -> Command {
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for verb in verbs {
        let text = text(&codes(Some(&verb)));
        command = command.mut_subcommand(verb, |command| command.after_help(text));
    }
    command.after_help(text(&codes(None)))
}

fn text(codes: &[(u8, &str)]) -> String {
    codes.iter().fold("Exit codes:".to_owned(), |mut text, (code, words)| {
        let _ = write!(text, "\n  {code}  {words}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_in_order_once_each() {
        let program = crate::command_line();
        for verb in program.get_subcommands().map(Command::get_name).map(Some).chain([None]) {
            let codes: Vec<u8> = codes(verb).iter().map(|(code, _)| *code).collect();
            assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{verb:?}: {codes:?}");
            assert!(codes.starts_with(&[0]) && codes.contains(&2), "{verb:?}: {codes:?}");
        }
    }

    #[test]
    fn verbs_with_codes_of_their_own_exist() {
        let program = crate::command_line();
        let own = [
            "run",
            "ask-tell",
            "resume",
            "suspend",
            "stop",
            "watch",
            "validate",
            "explain",
            "best",
            "importance",
            "logs",
        ];
        for verb in own {
            assert!(program.find_subcommand(verb).is_some(), "{verb}");
            assert_ne!(of_verb(verb), of_verb(""), "{verb}");
        }
    }
}
