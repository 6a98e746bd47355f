"""Peers on the same problems with the same seeds, as JSON lines like those of `trimtab-bench-samplers`.

    python peers.py run   --program PROGRAM --samplers optuna-tpe,optuna-qmc --seeds 30 --trials 100 --workers 1
    python peers.py asks  --program PROGRAM --samplers optuna-qmc --finished 0,30 --asks 16
    python peers.py speed --program PROGRAM --samplers optuna-tpe,rustuna-tpe --finished 100,1000

Problems are defined in one place only: PROGRAM prints their spaces and evaluates configurations.
A peer is a class here and a line in `PEERS`.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
import warnings
from collections import deque

warnings.filterwarnings("ignore")


class Problems:
    """The program that defines the problems."""

    def __init__(self, program):
        listed = subprocess.run([program, "problems"], capture_output=True, text=True, check=True).stdout
        self.by_name = {p["problem"]: p for p in map(json.loads, listed.splitlines())}
        self.child = subprocess.Popen([program, "evaluate"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def evaluate(self, problem, seed, number, values):
        question = {"problem": problem, "seed": seed, "number": number, "values": values}
        print(json.dumps(question), file=self.child.stdin, flush=True)
        answer = json.loads(self.child.stdout.readline())
        return answer["value"], answer["truth"]


def text(value):
    """A value as the conditions name it."""
    return value if isinstance(value, str) else repr(value)


def active(parameter, values):
    return all(w["parameter"] in values and text(values[w["parameter"]]) in w["in"] for w in parameter["when"])


def suggest(trial, problem):
    """Suggests each active parameter, in the way that Optuna's and Rustuna's trials share."""
    values = {}
    for parameter in problem["parameters"]:
        if not active(parameter, values):
            continue
        name, domain = parameter["name"], parameter["domain"]
        if domain["kind"] == "categorical":
            values[name] = trial.suggest_categorical(name, domain["choices"])
        elif domain["kind"] == "ordinal":
            values[name] = domain["values"][trial.suggest_int(name, 0, len(domain["values"]) - 1)]
        elif domain["kind"] == "int":
            options = {"step": domain["step"]} if domain["step"] else {"log": domain["log"]}
            values[name] = trial.suggest_int(name, domain["min"], domain["max"], **options)
        else:
            options = {"step": domain["step"]} if domain["step"] else {"log": domain["log"]}
            values[name] = trial.suggest_float(name, domain["min"], domain["max"], **options)
    return values


class Optuna:
    """A sampler of Optuna."""

    def __init__(self, make):
        self.make = make

    def start(self, problem, seed):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.problem = problem
        directions = ["minimize"] * problem.get("objectives", 1)
        self.study = optuna.create_study(sampler=self.make(optuna, seed), directions=directions)

    def ask(self):
        trial = self.study.ask()
        return trial, suggest(trial, self.problem)

    def tell(self, trial, value):
        self.study.tell(trial, value)

    def preload(self, values, value):
        """Adds a finished trial."""
        import optuna.distributions as d

        def distribution(p):
            domain = p["domain"]
            if domain["kind"] == "categorical":
                return d.CategoricalDistribution(domain["choices"])
            options = {"step": domain["step"]} if domain["step"] else {"log": domain["log"]}
            made = d.IntDistribution if domain["kind"] == "int" else d.FloatDistribution
            return made(domain["min"], domain["max"], **options)

        import optuna

        distributions = {p["name"]: distribution(p) for p in self.problem["parameters"] if p["name"] in values}
        self.study.add_trial(optuna.trial.create_trial(params=values, distributions=distributions, value=value))


class Rustuna(Optuna):
    """A sampler of Rustuna, whose interface is Optuna's."""

    def start(self, problem, seed):
        import rustuna

        self.problem = problem
        self.study = rustuna.create_study(sampler=self.make(rustuna, seed))

    def tell(self, trial, value):
        self.study.tell(trial.number, value)

    def preload(self, values, value):
        import rustuna
        from rustuna import distributions as d

        def distribution(p):
            domain = p["domain"]
            if domain["kind"] == "categorical":
                return d.CategoricalDistribution(domain["choices"])
            options = {"step": domain["step"]} if domain["step"] else {"log": domain["log"]}
            made = d.IntDistribution if domain["kind"] == "int" else d.FloatDistribution
            return made(domain["min"], domain["max"], **options)

        distributions = {p["name"]: distribution(p) for p in self.problem["parameters"] if p["name"] in values}
        self.study.add_trial(rustuna.create_trial(params=values, distributions=distributions, value=value))


