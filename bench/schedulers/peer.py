"""Peers (`pip install -r requirements.txt`) on the same problems with as many seeds, as JSON lines like those of
`trimtab-bench-schedulers`: DEHB, and HpBandSter's BOHB and HyperBand, by their authors, and Optuna's pruner.

    python peer.py --program PROGRAM [--peer dehb] [--seeds 300] [--trainings 40] [--problem "mfh6 good"] [--accounted resumed]

Problems are defined in one place only: PROGRAM evaluates configurations. The study ends before the first training that it cannot pay.
What is promoted pays everything again (restarted) or the difference to where the same configuration was before (resumed).
`named` is the regret of the incumbent that DEHB names, which is the best value at any fidelity; `meanRegret` is that of
the best value at the highest fidelity that was reached, as ours is.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time

# How many bits and floats, and the range of the fidelity.
PROBLEMS = {"ones8": (8, 8, 9, 729), "mfh6 good": (0, 6, 1, 81), "mfh6 moderate": (0, 6, 1, 81)}


def words(bits, x):
    return [str(int(v >= 0.5)) for v in x[:bits]] + [repr(v) for v in x[bits:]]


class Account:
    """What a study has paid and found. It ends before the first training that it cannot pay."""

    def __init__(self, ask, problem, seed, trainings, resumed):
        self.bits, self.floats, self.low, self.high = PROBLEMS[problem]
        self.ask, self.seed, self.resumed = ask, seed, resumed
        self.left, self.numbers, self.reached = trainings * self.high, {}, {}
        self.best, self.named = (-1, math.inf, None), None

    def train(self, name, x, fidelity):
        """The value of the configuration of this name there, or None where it cannot be paid. It keeps its number, as a trial of ours does."""
        number = self.numbers.setdefault(name, len(self.numbers))
        paid = fidelity - (self.reached.get(number, 0) if self.resumed else 0)
        if paid > self.left:
            return None
        self.left -= paid
        self.reached[number] = fidelity
        value, regret = self.ask([self.seed, number, fidelity, *words(self.bits, x)])
        if (-fidelity, value) < (-self.best[0], self.best[1]):
            self.best = (fidelity, value, regret)
        return value, regret


def dehb(account):
    from dehb import DEHB
    from loguru import logger

    seen = {}
    with tempfile.TemporaryDirectory() as folder:
        # Its own vectors, and no ConfigSpace: a bit is the half of the unit interval that a coordinate is in.
        peer = DEHB(dimensions=account.bits + account.floats, min_fidelity=account.low, max_fidelity=account.high, eta=3, n_workers=1,
                    seed=account.seed, configspace=False, cs=None, output_path=folder, save_freq="end", log_level="ERROR")
        logger.remove()
        while True:
            job = peer.ask()
            x = [float(v) for v in job["config"]]
            told = account.train(job["config_id"], x, round(job["fidelity"]))
            if told is None:
                break
            seen[tuple(x)] = told[1]
            peer.tell(job, {"fitness": told[0], "cost": job["fidelity"]})
        account.named = seen.get(tuple(float(v) for v in peer.inc_config))


def hpbandster(account, kind):
    """Its optimizers and its configuration generators, without its name server and its workers over the network."""
    import ConfigSpace
    import numpy
    from hpbandster.core.dispatcher import Job
    from hpbandster.core.master import Master

    space = ConfigSpace.ConfigurationSpace(seed=account.seed)
    bits = [f"bit{i}" for i in range(account.bits)]
    floats = [f"x{i}" for i in range(account.floats)]
    space.add_hyperparameters([ConfigSpace.CategoricalHyperparameter(name, ["0", "1"]) for name in bits])
    space.add_hyperparameters([ConfigSpace.UniformFloatHyperparameter(name, 0, 1) for name in floats])
    numpy.random.seed(account.seed)

    def alone(self, config_generator=None, **_):
        self.config_generator, self.config = config_generator, {}

    Master.__init__ = alone
    peer = kind(configspace=space, eta=3, min_budget=account.low, max_budget=account.high)
    iterations = []
    while True:
        # As its master does it: the first iteration that has something to do, or else another one.
        runs = (iteration.get_next_run() for iteration in iterations if not iteration.is_finished)
        run = next((run for run in runs if run is not None), None)
        if run is None:
            iterations.append(peer.get_next_iteration(len(iterations), {"result_logger": None}))
            continue
        name, config, budget = run
        x = [float(config[parameter]) for parameter in bits + floats]
        told = account.train(name, x, round(budget))
        if told is None:
            break
        job = Job(name, config=config, budget=budget)
        job.timestamps = {"submitted": 0, "started": 0, "finished": 0}
        job.result = {"loss": told[0], "info": {}}
        iterations[name[0]].register_result(job)
        peer.config_generator.new_result(job)


def bohb(account):
    from hpbandster.optimizers import BOHB

    hpbandster(account, BOHB)


def hyperband(account):
    from hpbandster.optimizers import HyperBand

    hpbandster(account, HyperBand)


def optuna(account, sampler):
    """Its pruner, which lets a trial run through and asks at each level; there is nothing to restart."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = optuna.pruners.HyperbandPruner(min_resource=account.low, max_resource=account.high, reduction_factor=3)
    sampler = optuna.samplers.RandomSampler if sampler == "random" else optuna.samplers.TPESampler
    study = optuna.create_study(pruner=pruner, sampler=sampler(seed=account.seed))
    while True:
        trial = study.ask()
        x = [float(trial.suggest_categorical(f"bit{i}", ["0", "1"])) for i in range(account.bits)]
        x += [trial.suggest_float(f"x{i}", 0, 1) for i in range(account.floats)]
        fidelity, told, state = account.low, None, optuna.trial.TrialState.COMPLETE
        while fidelity <= account.high:
            told = account.train(trial.number, x, fidelity)
            if told is None:
                return
            trial.report(told[0], fidelity)
            if fidelity < account.high and trial.should_prune():
                state = optuna.trial.TrialState.PRUNED
                break
            fidelity *= 3
        study.tell(trial, told[0] if state == optuna.trial.TrialState.COMPLETE else None, state)


