//! Elements of `args` are checked, kept and expanded without harm; and an escaped value comes back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_protocol::{arguments, check_arguments, escape, expand};

fuzz_target!(|text: &str| {
    let elements: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let environment = [("PARAM_A".to_owned(), text.to_owned()), ("TRIMTAB_RUN".to_owned(), "0".to_owned())];
    let kept = arguments(&elements, &environment);
    match check_arguments("args", &elements, &[("a", true), ("b", false)]) {
        Ok(_) => assert!(kept.len() <= elements.len()),
        Err(unknown) => assert!(kept.len() < elements.len() && !unknown.to_string().is_empty()),
    }
    assert_eq!(expand(&escape(text), |_| None), text);
    let _ = expand(text, |_| Some("value"));
});
