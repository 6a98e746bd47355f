"""What searches find of the 54 points, replayed on the table that `compare.py points` writes.

    searches.py --table points.jsonl --program target/release/trimtab [--studies 30]

Each study asks `trimtab ask-tell` for the points of an example's sampler and is told the table's mean over its seeds, so that a
search is judged by the points that it chose and not by the noise of one more training. Prints a line of JSON for each sampler:
the best that it found beside the best of the table, over the studies, and the seconds that its points had taken to train.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import tempfile

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
SEARCHES = ["gaussian-process", "genetic"]


def key(point):
    return int(point["layers"]), int(point["hidden_units"]), point["optimizer"], float(point["learning_rate"])


def study(example, seed):
    """The example with another seed, and one trial at a time: a client that asks twice before it tells is another search."""
    text = re.sub(r"^  seed: .*$", f"  seed: {seed}", example.read_text(), flags=re.M)
    return re.sub(r"^  parallelism: .*$", "  parallelism: 1", text, flags=re.M)


def search(program, text, table):
    """The points that were asked for, with what the table says of each."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "study.yaml")
        file.write_text(text)
        process = subprocess.Popen(
            [program, "ask-tell", str(file), "--memory"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

        def say(request):
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        process.stdout.readline()
        found = []
        while "parameters" in (run := say({"request": "ask"})):
            found.append(table[key(run["parameters"])])
            say({"request": "tell", "trial": run["trial"], "value": found[-1]["val_accuracy"]})
        process.stdin.close()
        assert process.wait() == 0
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--studies", type=int, default=30)
    options = parser.parse_args()
    rows = [json.loads(line) for line in pathlib.Path(options.table).read_text().splitlines()]
    table = {key({**row, "hidden_units": row["units"]}): row for row in rows}
    assert len(table) == 54, f"the table has {len(table)} points"
    best = max(row["val_accuracy"] for row in rows)
    print(json.dumps({"search": "grid", "trials": 54, "best": best, "seconds": round(sum(row["seconds"] for row in rows), 1)}))
    for name in SEARCHES:
        example = EXAMPLES / f"fashion-mnist-{name}.yaml"
        studies = [search(options.program, study(example, seed), table) for seed in range(options.studies)]
        behind = sorted(best - max(row["val_accuracy"] for row in found) for found in studies)
        print(
            json.dumps({
                "search": name,
                "studies": options.studies,
                "trials": statistics.median(len(found) for found in studies),
                "behind_best": {"median": round(statistics.median(behind), 4), "mean": round(statistics.mean(behind), 4), "worst": round(behind[-1], 4)},
                "within_0.3_points": sum(gap <= 0.003 for gap in behind),
                "seconds": round(statistics.median(sum(row["seconds"] for row in found) for found in studies), 1),
            })
        )


main()