class Hyperopt:
    """Hyperopt's TPE, one trial at a time; it knows no pending trials, so its workers are one."""

    def start(self, problem, seed):
        import numpy
        from hyperopt import hp

        self.problem, self.random, self.trials, self.domain = problem, numpy.random.default_rng(seed), None, None
        children = {p["name"]: p for p in problem["parameters"]}
        assert not any(p["when"] for p in children.values()), "conditions are nested choices there"

        def dimension(p):
            name, domain = p["name"], p["domain"]
            if domain["kind"] == "categorical":
                return hp.choice(name, domain["choices"])
            if domain["kind"] == "int":
                if domain["log"]:
                    return hp.qloguniform(name, numpy.log(domain["min"] - 0.5), numpy.log(domain["max"] + 0.5), 1)
                count = (domain["max"] - domain["min"]) // (domain["step"] or 1) + 1
                return hp.uniformint(name, 0, count - 1)
            if domain["log"]:
                return hp.loguniform(name, numpy.log(domain["min"]), numpy.log(domain["max"]))
            return hp.uniform(name, domain["min"], domain["max"])

        import hyperopt

        self.trials = hyperopt.Trials()
        self.domain = hyperopt.Domain(lambda values: 0.0, {name: dimension(p) for name, p in children.items()})

    def ask(self):
        import hyperopt

        number = self.trials.new_trial_ids(1)
        self.trials.refresh()
        seed = int(self.random.integers(2**31 - 1))
        (document,) = hyperopt.tpe.suggest(number, self.domain, self.trials, seed)
        values = {}
        for p in self.problem["parameters"]:
            raw, domain = document["misc"]["vals"][p["name"]][0], p["domain"]
            if domain["kind"] == "categorical":
                values[p["name"]] = domain["choices"][int(raw)]
            elif domain["kind"] == "int" and domain["log"]:
                values[p["name"]] = min(max(int(raw), domain["min"]), domain["max"])
            elif domain["kind"] == "int":
                values[p["name"]] = domain["min"] + int(raw) * (domain["step"] or 1)
            else:
                values[p["name"]] = float(raw)
        return document, values

    def tell(self, document, value):
        import hyperopt

        document["state"], document["result"] = hyperopt.JOB_STATE_DONE, {"status": "ok", "loss": value}
        self.trials.insert_trial_docs([document])
        self.trials.refresh()