PEERS = {
    "dehb": ("DEHB 0.1.2", dehb, ["resumed", "restarted"]),
    "bohb": ("HpBandSter 0.7.4 BOHB", bohb, ["resumed", "restarted"]),
    "hyperband": ("HpBandSter 0.7.4 HyperBand", hyperband, ["resumed", "restarted"]),
    "optuna-hyperband": ("Optuna 5.0.0 HyperbandPruner, random", lambda account: optuna(account, "random"), ["resumed"]),
    "optuna-hyperband-tpe": ("Optuna 5.0.0 HyperbandPruner, TPE", lambda account: optuna(account, "tpe"), ["resumed"]),
}


def play(peer, ask, problem, seed, trainings, resumed):
    account = Account(ask, problem, seed, trainings, resumed)
    peer(account)
    return account.best[2], account.named, len(account.numbers)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--peer", choices=PEERS, default="dehb")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--problem", choices=PROBLEMS)
    parser.add_argument("--accounted", choices=["resumed", "restarted"])
    options = parser.parse_args()
    title, peer, accounts = PEERS[options.peer]
    for problem in [options.problem] if options.problem else PROBLEMS:
        child = subprocess.Popen([options.program, "evaluate", problem], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ask(words):
            print(*words, file=child.stdin, flush=True)
            return tuple(map(float, child.stdout.readline().split()))

        for accounted in [options.accounted] if options.accounted else accounts:
            begun = time.time()
            played = [play(peer, ask, problem, seed, options.trainings, accounted == "resumed") for seed in range(options.seeds)]
            regrets, named, counts = zip(*played)
            mean = sum(regrets) / len(regrets)
            deviation = math.sqrt(sum((r - mean) ** 2 for r in regrets) / (len(regrets) - 1))
            line = {
                "problem": problem, "method": title, "accounted": accounted,
                "meanRegret": round(mean, 4), "halfWidth95": round(1.96 * deviation / math.sqrt(len(regrets)), 4),
                **({"named": round(sum(named) / len(named), 4)} if None not in named else {}), "meanTrials": round(sum(counts) / len(counts), 1),
                "seeds": options.seeds, "trainings": options.trainings,
                "secondsPerStudy": round((time.time() - begun) / options.seeds, 4),
            }
            print(json.dumps(line))
            sys.stdout.flush()
        child.stdin.close()
        child.wait()


if __name__ == "__main__":
    main()
