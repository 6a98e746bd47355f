//! Label and field selectors of a list.

use serde_json::Value;

/// Whether an object's labels satisfy a label selector such as `a=b,c!=d,e,!f,g in (x,y)`.
#[must_use]
pub fn labels_match(selector: &str, object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    terms(selector).iter().all(|term| label_term(term, labels))
}

/// Whether an object satisfies a field selector such as `metadata.name=x,status.phase!=Running`.
#[must_use]
pub fn fields_match(selector: &str, object: &Value) -> bool {
    terms(selector).iter().all(|term| {
        let (path, wanted, equal) = match term.split_once("!=") {
            Some((path, wanted)) => (path, wanted, false),
            None => match term.split_once('=') {
                Some((path, wanted)) => (path, wanted.trim_start_matches('='), true),
                None => return false,
            },
        };
        let held = path.trim().split('.').fold(object, |value, step| &value[step]);
        (held.as_str().unwrap_or("") == wanted.trim()) == equal
    })
}

/// Splits at commas that are not inside parentheses.
fn terms(selector: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut depth = 0;
    for c in selector.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                terms.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = terms.last_mut() {
            last.push(c);
        }
    }
    terms.into_iter().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()
}

fn label_term(term: &str, labels: &Value) -> bool {
    let held = |name: &str| labels[name.trim()].as_str();
    let members = |list: &str| -> Vec<String> {
        list.trim().trim_start_matches('(').trim_end_matches(')').split(',').map(|x| x.trim().to_owned()).collect()
    };
    if let Some((name, list)) = term.split_once(" notin ") {
        return held(name).is_none_or(|value| !members(list).contains(&value.to_owned()));
    }
    if let Some((name, list)) = term.split_once(" in ") {
        return held(name).is_some_and(|value| members(list).contains(&value.to_owned()));
    }
    if let Some((name, value)) = term.split_once("!=") {
        return held(name) != Some(value.trim());
    }
    if let Some((name, value)) = term.split_once('=') {
        return held(name) == Some(value.trim_start_matches('=').trim());
    }
    match term.strip_prefix('!') {
        Some(name) => held(name).is_none(),
        None => held(term).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_say_what_they_mean() {
        let object = json!({"metadata": {"name": "x", "labels": {"a": "1", "b": "2"}}, "status": {"phase": "Running"}});
        for (selector, holds) in [
            ("a=1", true),
            ("a==1,b=2", true),
            ("a!=1", false),
            ("c", false),
            ("!c", true),
            ("a in (1,3)", true),
            ("a notin (1,3)", false),
            ("c notin (1)", true),
            ("", true),
            ("a=1,c=1", false),
        ] {
            assert_eq!(labels_match(selector, &object), holds, "{selector}");
        }
        assert!(fields_match("metadata.name=x,status.phase!=Failed", &object));
        assert!(!fields_match("metadata.name=y", &object));
    }
}
