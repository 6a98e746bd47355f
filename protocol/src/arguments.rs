//! Which elements of `args` and `command` a run keeps.
//!
//! Kubernetes itself replaces `$(NAME)` in them by the variable's value. What is left to do here is to leave out an
//! element whose variable this run does not have, and to refuse, once per study, a reference to a variable that no run
//! will ever have: Kubernetes would pass it on as it is written, and the program would see `$(PARAM_LERNING_RATE)`.
//!
//! The syntax is that of Kubernetes: `$(NAME)` is a reference, with everything up to the next `)` as its name; `$$` is a
//! `$` that begins nothing; any other `$` stands for itself.

use crate::environment::{RUN_VARIABLES, is_reserved, variable};

/// The longest part of a user's text that an error repeats.
const SHOWN: usize = 120;

/// A part of a text with references.
enum Piece<'a> {
    /// Text that stands for itself.
    Text(&'a str),
    /// The name of a variable.
    Reference(&'a str),
}

/// The pieces of a text, in order. Linear, because the last `)` is found once: after it no reference can end.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let last_closer = text.rfind(')');
    let mut pieces = Vec::new();
    let mut rest = 0;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|tail| tail.find('$')) {
        let dollar = at + found;
        at = dollar + 1;
        match text.as_bytes().get(at) {
            Some(b'$') => {
                // The first `$` stands for itself and the second one is gone.
                pieces.extend(text.get(rest..at).map(Piece::Text));
                at += 1;
                rest = at;
            }
            Some(b'(') if last_closer.is_some_and(|closer| closer > at) => {
                if let Some(length) = text.get(at..).and_then(|tail| tail.find(')')) {
                    pieces.extend(text.get(rest..dollar).map(Piece::Text));
                    pieces.extend(text.get(at + 1..at + length).map(Piece::Reference));
                    at += length + 1;
                    rest = at;
                }
            }
            _ => {}
        }
    }
    pieces.extend(text.get(rest..).map(Piece::Text));
    pieces
}

/// The variables of Trimtab's that a text refers to, in order.
fn own_references(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Reference(name) if is_reserved(name) => Some(name),
        Piece::Reference(_) | Piece::Text(_) => None,
    })
}

/// Replaces references as Kubernetes does: a name that `lookup` does not know stays as it is written.
///
/// The local mode starts its processes with this; in a cluster the kubelet does it.
#[must_use]
pub fn expand<'a>(text: &str, lookup: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut expanded = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => expanded.push_str(text),
            Piece::Reference(name) => match lookup(name) {
                Some(value) => expanded.push_str(value),
                None => {
                    expanded.push_str("$(");
                    expanded.push_str(name);
                    expanded.push(')');
                }
            },
        }
    }
    expanded
}

/// Writes a value so that Kubernetes' expansion gives it back unchanged, whatever it contains.
#[must_use]
pub fn escape(value: &str) -> String {
    value.replace('$', "$$")
}

/// The elements that a run keeps: all but those that refer to a variable of Trimtab's that `environment` lacks.
///
/// An element goes as a whole, so a flag and its value belong into one: `--momentum=$(PARAM_MOMENTUM)`.
#[must_use]
pub fn arguments(elements: &[String], environment: &[(String, String)]) -> Vec<String> {
    let is_set = |name: &str| environment.iter().any(|(set, _)| set == name);
    elements.iter().filter(|element| own_references(element).all(is_set)).cloned().collect()
}

/// A reference to a variable that no run of the study has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is `{element}`: `$({variable})` names nothing; known are {}", known.join(", "))]
pub struct UnknownVariable {
    /// The element's place, such as `args[2]`.
    pub field: String,
    /// The element, shortened.
    pub element: String,
    /// The name that is not known, shortened.
    pub variable: String,
    /// The names that are.
    pub known: Vec<String>,
}

/// An element that is nothing but a variable that may be absent, right behind what looks like a flag: without the
/// variable the flag stays behind alone. It may be meant, so it is worth a warning and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dangling {
    /// The flag's place, such as `args[1]`.
    pub field: String,
    /// The flag, shortened.
    pub flag: String,
    /// The variable that may be absent.
    pub variable: String,
}

/// Checks the elements of `field` (`args` or `command`) against the study's parameters, each with whether its variable is
/// always set: because the parameter is always active, or has an `otherwise`.
///
/// # Errors
/// For the first reference to a variable of Trimtab's that no run of the study has.
pub fn check_arguments(
    field: &str,
    elements: &[String],
    parameters: &[(&str, bool)],
) -> Result<Vec<Dangling>, UnknownVariable> {
    use crate::environment::{CHECKPOINT, FIDELITY, FIDELITY_MAX, FIDELITY_REACHED, REPEAT, RESUME};

    let mut known: Vec<(String, bool)> = parameters.iter().map(|(name, always)| (variable(name), *always)).collect();
    let may_be_absent = [CHECKPOINT, FIDELITY, FIDELITY_MAX, FIDELITY_REACHED, REPEAT, RESUME];
    known.extend(RUN_VARIABLES.iter().map(|name| ((*name).to_owned(), !may_be_absent.contains(name))));

    let mut dangling = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        for name in own_references(element) {
            let Some((_, always)) = known.iter().find(|(known, _)| known == name) else {
                return Err(UnknownVariable {
                    field: format!("{field}[{index}]"),
                    element: shorten(element),
                    variable: shorten(name),
                    known: known.into_iter().map(|(name, _)| name).collect(),
                });
            };
            let flag = index.checked_sub(1).and_then(|before| elements.get(before));
            if let Some(flag) = flag
                && !always
                && *element == format!("$({name})")
                && flag.starts_with('-')
                && !flag.contains(['=', '$'])
            {
                dangling.push(Dangling {
                    field: format!("{field}[{}]", index - 1),
                    flag: shorten(flag),
                    variable: name.to_owned(),
                });
            }
        }
    }
    Ok(dangling)
}