class Skopt:
    """scikit-optimize's Gaussian process with its defaults (GP-hedge over three acquisitions); without conditions."""

    def start(self, problem, seed):
        import skopt

        assert not any(p["when"] for p in problem["parameters"]), "there are no conditions there"

        def dimension(p):
            domain = p["domain"]
            if domain["kind"] == "categorical":
                return skopt.space.Categorical(domain["choices"])
            prior = "log-uniform" if domain["log"] else "uniform"
            if domain["kind"] == "int":
                step = domain["step"] or 1
                low, high = (domain["min"], domain["max"]) if step == 1 else (0, (domain["max"] - domain["min"]) // step)
                return skopt.space.Integer(low, high, prior=prior)
            return skopt.space.Real(domain["min"], domain["max"], prior=prior)

        self.problem = problem
        self.optimizer = skopt.Optimizer([dimension(p) for p in problem["parameters"]], "GP", random_state=seed)

    def ask(self):
        asked, values = self.optimizer.ask(), {}
        for p, raw in zip(self.problem["parameters"], asked):
            domain = p["domain"]
            if domain["kind"] == "categorical":
                values[p["name"]] = str(raw)
            elif domain["kind"] == "int":
                step = domain["step"] or 1
                values[p["name"]] = int(raw) if step == 1 else domain["min"] + int(raw) * step
            else:
                values[p["name"]] = float(raw)
        return asked, values

    def tell(self, asked, value):
        self.optimizer.tell(asked, value)


class Smac:
    """SMAC3's facade for hyperparameters, by its defaults: a random forest."""

    def start(self, problem, seed):
        import logging
        import tempfile

        import ConfigSpace as cs
        from smac import HyperparameterOptimizationFacade, Scenario

        logging.disable(logging.CRITICAL)
        space, made = cs.ConfigurationSpace(seed=seed), {}
        for p in problem["parameters"]:
            name, domain = p["name"], p["domain"]
            if domain["kind"] == "categorical":
                made[name] = cs.CategoricalHyperparameter(name, domain["choices"])
            elif domain["kind"] == "int" and domain["step"]:
                made[name] = cs.UniformIntegerHyperparameter(name, 0, (domain["max"] - domain["min"]) // domain["step"])
            elif domain["kind"] == "int":
                made[name] = cs.UniformIntegerHyperparameter(name, domain["min"], domain["max"], log=domain["log"])
            else:
                made[name] = cs.UniformFloatHyperparameter(name, domain["min"], domain["max"], log=domain["log"])
        space.add(list(made.values()))
        for p in problem["parameters"]:
            conditions = []
            for w in p["when"]:
                parent = made[w["parameter"]]
                allowed = [v if isinstance(parent, cs.CategoricalHyperparameter) else int(v) for v in w["in"]]
                conditions.append(cs.InCondition(made[p["name"]], parent, allowed))
            if conditions:
                space.add(conditions[0] if len(conditions) == 1 else cs.AndConjunction(*conditions))
        self.problem = problem
        scenario = Scenario(space, deterministic=True, n_trials=100, seed=seed, output_directory=tempfile.mkdtemp())
        self.smac = HyperparameterOptimizationFacade(scenario, lambda config, seed=0: 0.0, overwrite=True)

    def ask(self):
        info = self.smac.ask()
        given, values = dict(info.config), {}
        for p in self.problem["parameters"]:
            if p["name"] in given:
                raw, domain = given[p["name"]], p["domain"]
                if domain["kind"] == "int":
                    raw = domain["min"] + int(raw) * domain["step"] if domain["step"] else int(raw)
                values[p["name"]] = str(raw) if domain["kind"] == "categorical" else raw
        return info, values

    def tell(self, info, value):
        from smac.runhistory.dataclasses import TrialValue

        self.smac.tell(info, TrialValue(cost=value))


class Deap:
    """DEAP's NSGA-II as its example for ZDT1 has it (crossover and mutation with eta 20), on floats between 0 and 1, one generation
    after the other."""

    def __init__(self, population):
        self.size = population

    def start(self, problem, seed):
        from deap import base, creator

        # DEAP keeps the classes that it makes by their names.
        made = f"Member{problem['objectives']}"
        if not hasattr(creator, made):
            weights = {"weights": (-1.0,) * problem["objectives"]}
            creator.create(made, list, fitness=type("Front", (base.Fitness,), weights))
        # DEAP draws from Python's own generator.
        random.seed(seed)
        self.names = [p["name"] for p in problem["parameters"]]
        self.member, self.parents, self.told = getattr(creator, made), [], []
        self.coming = [self.member(random.random() for _ in self.names) for _ in range(self.size)]

    def ask(self):
        if not self.coming:
            self.breed()
        member = self.coming.pop()
        return member, dict(zip(self.names, member))

    def breed(self):
        from deap import tools

        self.parents, self.told = tools.selNSGA2(self.parents + self.told, self.size), []
        chosen = tools.selTournamentDCD(self.parents, self.size)
        made = [self.member(parent) for parent in chosen]
        for one, other in zip(made[::2], made[1::2]):
            if random.random() <= 0.9:
                tools.cxSimulatedBinaryBounded(one, other, eta=20.0, low=0.0, up=1.0)
        for member in made:
            tools.mutPolynomialBounded(member, eta=20.0, low=0.0, up=1.0, indpb=1.0 / len(self.names))
        self.coming = made

    def tell(self, member, values):
        member.fitness.values = values
        self.told.append(member)


PEERS = {
    "optuna-random": lambda: Optuna(lambda o, seed: o.samplers.RandomSampler(seed=seed)),
    "optuna-qmc": lambda: Optuna(lambda o, seed: o.samplers.QMCSampler(scramble=True, seed=seed)),
    "optuna-tpe": lambda: Optuna(lambda o, seed: o.samplers.TPESampler(seed=seed)),
    "optuna-tpe-independent": lambda: Optuna(lambda o, seed: o.samplers.TPESampler(seed=seed, multivariate=False)),
    "optuna-tpe-group": lambda: Optuna(lambda o, seed: o.samplers.TPESampler(seed=seed, multivariate=True, group=True)),
    "optuna-cma-es": lambda: Optuna(lambda o, seed: o.samplers.CmaEsSampler(seed=seed)),
    "optuna-cma-es-margin": lambda: Optuna(lambda o, seed: o.samplers.CmaEsSampler(seed=seed, with_margin=True)),
    "optuna-nsga2": lambda: Optuna(lambda o, seed: o.samplers.NSGAIISampler(seed=seed)),
    "optuna-nsga2-20": lambda: Optuna(lambda o, seed: o.samplers.NSGAIISampler(seed=seed, population_size=20)),
    "deap-nsga2": lambda: Deap(52),
    "rustuna-tpe": lambda: Rustuna(lambda r, seed: r.samplers.TPESampler(seed=seed)),
    "hyperopt-tpe": lambda: Hyperopt(),
    "optuna-gp": lambda: Optuna(lambda o, seed: o.samplers.GPSampler(seed=seed)),
    "skopt-gp": lambda: Skopt(),
    "smac-rf": lambda: Smac(),
}


def run(problems, problem, name, seed, trials, workers):
    peer = PEERS[name]()
    peer.start(problem, seed)
    values, truths, seconds, asked, running = [], [], 0.0, 0, deque()
    while len(values) < trials:
        while len(running) < workers and asked < trials:
            clock = time.perf_counter()
            token, given = peer.ask()
            seconds += time.perf_counter() - clock
            running.append((asked, token, given))
            asked += 1
        number, token, given = running.popleft()
        value, truth = problems.evaluate(problem["problem"], seed, number, given)
        peer.tell(token, value)
        values.append(value)
        truths.append(truth)
    return {"kind": "run", "problem": problem["problem"], "sampler": name, "seed": seed, "workers": workers,
            "trials": trials, "values": values, "truths": truths, "seconds_per_ask": seconds / trials}


def draw(problem, dice):
    """A random configuration of a problem without conditions."""
    values = {}
    for p in problem["parameters"]:
        domain = p["domain"]
        if domain["kind"] == "categorical":
            values[p["name"]] = dice.choice(domain["choices"])
        elif domain["kind"] == "int" and not domain["log"]:
            values[p["name"]] = dice.randrange(domain["min"], domain["max"] + 1, domain["step"] or 1)
        elif domain["log"]:
            value = domain["min"] * (domain["max"] / domain["min"]) ** dice.random()
            values[p["name"]] = round(value) if domain["kind"] == "int" else value
        else:
            values[p["name"]] = dice.uniform(domain["min"], domain["max"])
    return values


def speed(problems, problem, name, finished, asks):
    """Seconds per ask after so many finished trials, which were drawn at random, and the most memory that the process has had."""
    peer, dice = PEERS[name](), random.Random(1)
    peer.start(problem, 1)
    for number in range(finished):
        values = draw(problem, dice)
        peer.preload(values, problems.evaluate(problem["problem"], 1, number, values)[0])
    times = []
    # The first ask may read what was added; it is no steady ask.
    for number in range(finished, finished + asks + 1):
        clock = time.perf_counter()
        token, given = peer.ask()
        times.append(time.perf_counter() - clock)
        peer.tell(token, problems.evaluate(problem["problem"], 1, number, given)[0])
    times = sorted(times[1:])
    return {"kind": "speed", "problem": problem["problem"], "sampler": name, "finished": finished,
            "ask": times[len(times) // 2], "ask_least": times[0],
            "resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def asks(problems, problem, name, seed, finished, count):
    """Where as many trials are that are asked for at once, after so many that were played one after the other."""
    peer = PEERS[name]()
    peer.start(problem, seed)
    for number in range(finished):
        token, given = peer.ask()
        peer.tell(token, problems.evaluate(problem["problem"], seed, number, given)[0])
    points = []
    for _ in range(count):
        _, given = peer.ask()
        ends = [(p["name"], p["domain"]["min"], p["domain"]["max"]) for p in problem["parameters"]]
        points.append([(given[p] - low) / (high - low) for p, low, high in ends])
    return {"kind": "spread", "problem": problem["problem"], "sampler": name, "seed": seed, "finished": finished,
            "points": points}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "speed", "asks"])
    parser.add_argument("--program", required=True, help="path of trimtab-bench-samplers")
    parser.add_argument("--problems", default="")
    parser.add_argument("--samplers", default="optuna-tpe,optuna-qmc")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--finished", default="100,1000,5000,10000")
    parser.add_argument("--asks", type=int, default=9)
    given = parser.parse_args()
    problems = Problems(given.program)
    names = given.problems.split(",") if given.problems else []
    if given.command == "speed":
        for name in given.samplers.split(","):
            for finished in map(int, given.finished.split(",")):
                result = speed(problems, problems.by_name[(names or ["mixed10"])[0]], name, finished, given.asks)
                print(json.dumps(result), flush=True)
        return
    if given.command == "asks":
        for name in given.samplers.split(","):
            for finished in map(int, given.finished.split(",")):
                for seed in range(given.first, given.first + given.seeds):
                    problem = problems.by_name[(names or ["hartmann6"])[0]]
                    print(json.dumps(asks(problems, problem, name, seed, finished, given.asks)), flush=True)
        return
    for problem in names or [name for name, p in problems.by_name.items() if "objectives" not in p]:
        for name in given.samplers.split(","):
            if name.startswith(("hyperopt", "skopt")) and any(p["when"] for p in problems.by_name[problem]["parameters"]):
                print(f"{name} is left out on {problem}: it has no conditions of this form", file=sys.stderr)
                continue
            for seed in range(given.first, given.first + given.seeds):
                result = run(problems, problems.by_name[problem], name, seed, given.trials, given.workers)
                print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
