//! The page around the data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("assets/page.html");
const STYLE: &str = concat!(include_str!("assets/style.css"), include_str!("assets/charts.css"));

/// The script, piece by piece in the order in which they need each other.
const SCRIPT: &str = concat!(
    "'use strict';\n(() => {\n",
    include_str!("assets/js/base.js"),
    include_str!("assets/js/trials.js"),
    include_str!("assets/js/plot.js"),
    include_str!("assets/js/summary.js"),
    include_str!("assets/js/history.js"),
    include_str!("assets/js/parallel.js"),
    include_str!("assets/js/slice.js"),
    include_str!("assets/js/contour.js"),
    include_str!("assets/js/ladder.js"),
    include_str!("assets/js/slots.js"),
    include_str!("assets/js/main.js"),
    "})();\n",
);

/// A page with these data.
pub(super) fn page(json: &str) -> String {
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let data = escape(json);
    let parts = [("{policy}", policy.as_str()), ("{style}", STYLE), ("{data}", data.as_str()), ("{script}", SCRIPT)];
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + data.len() + policy.len());
    // Each part is put in once and never looked into again, so that no value can stand for a part.
    let mut rest = PAGE;
    for (mark, part) in parts {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        page.push_str(before);
        page.push_str(part);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// What a browser compares a script or style with (Content Security Policy Level 3, section 2.3.1).
fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

/// JSON that no parser of HTML finds an end, a tag, a comment or an entity in, and no parser of JavaScript a line's end. The
/// characters stand inside of strings only, where JSON may escape anything.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + json.len() / 64);
    for c in json.chars() {
        match c {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_is_the_same_json_without_markup() {
        let text = "</script><!--<b>&amp;\u{2028}\u{2029}\\u003c\"{script}";
        let json = serde_json::to_string(text).unwrap();
        let escaped = escape(&json);
        assert!(!escaped.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }

    #[test]
    fn parts_are_put_in_once_and_are_not_looked_into() {
        let page = page(r#""{script}{style}{policy}{data}""#);
        assert!(page.contains(r#""{script}{style}{policy}{data}""#));
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("'use strict'").count(), 1);
    }

    #[test]
    fn script_and_style_end_where_they_should() {
        // What a parser would take for the end of the element is in neither, nor what opens a comment in a script.
        for text in [SCRIPT, STYLE] {
            assert!(!text.contains("</") && !text.contains("<!--"), "markup");
        }
        for forbidden in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "http"]
        {
            let found = SCRIPT.replace("http://www.w3.org/2000/svg", "");
            assert!(!found.contains(forbidden), "{forbidden}");
        }
    }
}
