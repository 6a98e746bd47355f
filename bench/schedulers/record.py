"""Trains every configuration of a grid on Fashion-MNIST once, and writes what each epoch reached and cost.

python bench/schedulers/record.py --program trainer/target/release/trimtab-trainer --into fashion-mnist.csv

A line for each configuration: its parameters, the processor's seconds before its first epoch and for each epoch, and `val_accuracy` after each of
27 epochs. What is in the file already is not trained again, so that a recording that was interrupted goes on.
"""

import argparse
import csv
import itertools
import os
import random
import subprocess

GRID = {
    "learning_rate": ["0.0001", "0.00025", "0.0006", "0.0016", "0.004", "0.01", "0.025", "0.06", "0.16", "0.4"],
    "hidden_units": ["16", "64", "256"],
    "batch_size": ["32", "128", "512"],
    "dropout": ["0", "0.2", "0.5"],
    "optimizer": ["sgd", "adam"],
}
EPOCHS = 27
TICK = os.sysconf("SC_CLK_TCK")


def seconds(pid: int) -> float:
    """What a process has used of processors so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def train(program: str, data: list[str], configuration: dict[str, str]) -> list[str]:
    """Seconds before the first epoch, seconds an epoch, and the accuracy after each; cells after a failure are empty."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in configuration.items()]
    command = [program, "train", *data, f"--epochs={EPOCHS}", "--threads=1", *flags]
    accuracies, used = [], []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            values = dict(word.split("=", 1) for word in line.split() if "=" in word and not line.startswith("#"))
            if "val_accuracy" in values:
                accuracies.append(values["val_accuracy"])
                used.append(seconds(process.pid))
    epoch = (used[-1] - used[0]) / (len(used) - 1) if len(used) > 1 else 0.0
    start = max(used[0] - epoch, 0.0) if used else 0.0
    cells = [f"{float(value):.4f}" for value in accuracies] + [""] * (EPOCHS - len(accuracies))
    return [f"{start:.3f}", f"{epoch:.4f}", *cells]


def arguments(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[str]]:
    """What the command line says, and the trainer's flags for the data."""
    parser.add_argument("--data", help="a folder with the files of Fashion-MNIST, if they are not where the trainer looks")
    parser.add_argument("--rows", default="10000")
    parser.add_argument("--validation", default="5000")
    given = parser.parse_args()
    data = [f"--train-limit={given.rows}", f"--validation={given.validation}"]
    if given.data:
        data.append(f"--data={given.data}")
    return given, data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--into", required=True)
    given, data = arguments(parser)
    done = set()
    if os.path.exists(given.into):
        with open(given.into, newline="") as file:
            done = {tuple(row[: len(GRID)]) for row in csv.reader(file)}
    # In no order of the grid, so that what a machine does meanwhile does not fall on one corner of it.
    configurations = list(itertools.product(*GRID.values()))
    random.Random(0).shuffle(configurations)
    with open(given.into, "a", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        if not done:
            rows.writerow([*GRID, "start", "epoch", *range(1, EPOCHS + 1)])
        for configuration in configurations:
            if configuration in done:
                continue
            found = train(given.program, data, dict(zip(GRID, configuration, strict=True)))
            rows.writerow([*configuration, *found])
            file.flush()


if __name__ == "__main__":
    main()
