//! A real Prometheus beside the cluster: Debian's, which scrapes the operator's pods and evaluates the chart's alerts.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

/// How often it scrapes and evaluates, in seconds.
pub const INTERVAL: u32 = 1;

/// A running Prometheus. It goes with this value.
#[derive(Debug)]
pub struct Prometheus {
    port: u16,
    targets: PathBuf,
    log: PathBuf,
    process: Child,
}

/// A time series: its labels, and its values with their times in Unix seconds.
#[derive(Clone, Debug)]
pub struct Series {
    /// Names and values of labels.
    pub labels: Value,
    /// Times and values.
    pub points: Vec<(f64, f64)>,
}

/// What is scraped: the address of a pod and its name.
pub type Target = (String, String);

impl Prometheus {
    /// Starts one in `folder`, with nothing to scrape yet and these alerts. Metrics keep their own labels, as the document on monitoring says.
    ///
    /// # Errors
    /// When it cannot be started, as where Debian's package `prometheus` is missing.
    pub fn start(folder: &Path, alerts: &Path) -> Result<Self> {
        // The number is free now; nothing else on a machine of tests is likely to take it before Prometheus does.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let (targets, configuration) = (folder.join("targets.json"), folder.join("prometheus.yaml"));
        std::fs::write(&targets, "[]")?;
        let text = json!({
            "global": {"scrape_interval": format!("{INTERVAL}s"), "scrape_timeout": format!("{INTERVAL}s"), "evaluation_interval": format!("{INTERVAL}s")},
            "rule_files": [alerts.canonicalize().with_context(|| alerts.display().to_string())?],
            "scrape_configs": [{
                "job_name": "trimtab", "honor_labels": true,
                "file_sd_configs": [{"files": [targets], "refresh_interval": "1s"}],
            }],
        });
        std::fs::write(&configuration, text.to_string())?;
        let log = folder.join("prometheus.log");
        // It goes when the test process does, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "prometheus"]);
        command.arg(format!("--config.file={}", configuration.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log)?);
        let process = command.spawn().context("prometheus")?;
        Ok(Self { port, targets, log, process })
    }

    /// Scrapes these from now on, and returns when each of them has been: what is counted later is seen as an increase.
    ///
    /// # Errors
    /// When the file cannot be replaced, or one of them does not answer.
    pub async fn scrape(&self, targets: &[Target]) -> Result<()> {
        let groups: Vec<Value> = targets
            .iter()
            .map(|(address, pod)| json!({"targets": [format!("{address}:8080")], "labels": {"pod": pod}}))
            .collect();
        // Replaced as a whole: half a file must not be read.
        let new = self.targets.with_extension("new");
        std::fs::write(&new, Value::from(groups).to_string())?;
        std::fs::rename(new, &self.targets)?;
        let pods: Vec<&str> = targets.iter().map(|(_, pod)| pod.as_str()).collect();
        let up = format!("up{{pod=~\"{}\"}} == 1", pods.join("|"));
        for _ in 0..300 {
            if self.now(&up)?.len() == pods.len() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        bail!("not all of {pods:?} are scraped")
    }

    /// An answer of its API.
    ///
    /// # Errors
    /// With its words, when it has no answer.
    pub fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let (_, body) = crate::http::get(self.port, &format!("/api/v1/{path}?{}", query.join("&")))?;
        let answer: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        ensure!(answer["status"] == "success", "{parameters:?}: {}", answer["error"]);
        Ok(answer["data"].clone())
    }

    /// The values of an expression from one time to another, in Unix seconds.
    ///
    /// # Errors
    /// When it is no expression, or there is no answer.
    pub fn over(&self, expression: &str, from: f64, to: f64) -> Result<Vec<Series>> {
        let (from, to, step) = (from.to_string(), to.to_string(), INTERVAL.to_string());
        let answer = self.get(
            "query_range",
            &[("query", expression), ("start", from.as_str()), ("end", to.as_str()), ("step", step.as_str())],
        )?;
        let series = answer["result"].as_array().context("no result")?;
        Ok(series.iter().map(|one| Series { labels: one["metric"].clone(), points: points(&one["values"]) }).collect())
    }

    /// The values of an expression now.
    ///
    /// # Errors
    /// When it is no expression, or there is no answer.
    pub fn now(&self, expression: &str) -> Result<Vec<f64>> {
        let answer = self.get("query", &[("query", expression)])?;
        let series = answer["result"].as_array().context("no result")?;
        Ok(series.iter().filter_map(|one| one["value"][1].as_str()?.parse().ok()).collect())
    }

    /// Waits until it serves.
    ///
    /// # Errors
    /// When it does not, with the end of its log.
    pub async fn ready(&mut self) -> Result<()> {
        for _ in 0..300 {
            if self.get("status/buildinfo", &[]).is_ok() {
                return Ok(());
            }
            if let Some(ended) = self.process.try_wait()? {
                bail!("prometheus has ended ({ended}):\n{}", std::fs::read_to_string(&self.log)?);
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        bail!("prometheus does not serve:\n{}", std::fs::read_to_string(&self.log)?)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn points(values: &Value) -> Vec<(f64, f64)> {
    let pair = |pair: &Value| Some((pair[0].as_f64()?, pair[1].as_str()?.parse().ok()?));
    values.as_array().into_iter().flatten().filter_map(pair).collect()
}

/// Percent-encoded, as a query's value must be.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
