"""The local mode beside Optuna, paired: each repeat runs all contenders one after the other, and figures are medians.

Of each, the seconds that passed and those of the processor, with all processes that it started: the latter depend little on what else the
machine does.

    python compare.py --program target/release/trimtab rate       # asks and tells of a client that does nothing else
    python compare.py --program target/release/trimtab overhead   # trials that are processes and do nothing
    python compare.py --program target/release/trimtab memory     # the same, many, and the most memory that was resident

Needs optuna and numpy of ../samplers/requirements.txt. Prints a line of JSON for each contender, and a table to standard error.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

STUDY = """
apiVersion: trimtab.dev/v1alpha1
kind: Study
metadata: {{name: bench}}
spec:
  objectives: [{{metric: loss, goal: Minimize}}]
  parameters:
  - {{name: rate, float: {{min: 1.0e-5, max: 1.0, scale: Log}}}}
  - {{name: momentum, float: {{min: 0, max: 1}}}}
  - {{name: dropout, float: {{min: 0, max: 0.5}}}}
  - {{name: decay, float: {{min: 1.0e-6, max: 1.0e-2, scale: Log}}}}
  - {{name: layers, int: {{min: 1, max: 8}}}}
  - {{name: kind, categorical: {{choices: [a, b, c]}}}}
  sampler: {{{sampler}: {{}}}}
  limits: {{trials: {trials}}}
  parallelism: {parallelism}
  seed: {seed}
  trial: {{job: {{spec: {{template: {{spec: {{containers: [{{name: c, command: [echo, "loss=$(PARAM_MOMENTUM)"]}}]}}}}}}}}}}
"""


# All folders of a call. They go when it ends: ext4 looks long for a free inode while many were freed in the last seconds, and
# whoever comes next would pay for that.
FOLDERS = tempfile.TemporaryDirectory(dir=os.getcwd())


def fresh_folder():
    return tempfile.mkdtemp(dir=FOLDERS.name)


def write_study(folder, **values):
    file = Path(folder, "study.yaml")
    file.write_text(STUDY.format(**values))
    return str(file)


def loss(parameters):
    return (parameters["momentum"] - 0.3) ** 2 + parameters["dropout"] + parameters["layers"] / 100


def ask_and_tell(program, sampler, trials, seed, options):
    """All asks and tells of a client, the start of the program included."""
    folder = fresh_folder()
    file = write_study(folder, sampler=sampler, trials=trials, parallelism=1, seed=seed)
    process = subprocess.Popen(
        [program, "ask-tell", file, *options], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    requests, answers = process.stdin, process.stdout
    json.loads(answers.readline())
    for _ in range(trials):
        requests.write('{"request":"ask"}\n')
        requests.flush()
        run = json.loads(answers.readline())
        told = {"request": "tell", "trial": run["trial"], "value": loss(run["parameters"])}
        requests.write(json.dumps(told) + "\n")
        requests.flush()
        assert json.loads(answers.readline())["counts"] == "good"
    requests.close()
    assert process.wait() == 0


def suggest(trial):
    return {
        "rate": trial.suggest_float("rate", 1e-5, 1.0, log=True),
        "momentum": trial.suggest_float("momentum", 0, 1),
        "dropout": trial.suggest_float("dropout", 0, 0.5),
        "decay": trial.suggest_float("decay", 1e-6, 1e-2, log=True),
        "layers": trial.suggest_int("layers", 1, 8),
        "kind": trial.suggest_categorical("kind", ["a", "b", "c"]),
    }


def optuna_study(sampler, seed, journal=None):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.samplers.TPESampler(seed=seed) if sampler == "tpe" else optuna.samplers.RandomSampler(seed=seed)
    storage = None
    if journal:
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(journal))
    return optuna.create_study(sampler=made, storage=storage)


def optuna_ask_and_tell(sampler, trials, seed):
    study = optuna_study(sampler, seed)
    for _ in range(trials):
        trial = study.ask()
        study.tell(trial, loss(suggest(trial)))


def processes(trials):
    """The processes alone, one after the other."""
    for _ in range(trials):
        pid = os.posix_spawnp("echo", ["echo", "loss=0.5"], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
        os.waitpid(pid, 0)


def run_study(program, trials, parallelism, seed):
    """`trimtab run`, and the most KiB that it had."""
    folder = fresh_folder()
    file = write_study(folder, sampler="random", trials=trials, parallelism=parallelism, seed=seed)
    process = subprocess.Popen([program, "run", file], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, status
    return usage.ru_maxrss


def optuna_processes(trials, parallelism, seed, journal=None):
    study = optuna_study("random", seed, journal)

    def objective(trial):
        momentum = suggest(trial)["momentum"]
        said = subprocess.run(["echo", f"loss={momentum}"], capture_output=True, text=True, check=True).stdout
        return float(said.split("=")[1])

    study.optimize(objective, n_trials=trials, n_jobs=parallelism)


def optuna_memory(arguments, seed):
    """KiB of a Python process with Optuna that does the same."""
    command = [sys.executable, __file__, "--program", "none", "--trials", str(arguments.trials), "--seed", str(seed), "one"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, status
    return usage.ru_maxrss


def processor():
    """Seconds of the processor of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def timed(work, *arguments):
    """Seconds that passed, and of the processor."""
    began, used = time.perf_counter(), processor()
    work(*arguments)
    return time.perf_counter() - began, processor() - used


