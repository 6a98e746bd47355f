"""Writes importance.csv: the shares that Optuna's PED-ANOVA gives on cases that the engine's test makes alike.

    python3 -m venv venv && venv/bin/pip install optuna==5.0.0
    venv/bin/python engine/tests/golden/importance.py > engine/tests/golden/importance.csv

The cases use sums, products and quotients only, so that both languages have the same doubles.
"""

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

optuna.logging.set_verbosity(optuna.logging.ERROR)

# A coordinate of trial i: a point of a lattice in the unit interval. The factors are prime to 10,007.
FACTORS = [3571, 7919, 1229, 5417, 4583, 2741, 6121, 9049]


def unit(i, j):
    return ((i * FACTORS[j] + 17 * j) % 10007 + 0.5) / 10007


def flo(low, high, u):
    return low + (high - low) * u


def index(count, u):
    return int(u * count)


def additive(i):
    """Weights 8, 4, 2 and 0 on squares."""
    x = [flo(-1, 1, unit(i, j)) for j in range(4)]
    space = {f"x{j}": FloatDistribution(-1, 1) for j in range(4)}
    return dict(zip(space, x)), space, 8 * x[0] * x[0] + 4 * x[1] * x[1] + 2 * x[2] * x[2]


def mixed(i):
    """Every kind of parameter."""
    u = [unit(i, j) for j in range(7)]
    params = {
        "rate": flo(0.0001, 1, u[0] * u[0] * u[0] * u[0]),
        "units": 32 + 32 * index(16, u[1]),
        "batch": 1 + index(1024, u[2] * u[2]),
        "kind": "abcde"[index(5, u[3])],
        "dropout": index(11, u[4]) / 10,
        "depth": index(6, u[5]),
        "seed": index(1000, u[6]),
    }
    space = {
        "rate": FloatDistribution(0.0001, 1, log=True),
        "units": IntDistribution(32, 512, step=32),
        "batch": IntDistribution(1, 1024, log=True),
        "kind": CategoricalDistribution(list("abcde")),
        "dropout": FloatDistribution(0, 1, step=0.1),
        # The engine's ordinals count by their places.
        "depth": IntDistribution(0, 5),
        "seed": IntDistribution(0, 999),
    }
    value = (u[0] - 0.5) * (u[0] - 0.5) + u[1] / 4 + (u[2] - 0.25) * (u[2] - 0.25) / 2
    value += (0.5 if params["kind"] in "ad" else 0.0) + params["dropout"] / 8 + params["depth"] / 64
    return params, space, value


def conditional(i):
    """Either of two parameters exists."""
    u = [unit(i, j) for j in range(4)]
    params, space = {"arm": "ab"[index(2, u[0])]}, {"arm": CategoricalDistribution(["a", "b"])}
    if params["arm"] == "a":
        params["left"], space["left"] = u[1], FloatDistribution(0, 1)
        value = (u[1] - 0.3) * (u[1] - 0.3)
    else:
        params["right"], space["right"] = flo(-2, 2, u[2]), FloatDistribution(-2, 2)
        value = 0.05 + u[2] * u[2] / 4
    params["both"], space["both"] = u[3], FloatDistribution(0, 1)
    return params, space, value + u[3] / 16


def tied(i):
    """Values of which many are equal."""
    params, space, value = additive(i)
    return params, space, float(int(value * 2))


def shares(case, trials):
    study = optuna.create_study()
    for i in range(trials):
        params, space, value = case(i)
        study.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=value))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    return optuna.importance.get_param_importances(study, evaluator=evaluator)


for case, sizes in [(additive, [10, 37, 1000, 10000]), (mixed, [60, 500, 3000]), (conditional, [25, 2000]), (tied, [300])]:
    for trials in sizes:
        for name, share in sorted(shares(case, trials).items()):
            print(f"{case.__name__},{trials},{name},{share!r}")
