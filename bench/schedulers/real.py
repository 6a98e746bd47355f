"""Runs real studies on the grid that record.py recorded, until they reach an accuracy, and says what they paid.

python bench/schedulers/real.py --trimtab trimtab --trainer trimtab-trainer --goal 0.8694 --seeds 3

A line of JSON for each study: epochs by the trials' own records, and the processor's seconds of all its processes. One run at a time, from
checkpoints. A study looks at its goal when a run has come to its level, and not after each epoch as the replay does.
"""

import argparse
import csv
import io
import json
import os
import subprocess
import tempfile

from record import EPOCHS, GRID, arguments

METHODS = {
    "random": ("random", {"none": {}}),
    "hyperband": ("random", {"hyperband": {"reductionFactor": 3}}),
    "asha": ("random", {"asha": {"reductionFactor": 3}}),
    "bohb (hyperband)": ("bohb", {"hyperband": {"reductionFactor": 3}}),
    "asha with bohb": ("bohb", {"asha": {"reductionFactor": 3}}),
}


def parameter(name: str, values: list[str]) -> dict:
    """A parameter of the Study: numbers in their order, or choices."""
    try:
        return {"name": name, "ordinal": {"values": [float(value) for value in values]}}
    except ValueError:
        return {"name": name, "categorical": {"choices": values}}


def study(method: str, seed: int, goal: float, data: list[str]) -> dict:
    """The Study of a method."""
    sampler, scheduler = METHODS[method]
    container = {"name": "train", "image": "trainer", "args": ["train", "--threads=1", *data]}
    return {
        "apiVersion": "trimtab.dev/v1alpha1",
        "kind": "Study",
        "metadata": {"name": "real"},
        "spec": {
            "objectives": [{"metric": "val_accuracy", "goal": "Maximize", "reduce": "Best", "target": goal}],
            "parameters": [parameter(name, values) for name, values in GRID.items()],
            "fidelity": {"unit": "epoch", "min": 1, "max": EPOCHS},
            "sampler": {sampler: {}},
            "scheduler": scheduler,
            "parallelism": 1,
            "limits": {"fullTrainings": 200},
            "seed": seed,
            "trial": {
                "metrics": {"log": {"fidelityKey": "epoch"}},
                "checkpoint": {"claimName": "checkpoints", "mountPath": "/checkpoints"},
                "job": {"spec": {"template": {"spec": {"containers": [container]}}}},
            },
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trimtab", required=True)
    parser.add_argument("--trainer", required=True)
    parser.add_argument("--goal", type=float, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    given, data = arguments(parser)
    for seed in range(given.seeds):
        for method in METHODS:
            with tempfile.TemporaryDirectory() as folder:
                with open(f"{folder}/study.json", "w") as file:
                    json.dump(study(method, seed, given.goal, data), file)
                run = [given.trimtab, "run", "study.json", "--", given.trainer]
                process = subprocess.Popen(run, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                _, status, used = os.wait4(process.pid, 0)
                table = subprocess.run(
                    [given.trimtab, "export", "--output", "csv", f"{folder}/real.trimtab"],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            trials = list(csv.DictReader(io.StringIO(table)))
            found = {
                "method": method,
                "seed": seed,
                "exit": os.waitstatus_to_exitcode(status),
                "trials": len(trials),
                "epochs": sum(int(trial["spent"]) for trial in trials),
                "seconds": round(used.ru_utime + used.ru_stime, 1),
                "best": max((float(trial["value"]) for trial in trials if trial["value"]), default=None),
            }
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
