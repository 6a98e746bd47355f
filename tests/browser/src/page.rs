//! A report in a browser, and what can be asked of it.

use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::Browser;

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The window's width in pixels.
    pub width: u32,
    /// Whether the reader prefers dark pages.
    pub dark: bool,
}

impl Look {
    /// A desk by day.
    pub const DESK: Self = Self { width: 1280, dark: false };
    /// A desk by night.
    pub const NIGHT: Self = Self { width: 1280, dark: true };
    /// A small phone.
    pub const PHONE: Self = Self { width: 360, dark: false };
}

/// Opens a file and waits until everything is drawn. What went wrong meanwhile is for [`complaints`].
///
/// # Errors
/// When the browser fails.
pub fn open(browser: &mut Browser, file: &Path, look: Look) -> Result<()> {
    let metrics = json!({"width": look.width, "height": 900, "deviceScaleFactor": 1, "mobile": look.width < 600});
    browser.call("Emulation.setDeviceMetricsOverride", metrics)?;
    let scheme = if look.dark { "dark" } else { "light" };
    let media = json!({"media": "screen", "features": [{"name": "prefers-color-scheme", "value": scheme}]});
    browser.call("Emulation.setEmulatedMedia", media)?;
    browser.drain();
    browser.call("Page.navigate", json!({"url": format!("file://{}", file.display())}))?;
    browser.wait_for("Page.loadEventFired")?;
    browser.evaluate(
        "new Promise((done) => { const look = () => (document.documentElement.dataset.drawn === 'all' ? done(true) : requestAnimationFrame(look)); look(); })",
    )?;
    Ok(())
}

/// Everything that a page did and should not: errors, words in the console, what its policy refused, and requests.
pub fn complaints(browser: &mut Browser) -> Vec<String> {
    let told = |event: &Value| {
        let said = &event["params"];
        match event["method"].as_str()? {
            "Runtime.exceptionThrown" => Some(format!("thrown: {}", said["exceptionDetails"])),
            "Runtime.consoleAPICalled" => Some(format!("console: {}", said["args"])),
            "Log.entryAdded" => Some(format!("log: {}", said["entry"]["text"])),
            "Network.requestWillBeSent" if said["type"] != "Document" => {
                Some(format!("request: {}", said["request"]["url"]))
            }
            "Page.javascriptDialogOpening" => Some(format!("dialog: {}", said["message"])),
            _ => None,
        }
    };
    browser.drain().iter().filter_map(told).collect()
}

/// Milliseconds from the beginning of the navigation to the first paint with contents.
///
/// # Errors
/// When the browser has not painted.
pub fn first_paint(browser: &mut Browser) -> Result<f64> {
    let paint = browser.evaluate(
        "new Promise((done) => { const look = () => { const [paint] = performance.getEntriesByName('first-contentful-paint'); if (paint) done(paint.startTime); else requestAnimationFrame(look); }; look(); })",
    )?;
    paint.as_f64().context("no first paint")
}

/// A picture of the whole page.
///
/// # Errors
/// When it cannot be taken or written.
pub fn picture(browser: &mut Browser, file: &Path) -> Result<()> {
    let metrics = browser.call("Page.getLayoutMetrics", json!({}))?;
    let size = &metrics["cssContentSize"];
    let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
    let shot = browser.call("Page.captureScreenshot", json!({"captureBeyondViewport": true, "clip": clip}))?;
    save(&shot, file)
}

/// The page as it is printed on A4.
///
/// # Errors
/// When it cannot be printed or written.
pub fn print(browser: &mut Browser, file: &Path) -> Result<()> {
    browser.call("Emulation.setEmulatedMedia", json!({"media": "", "features": []}))?;
    let paper = json!({"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": false});
    let pdf = browser.call("Page.printToPDF", paper)?;
    save(&pdf, file)
}

fn save(answer: &Value, file: &Path) -> Result<()> {
    let bytes = STANDARD.decode(answer["data"].as_str().context("no data")?)?;
    std::fs::write(file, bytes).with_context(|| file.display().to_string())
}
