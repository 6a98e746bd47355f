"""Runs trimtab-trainer and PyTorch side by side, in turn, and says what came of it as JSON.

    compare.py speed    --program P --python Q [--runs 5]     seconds per epoch and peak memory, ratios
    compare.py accuracy --program P --python Q [--seeds 5]    test accuracy with one recipe
    compare.py points   --program P [--seeds 3] [--epochs 3]  the 54 points, ours alone

The machine may be shared: what one run of a pair suffers, the next one suffers as well, so ratios of neighbours are compared and
their median is told. The processor's seconds of an epoch are those of a run of three epochs less those of a run of one, over two:
of one thread they are what an epoch takes on a machine that is not shared.
"""

import argparse
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys

PEER = pathlib.Path(__file__).with_name("peer.py")
SPEED = {
    "mlp 784-128-128-10": ["--widths=128,128"],
    "mlp 784-512-512-10": ["--widths=512,512"],
    "cnn 16-32 channels, 64 units": ["--model=cnn", "--channels=16,32", "--widths=64", "--train-limit=10000", "--validation=2000"],
}
RECIPES = {
    "mlp": ["--widths=512,256", "--dropout=0.2", "--epochs=15", "--schedule=cosine", "--learning-rate=0.001"],
    "cnn": [
        *["--model=cnn", "--channels=32,64", "--widths=128", "--batch-norm=on", "--block-dropout=0.1", "--dropout=0.4"],
        *["--epochs=8", "--schedule=cosine"],
    ],
}


def run(command):
    """What a run printed, field by field and line by line, its peak of memory in MiB, and its seconds of the processor."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command} ended with {status}")
    lines = [line for line in printed.splitlines() if "=" in line and not line.startswith("#")]
    fields = [dict(field.split("=") for field in line.split()) for line in lines]
    return [{name: float(value) for name, value in line.items()} for line in fields], usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def seconds(lines):
    """The fastest epoch after the first: what others take only adds to it."""
    return min(line["seconds"] for line in lines if line.get("epoch", 0) > 1)


def epoch(command):
    """Seconds of an epoch, seconds of the processor of an epoch, peak of memory."""
    lines, memory, three = run([*command, "--epochs=3"])
    *_, one = run([*command, "--epochs=1"])
    return seconds(lines), (three - one) / 2, memory


def speed(options):
    for threads, (name, flags) in itertools.product((1, 2), SPEED.items()):
        common = [*flags, f"--threads={threads}"]
        pairs = []
        for turn in range(options.runs):
            ours = [options.program, "train", *common]
            theirs = [options.python, str(PEER), *common]
            found = {}
            for who, command in (("ours", ours), ("theirs", theirs))[:: 1 if turn % 2 else -1]:
                found[who] = epoch(command)
            pairs.append(found)
        median = lambda pick: round(statistics.median(pick(pair) for pair in pairs), 3)
        yield {
            "what": name,
            "threads": threads,
            "runs": options.runs,
            "seconds": median(lambda pair: pair["ours"][0]),
            "seconds_pytorch": median(lambda pair: pair["theirs"][0]),
            "speed_beside_pytorch": median(lambda pair: pair["theirs"][0] / pair["ours"][0]),
            "speed_of_each_pair": [round(pair["theirs"][0] / pair["ours"][0], 3) for pair in pairs],
            "cpu_seconds": median(lambda pair: pair["ours"][1]),
            "cpu_seconds_pytorch": median(lambda pair: pair["theirs"][1]),
            "cpu_speed_of_each_pair": [round(pair["theirs"][1] / pair["ours"][1], 3) for pair in pairs],
            "memory_mib": median(lambda pair: pair["ours"][2]),
            "memory_mib_pytorch": median(lambda pair: pair["theirs"][2]),
        }


def accuracy(options):
    for seed in range(options.first, options.first + options.seeds):
        common = [*RECIPES[options.recipe], f"--seed={seed}", f"--threads={options.threads}", "--validation=5000"]
        # Ours names the horizon of the schedule by the epochs of the run, as the peer does.
        for who, command in {
            "ours": [options.program, "train", "--test", *common],
            "pytorch": [options.python, str(PEER), *common],
        }.items():
            lines, *_ = run(command)
            took = sum(line.get("seconds", 0) for line in lines)
            last = [line for line in lines if "val_accuracy" in line][-1]
            test = lines[-1]["test_accuracy"]
            yield {"recipe": options.recipe, "who": who, "seed": seed, "test": test, "val": last["val_accuracy"], "seconds": round(took, 1)}


def points(options):
    for layers, units, optimizer, rate in itertools.product((1, 2, 3), (5, 10, 15), ("sgd", "adam"), (0.001, 0.01, 0.1)):
        flags = [f"--layers={layers}", f"--hidden-units={units}", f"--optimizer={optimizer}", f"--learning-rate={rate}"]
        found, took = [], 0.0
        for seed in range(options.seeds):
            more = ["--momentum=0", f"--seed={seed}", f"--epochs={options.epochs}", "--threads=1"]
            lines, *_ = run([options.program, "train", *flags, *more])
            found.append(lines[-1]["val_accuracy"])
            took += sum(line["seconds"] for line in lines)
        yield {
            "layers": layers,
            "units": units,
            "optimizer": optimizer,
            "learning_rate": rate,
            "val_accuracy": round(statistics.mean(found), 4),
            "of_each_seed": found,
            "epochs": options.epochs,
            "seconds": round(took, 1),
        }


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("what", choices=("speed", "accuracy", "points"))
parser.add_argument("--program", required=True)
parser.add_argument("--python", default=sys.executable)
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--first", type=int, default=0, help="the first seed")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--recipe", choices=RECIPES, default="mlp")
options = parser.parse_args()
for result in {"speed": speed, "accuracy": accuracy, "points": points}[options.what](options):
    print(json.dumps(result), flush=True)
