//! Runs tests that share one cluster, which is started when the first test needs it and is gone when the last has ended,
//! whatever became of them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use crate::environment::{Environment, Kind};

/// The future of a test.
pub type Running = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A test: a name, whether it must have the cluster to itself, and what it does.
pub struct Case {
    name: String,
    alone: bool,
    body: Box<dyn FnOnce(Arc<Environment>) -> Running + Send>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Case {
    /// A test that others may run beside.
    pub fn new<F>(name: impl Into<String>, body: impl FnOnce(Arc<Environment>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<()>> + 'static,
    {
        Self { name: name.into(), alone: false, body: Box::new(|environment| Box::pin(body(environment))) }
    }

    /// The same test with the cluster to itself, because it breaks something that others need.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// `cases![a, b]` is a list of the tests `a` and `b`, by their names.
#[macro_export]
macro_rules! cases {
    ($($(#[$alone:ident])? $module:ident :: $name:ident),* $(,)?) => {
        vec![$($crate::suite::Case::new(concat!(stringify!($module), "::", stringify!($name)), $module::$name) $(.$alone())?),*]
    };
}

enum Shared {
    Not,
    Runs(Arc<Environment>),
    /// The machine can run no cluster; tests pass by default and say so.
    Impossible(String),
    Failed(String),
}

/// Runs the tests and returns the code to exit with. `width` is how many run at once unless the command line says otherwise.
#[must_use]
pub fn run(kind: Kind, width: usize, cases: Vec<Case>) -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(width);
    let runtime = match Runtime::new() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            eprintln!("no runtime: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    let shared = Arc::new(Mutex::new(Shared::Not));
    let trials = cases.into_iter().map(|case| trial(case, kind, Arc::clone(&shared), Arc::clone(&runtime))).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let ended = std::mem::replace(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner), Shared::Not);
    if let Shared::Runs(environment) = ended {
        environment.end();
    }
    conclusion.exit_code()
}

fn trial(case: Case, kind: Kind, shared: Arc<Mutex<Shared>>, runtime: Arc<Runtime>) -> Trial {
    let Case { name, alone, body } = case;
    let shown = name.clone();
    Trial::test(name, move || {
        let environment = match environment(kind, &shared, &runtime) {
            Ok(Some(environment)) => environment,
            Ok(None) => return Ok(()),
            Err(error) => return Err(Failed::from(error)),
        };
        let answer = runtime.block_on(async {
            let (mut many, mut one) = (None, None);
            if alone {
                one = Some(environment.turns.write().await);
            } else {
                many = Some(environment.turns.read().await);
            }
            let began = Instant::now();
            let answer = body(Arc::clone(&environment)).await;
            drop((many, one));
            eprintln!("{shown}: {:.1} s", began.elapsed().as_secs_f64());
            answer
        });
        answer.map_err(|error| Failed::from(format!("{error:#}")))
    })
}

fn environment(kind: Kind, shared: &Mutex<Shared>, runtime: &Runtime) -> Result<Option<Arc<Environment>>, String> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*shared, Shared::Not) {
        let began = Instant::now();
        *shared = match runtime.block_on(Environment::start(kind)) {
            Ok(environment) => Shared::Runs(Arc::new(environment)),
            Err(error) => match error.downcast_ref::<trimtab_cluster::Error>() {
                Some(trimtab_cluster::Error::Machine(reason)) if std::env::var_os("CI").is_none() => {
                    Shared::Impossible(reason.clone())
                }
                _ => Shared::Failed(format!("the cluster could not be started: {error:#}")),
            },
        };
        eprintln!("the cluster: {:.1} s", began.elapsed().as_secs_f64());
    }
    match &*shared {
        Shared::Runs(environment) => Ok(Some(Arc::clone(environment))),
        Shared::Impossible(reason) => {
            eprintln!("skipped: {reason}");
            Ok(None)
        }
        Shared::Failed(reason) => Err(reason.clone()),
        Shared::Not => Err("no cluster was asked for".to_owned()),
    }
}
