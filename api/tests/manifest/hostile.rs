//! Study files that anything may stand in: they are read, or refused with a place that is in the file, and neither takes long.

use proptest::prelude::*;
use proptest::sample::Index;
use trimtab_api::manifest::parse;
use trimtab_api::quantity::thousandths;
use trimtab_api::validate;

const FILES: [&str; 4] = [
    super::STUDY,
    include_str!("../../../examples/fashion-mnist.yaml"),
    include_str!("../../../examples/folds.yaml"),
    include_str!("../../../examples/hypergradients.yaml"),
];

/// What readers of YAML stumble over, numbers that are none, and letters of several bytes.
const TOKENS: [&str; 30] = [
    "[",
    "]",
    "{",
    "}",
    ":",
    ": ",
    "- ",
    ",",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "<<: *a",
    "!!int ",
    "|\n",
    "\n",
    "\t",
    "\r\n",
    "---\n",
    "~",
    "null",
    "1e999",
    "-0",
    ".nan",
    "9223372036854775808",
    "é",
    "\u{feff}",
    "\u{1b}[31m",
    "$(PARAM_X)",
];

/// One of the files, altered in some places: cut, without some letters, with a token, with a line twice.
fn altered(file: &str, edits: &[(Index, Index, u8)]) -> String {
    let mut letters: Vec<char> = file.chars().collect();
    for (at, what, kind) in edits {
        let from = at.index(letters.len() + 1);
        let to = (from + what.index(30)).min(letters.len());
        match kind {
            0 => letters.truncate(from.max(20)),
            1 => drop(letters.drain(from..to)),
            2 => {
                let again = letters[from..to].to_vec();
                drop(letters.splice(from..from, again));
            }
            _ => drop(letters.splice(from..from, TOKENS[what.index(TOKENS.len())].chars())),
        }
    }
    letters.into_iter().collect()
}

proptest! {
    #[test]
    fn altered_studies_are_read_or_refused(
        file in 0..FILES.len(),
        edits in proptest::collection::vec((any::<Index>(), any::<Index>(), 0..6_u8), 1..5),
    ) {
        let text = altered(FILES[file], &edits);
        let errors = match parse(&text) {
            Ok(manifest) => {
                let errors = validate(&manifest.study).err().unwrap_or_default();
                errors.iter().map(|error| manifest.locate(error)).collect()
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                errors
            }
        };
        for error in errors {
            prop_assert!((1..=text.lines().count() + 1).contains(&error.line), "{error}");
            prop_assert!(error.column >= 1 && !error.message.is_empty() && error.message.len() < 4_000, "{error}");
            prop_assert!(!error.snippet.contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn any_text_is_a_quantity_or_none(text in "[+]?[0-9.]{0,45}[a-zA-Z+-]{0,3}[0-9]{0,12}", other in ".{0,20}") {
        let (_, _) = (thousandths(&text), thousandths(&other));
    }

    #[test]
    fn quantities_are_what_their_suffix_makes_of_them(whole in 0..1_u64 << 32, part in 0..1_000_u64) {
        let exact = whole * 1000 + part;
        for (text, expected) in [
            (format!("{whole}.{part:03}"), exact),
            (format!("{exact}m"), exact),
            (format!("{exact}e-3"), exact),
            (format!("{whole}.{part:03}k"), exact * 1000),
            (format!("{whole}Ki"), whole * 1_024_000),
            // What is left of a thousandth counts as one.
            (format!("{exact}u"), exact.div_ceil(1000)),
        ] {
            prop_assert_eq!(thousandths(&text), Some(expected), "{}", text);
        }
    }
}

#[test]
fn files_that_would_take_all_memory_or_stack_are_refused() {
    let laughs: String = (1..12)
        .map(|level| format!("a{level}: &a{level} [{}]\n", ["*a"; 9].map(|a| format!("{a}{}", level - 1)).join(", ")))
        .collect();
    let deep = 100_000;
    for text in [
        format!("a0: &a0 ha\n{laughs}"),
        "[".repeat(deep),
        "{a: ".repeat(deep),
        "- ".repeat(deep),
        "? ".repeat(deep),
        format!("spec: {}1{}", "[".repeat(deep), "]".repeat(deep)),
        "a: &a [*a]".to_owned(),
        "&".repeat(deep),
    ] {
        let errors = parse(&text).expect_err("no Study");
        assert!(errors[0].message.len() < 4_000, "{}", errors[0]);
    }
    // What is at the bound is read on the stack of any thread.
    for levels in [39, 40, 41, 64] {
        assert!(!parse(&"- ".repeat(levels)).expect_err("no Study").is_empty());
        assert!(
            !parse(&format!("spec: {}{}", "[".repeat(levels), "]".repeat(levels))).expect_err("no Study").is_empty()
        );
    }
}