def contenders(arguments, seed):
    """What is measured in one repeat: name and seconds, or KiB."""
    program, trials = arguments.program, arguments.trials
    optuna_study("random", seed)  # What is imported once is nobody's.
    if arguments.what == "rate":
        for sampler in arguments.samplers.split(","):
            yield f"trimtab {sampler}, in memory", timed(ask_and_tell, program, sampler, trials, seed, ["--memory"])
            yield f"trimtab {sampler}, journal", timed(ask_and_tell, program, sampler, trials, seed, [])
            yield f"optuna {sampler}, in memory", timed(optuna_ask_and_tell, sampler, trials, seed)
    elif arguments.what == "overhead":
        yield "the processes alone", timed(processes, trials)
        for parallelism in (1, 2):
            yield f"trimtab, {parallelism} at once", timed(run_study, program, trials, parallelism, seed)
            yield f"optuna in memory, {parallelism} at once", timed(optuna_processes, trials, parallelism, seed)
            journal = str(Path(fresh_folder(), "journal"))
            yield f"optuna with its journal, {parallelism} at once", timed(optuna_processes, trials, parallelism, seed, journal)
    else:
        yield "trimtab run, KiB", (run_study(program, trials, 2, seed),)
        yield "optuna in memory, KiB", (optuna_memory(arguments, seed),)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rate", "overhead", "memory", "one"])
    parser.add_argument("--program", required=True, help="trimtab, a release build")
    parser.add_argument("--trials", type=int, help="left out: 10,000, for overhead 1,000")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--samplers", default="random,tpe")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.program = os.path.abspath(arguments.program)
    arguments.trials = arguments.trials or (1_000 if arguments.what == "overhead" else 10_000)
    if arguments.what == "one":
        optuna_processes(arguments.trials, 2, arguments.seed)
        return
    found = {}
    for repeat in range(arguments.repeats):
        for name, figures in contenders(arguments, arguments.seed + repeat):
            found.setdefault(name, []).append(figures)
            print(f"repeat {repeat + 1}: {name}: {figures}", file=sys.stderr, flush=True)
    for name, figures in found.items():
        line = {"what": name, "trials": arguments.trials, "figures": [[round(f, 4) for f in one] for one in figures]}
        middle = [median(kind) for kind in zip(*figures)]
        if name.endswith("KiB"):
            line["median"] = middle[0]
        else:
            passed, used = (round(1e3 * seconds / arguments.trials, 4) for seconds in middle)
            line["millisecondsPerTrial"] = {"passed": passed, "processor": used}
        line["load"] = round(os.getloadavg()[0], 1)
        print(json.dumps(line))


if __name__ == "__main__":
    main()
