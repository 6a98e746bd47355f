//! Reports in Chromium: `./test browser` installs it, and says which program writes the reports.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a scene that cannot be set fails its test, and figures are told"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use trimtab_browser_tests::browser::Browser;
use trimtab_browser_tests::page::{self, Look};
use trimtab_browser_tests::studies;

/// Where pictures are left, for people.
fn folder() -> PathBuf {
    let folder =
        std::env::var("TRIMTAB_PICTURES").map_or_else(|_| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

/// Writes the report of a study as a user does.
fn report(name: &str, list: &Value) -> PathBuf {
    let (record, report) = (folder().join(format!("{name}.json")), folder().join(format!("{name}.html")));
    std::fs::write(&record, serde_json::to_vec(list).unwrap()).unwrap();
    let study = list["items"][0]["metadata"]["name"].as_str().unwrap();
    let program = std::env::var("TRIMTAB_CLI_BIN").expect("TRIMTAB_CLI_BIN names no trimtab: run ./test browser");
    let began = Instant::now();
    let ran = Command::new(program)
        .args(["report", study])
        .args([Path::new("--from"), &record, Path::new("--to"), &report])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let size = std::fs::metadata(&report).unwrap().len();
    println!("{name}: written in {} ms, {} KiB", began.elapsed().as_millis(), size / 1024);
    report
}

/// What is wrong with the markup, by tidy.
fn tidied(file: &Path) -> String {
    let ran =
        Command::new("tidy").args(["-q", "-e", "-utf8", "--drop-empty-elements", "no"]).arg(file).output().unwrap();
    String::from_utf8_lossy(&ran.stderr).into_owned()
}

/// Texts of a chart that lie over each other, as the browser has drawn them.
const OVERLAPS: &str = "(() => {
    const found = [];
    for (const chart of document.querySelectorAll('svg.chart')) {
        const boxes = [...chart.querySelectorAll('text')].map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
        boxes.forEach(({ text, box }, i) => boxes.slice(i + 1).forEach((other) => {
            const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
            const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
            if (wide > 1 && high > 3) found.push(`${chart.getAttribute('aria-label')}: ${text} over ${other.text}`);
        }));
    }
    return found;
})()";

/// The least contrast (WCAG 2.2, relative luminance) of texts with what is behind them.
const CONTRAST: &str = "(() => {
    const light = (color) => {
        const [r, g, b] = color.match(/[\\d.]+/g).map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const color = getComputedStyle(at).backgroundColor;
            if (!color.endsWith(', 0)') && color !== 'transparent') return color;
        }
        return 'rgb(255, 255, 255)';
    };
    let least = 21;
    for (const node of document.querySelectorAll('h1, h2, h3, p, th, td, li, a, dt, dd, small, pre, summary, label, button, select, svg text')) {
        if (node.closest('.skip') || !node.textContent) continue;
        const style = getComputedStyle(node);
        const [a, b] = [light(node instanceof SVGElement ? style.fill : style.color), light(behind(node))].sort((x, y) => y - x);
        least = Math.min(least, (a + 0.05) / (b + 0.05));
    }
    return least;
})()";

/// Opens a report in every way, and asks of it what holds for every report.
fn look_at(name: &str, file: &Path) {
    assert_eq!(tidied(file), "", "{name}");
    let mut browser = Browser::start().unwrap();
    for (way, look) in [("desk", Look::DESK), ("night", Look::NIGHT), ("phone", Look::PHONE)] {
        page::open(&mut browser, file, look).unwrap();
        let painted = page::first_paint(&mut browser).unwrap();
        let drawn = browser.evaluate("performance.now()").unwrap();
        println!("{name}, {way}: first paint after {painted:.0} ms, all drawn after {:.0} ms", drawn.as_f64().unwrap());
        page::picture(&mut browser, &folder().join(format!("{name}-{way}.png"))).unwrap();
        assert_eq!(page::complaints(&mut browser), Vec::<String>::new(), "{name}, {way}");
        let overlaps = browser.evaluate(OVERLAPS).unwrap();
        assert_eq!(overlaps, serde_json::json!([]), "{name}, {way}");
        let contrast = browser.evaluate(CONTRAST).unwrap().as_f64().unwrap();
        assert!(contrast >= 4.5, "{name}, {way}: {contrast}");
        let beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.evaluate(beyond).unwrap(), 0, "{name}, {way}: the page is wider than the window");
        let empty =
            "[...document.querySelectorAll('section')].filter((s) => s.textContent.length < 30).map((s) => s.id)";
        assert_eq!(browser.evaluate(empty).unwrap(), serde_json::json!([]), "{name}, {way}");
    }
    // What the script has made is looked at as markup as well.
    let made = browser.evaluate("`<!doctype html>${document.documentElement.outerHTML}`").unwrap();
    let file = folder().join(format!("{name}-made.html"));
    std::fs::write(&file, made.as_str().unwrap()).unwrap();
    assert_eq!(tidied(&file), "", "{name}, as it was made");
    let file = folder().join(format!("{name}.pdf"));
    page::print(&mut browser, &file).unwrap();
    assert!(std::fs::read(&file).unwrap().starts_with(b"%PDF"));
    assert_eq!(page::complaints(&mut browser), Vec::<String>::new(), "{name}, printed");
}