/// The beginning of a text, in whole characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn with_letters(text: &str) -> String {
        expand(text, |name| match name {
            "VAR_A" => Some("A"),
            "VAR_B" => Some("B"),
            "VAR_REF" => Some("$(VAR_A)"),
            "VAR_EMPTY" => Some(""),
            _ => None,
        })
    }

    /// The cases that decide Kubernetes' syntax.
    #[test]
    fn references_are_replaced_as_kubernetes_does() {
        for (text, expected) in [
            ("$(VAR_A)", "A"),
            ("___$(VAR_B)___", "___B___"),
            ("$(VAR_A)_$(VAR_B)", "A_B"),
            ("$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"),
            ("f000-$$VAR_A", "f000-$VAR_A"),
            ("foo\\$(VAR_A)bar", "foo\\Abar"),
            ("$(VAR_A$(VAR_B))", "$(VAR_A$(VAR_B))"),
            ("$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"),
            ("%%$(VAR_REF)--$(VAR_REF)%%", "%%$(VAR_A)--$(VAR_A)%%"),
            ("foo$(VAR_EMPTY)bar", "foobar"),
            ("foo$(VAR_Awhoops!", "foo$(VAR_Awhoops!"),
            ("f00__(VAR_A)__", "f00__(VAR_A)__"),
            ("$?_boo_$!", "$?_boo_$!"),
            ("$VAR_A", "$VAR_A"),
            ("$(VAR_DNE)", "$(VAR_DNE)"),
            ("$$$$$$(BIG_MONEY)", "$$$(BIG_MONEY)"),
            ("$$$$$$$(VAR_A)", "$$$A"),
            ("${VAR_A}", "${VAR_A}"),
            ("$(VAR_B)___$(A", "B___$(A"),
            ("$(VAR_B)___$(", "B___$("),
            ("$(VAR_A)foo$", "Afoo$"),
            ("--$($($($($--", "--$($($($($--"),
            ("$(foo$$var)", "$(foo$$var)"),
            ("ä$(VAR_A)ö$", "äAö$"),
            ("", ""),
        ] {
            assert_eq!(with_letters(text), expected, "{text}");
        }
    }

    #[test]
    fn escaped_values_survive_expansion() {
        for value in ["$", "$$", "$(VAR_A)", "a$(", "plain", "$$(VAR_A)$"] {
            assert_eq!(with_letters(&escape(value)), value);
        }
    }

    #[test]
    fn elements_whose_variable_is_absent_are_left_out_whole() {
        let environment =
            vec![("PARAM_LR".to_owned(), "0.1".to_owned()), ("TRIMTAB_FIDELITY".to_owned(), "9".to_owned())];
        let elements = strings(&[
            "train.py",
            "--lr=$(PARAM_LR)",
            "--momentum=$(PARAM_MOMENTUM)",
            "--both=$(PARAM_LR),$(PARAM_MOMENTUM)",
            "--resume=$(TRIMTAB_RESUME)",
            "--literal=$$(TRIMTAB_RESUME)",
            "--home=$(HOME)",
            "--epochs=$(TRIMTAB_FIDELITY)",
        ]);
        assert_eq!(
            arguments(&elements, &environment),
            strings(&[
                "train.py",
                "--lr=$(PARAM_LR)",
                "--literal=$$(TRIMTAB_RESUME)",
                "--home=$(HOME)",
                "--epochs=$(TRIMTAB_FIDELITY)",
            ])
        );
    }

    #[test]
    fn reference_to_nothing_is_refused_with_what_is_known() {
        let error = check_arguments("args", &strings(&["a", "--lr=$(PARAM_LRR)"]), &[("lr", true)]).unwrap_err();
        assert_eq!(error.field, "args[1]");
        assert_eq!(error.variable, "PARAM_LRR");
        let text = error.to_string();
        assert!(
            text.starts_with(
                "`args[1]` is `--lr=$(PARAM_LRR)`: `$(PARAM_LRR)` names nothing; known are PARAM_LR, TRIMTAB_STUDY, "
            ),
            "{text}"
        );
        assert!(check_arguments("command", &strings(&["$(TRIMTAB_EPOCHS)"]), &[]).is_err());
        assert!(check_arguments("args", &strings(&["$(PARAM_lr)"]), &[("lr", true)]).is_err());
    }

    #[test]
    fn names_of_others_are_not_ours_to_check() {
        let elements = strings(&["$(HOME)", "$(MY_PARAM_X)", "$$(PARAM_X)", "$(PARAM_X"]);
        assert_eq!(check_arguments("args", &elements, &[]), Ok(Vec::new()));
    }

    #[test]
    fn flag_that_may_lose_its_value_is_pointed_out() {
        let elements =
            strings(&["--resume", "$(TRIMTAB_RESUME)", "--lr", "$(PARAM_LR)", "--m", "$(PARAM_M)", "$(PARAM_M)"]);
        let found = check_arguments("args", &elements, &[("lr", true), ("m", false)]).unwrap();
        let places: Vec<&str> = found.iter().map(|dangling| dangling.field.as_str()).collect();
        assert_eq!(places, ["args[0]", "args[4]"]);
    }

    #[test]
    fn hostile_element_is_read_once() {
        let text = "$(".repeat(200_000);
        assert_eq!(with_letters(&text), text);
        assert_eq!(with_letters(&format!("){text}")), format!("){text}"));
    }
}
