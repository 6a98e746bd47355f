//! A Chromium without a window, spoken to in the DevTools protocol over two named pipes.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use nix::sys::stat::Mode;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an answer may take: a page of 10,000 trials is drawn meanwhile, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    input: File,
    messages: Receiver<Value>,
    /// Events that came while an answer was waited for.
    events: VecDeque<Value>,
    session: Option<String>,
    next: u64,
    _folder: TempDir,
}

impl Browser {
    /// Starts Chromium, or what `TRIMTAB_CHROMIUM` names.
    ///
    /// # Errors
    /// When it is not there or does not answer.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (to, from) = (folder.path().join("to"), folder.path().join("from"));
        for pipe in [&to, &from] {
            nix::unistd::mkfifo(pipe, Mode::S_IRWXU)?;
        }
        let program = std::env::var("TRIMTAB_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        // The protocol is spoken on descriptors 3 and 4, which a shell can hand on. A page of a test is our own, so that the
        // sandbox, which root cannot have, protects nobody.
        let script = r#"exec "$1" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run \
            --disable-background-networking --remote-debugging-pipe --user-data-dir="$2" about:blank 3<"$3" 4>"$4""#;
        let child = Command::new("sh")
            .args(["-c", script, "sh", &program])
            .args([&folder.path().join("profile"), &to, &from])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("sh")?;
        let input = OpenOptions::new().write(true).open(&to)?;
        let mut output = BufReader::new(File::open(&from)?);
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while matches!(output.read_until(0, &mut message), Ok(read) if read > 0) {
                message.pop();
                let read = serde_json::from_slice(&message).is_ok_and(|value| sender.send(value).is_ok());
                message.clear();
                if !read {
                    break;
                }
            }
        });
        let mut browser =
            Self { child, input, messages, events: VecDeque::new(), session: None, next: 1, _folder: folder };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).with_context(|| program)?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach)?;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// Asks for something and waits for the answer.
    ///
    /// # Errors
    /// When the browser refuses, is gone, or takes too long.
    pub fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        let id = self.next;
        self.next += 1;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        self.input.write_all(&bytes).with_context(|| method.to_owned())?;
        loop {
            let mut answer = self.receive().with_context(|| method.to_owned())?;
            if answer["id"] == id {
                if !answer["error"].is_null() {
                    bail!("{method}: {}", answer["error"]);
                }
                return Ok(answer["result"].take());
            }
            self.events.push_back(answer);
        }
    }

    /// Waits for an event, and returns what it says.
    ///
    /// # Errors
    /// When the browser is gone or takes too long.
    pub fn wait_for(&mut self, method: &str) -> Result<Value> {
        loop {
            if let Some(at) = self.events.iter().position(|event| event["method"] == method) {
                let mut event = self.events.remove(at).unwrap_or_default();
                return Ok(event["params"].take());
            }
            let event = self.receive().with_context(|| method.to_owned())?;
            self.events.push_back(event);
        }
    }

    /// The events that came since this was last asked.
    pub fn drain(&mut self) -> Vec<Value> {
        self.events.drain(..).chain(self.messages.try_iter()).collect()
    }

    /// What an expression comes to in the page; a promise is waited for.
    ///
    /// # Errors
    /// When it throws.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", parameters)?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(anyhow!("{expression}: {thrown}")),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    fn receive(&mut self) -> Result<Value> {
        self.messages.recv_timeout(PATIENCE).map_err(|why| anyhow!("the browser does not answer: {why}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends by itself when its pipe is closed; this is for one that hangs.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