#[test]
fn one_objective_with_hyperband() {
    look_at("hyperband", &report("hyperband", &studies::hyperband().unwrap()));
}

#[test]
fn two_objectives() {
    look_at("front", &report("front", &studies::front().unwrap()));
}

#[test]
fn ten_thousand_trials_are_thinned_and_the_page_says_so() {
    let file = report("large", &studies::large().unwrap());
    assert!(std::fs::metadata(&file).unwrap().len() < 3 << 20);
    look_at("large", &file);
    let mut browser = Browser::start().unwrap();
    page::open(&mut browser, &file, Look::DESK).unwrap();
    let notes = browser.evaluate("[...document.querySelectorAll('.note')].map((note) => note.textContent)").unwrap();
    let says = |words: &str| notes.as_array().unwrap().iter().any(|note| note.as_str().unwrap().contains(words));
    assert!(says("2,000 of 10,000 trials are drawn"), "{notes}");
}

#[test]
fn hostile_texts_are_shown_and_do_nothing() {
    let file = report("hostile", &studies::hostile().unwrap());
    let mut browser = Browser::start().unwrap();
    page::open(&mut browser, &file, Look::DESK).unwrap();
    assert_eq!(page::complaints(&mut browser), Vec::<String>::new());
    assert_eq!(browser.evaluate("typeof window.taken").unwrap(), "undefined");
    let strangers = "document.querySelectorAll('img, iframe, object, embed, link, svg[onload], [onerror], script:not([id]) ~ script').length";
    assert_eq!(browser.evaluate(strangers).unwrap(), 0);
    let text = browser.evaluate("document.getElementById('report').textContent").unwrap();
    for hostile in studies::HOSTILE {
        assert!(text.as_str().unwrap().contains(hostile), "{hostile} is not shown as it is");
    }
    assert_eq!(tidied(&file), "");
}

#[test]
fn policy_lets_no_other_script_style_or_request_through() {
    let file = report("policy", &studies::front().unwrap());
    let mut browser = Browser::start().unwrap();
    page::open(&mut browser, &file, Look::DESK).unwrap();
    page::complaints(&mut browser);
    // Were a value to become markup after all, this is what it could do.
    let attack = "const evil = document.createElement('div');
        evil.innerHTML = '<img src=x onerror=\"window.taken = 1\"><p id=plain style=\"color: rgb(1, 2, 3)\">x</p>';
        document.body.append(evil);
        const script = document.createElement('script');
        script.textContent = 'window.taken = 2';
        document.body.append(script);
        new Promise((done) => evil.firstChild.addEventListener('error', () => done([typeof window.taken, getComputedStyle(document.getElementById('plain')).color])))";
    let after = browser.evaluate(attack).unwrap();
    assert_eq!(after[0], "undefined");
    assert_ne!(after[1], "rgb(1, 2, 3)");
    assert_eq!(
        browser.evaluate("fetch('https://registry.example/').then(() => 'sent', () => 'refused')").unwrap(),
        "refused"
    );
    let refused = page::complaints(&mut browser);
    assert!(refused.iter().filter(|line| line.contains("Content Security Policy")).count() >= 3, "{refused:?}");
}

#[test]
fn keys_reach_everything() {
    let file = report("keys", &studies::hyperband().unwrap());
    let mut browser = Browser::start().unwrap();
    page::open(&mut browser, &file, Look::DESK).unwrap();
    let mut press = |key: &str| {
        for kind in ["rawKeyDown", "keyUp"] {
            let code = if key == "Tab" { 9 } else { 39 };
            let event = serde_json::json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            browser.call("Input.dispatchKeyEvent", event).unwrap();
        }
        let reached = "[document.activeElement.className.baseVal ?? document.activeElement.className, document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent, document.activeElement.parentElement.querySelector('.readout')?.textContent ?? '']";
        browser.evaluate(reached).unwrap()
    };
    assert_eq!(press("Tab")[0], "skip");
    let mut charts = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let reached = press("Tab");
        if reached[0] == "chart" {
            let read = press("ArrowRight");
            assert!(read[2].as_str().unwrap().contains("rial"), "{read}");
            charts.insert(reached[1].as_str().unwrap().to_owned());
        }
    }
    assert!(charts.len() >= 10, "{charts:?}");
}
