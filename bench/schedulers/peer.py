"""DEHB by its authors (`pip install -r requirements.txt`) on the same problems with as many seeds, as JSON lines like those of
`trimtab-bench-schedulers`.

    python peer.py --program PROGRAM [--seeds 300] [--trainings 40] [--problem "mfh6 good"] [--accounted resumed]

Problems are defined in one place only: PROGRAM evaluates configurations. The study ends before the first training that it cannot pay.
What is promoted pays everything again (restarted) or the difference to where the same configuration was before (resumed).
`named` is the regret of the incumbent that the program names, which is the best value at any fidelity; `meanRegret` is that of
the best value at the highest fidelity that was reached, as ours is.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time

from dehb import DEHB
from loguru import logger

PROBLEMS = {"ones8": (8, 8, 9, 729), "mfh6 good": (0, 6, 1, 81), "mfh6 moderate": (0, 6, 1, 81)}
ACCOUNTS = ["resumed", "restarted"]


def play(ask, problem, seed, trainings, resumed):
    bits, floats, low, high = PROBLEMS[problem]
    with tempfile.TemporaryDirectory() as folder:
        # Its own vectors, and no ConfigSpace: a bit is the half of the unit interval that a coordinate is in.
        peer = DEHB(dimensions=bits + floats, min_fidelity=low, max_fidelity=high, eta=3, n_workers=1, seed=seed,
                    configspace=False, cs=None, output_path=folder, save_freq="end", log_level="ERROR")
        logger.remove()
        spent, count, reached, best, seen = 0, 0, {}, (-1, math.inf, None), {}
        while True:
            job = peer.ask()
            fidelity = round(job["fidelity"])
            paid = fidelity - (reached.get(job["config_id"], 0) if resumed else 0)
            if spent + paid > trainings * high:
                break
            spent += paid
            reached[job["config_id"]] = fidelity
            x = [float(v) for v in job["config"]]
            words = [str(int(v >= 0.5)) for v in x[:bits]] + [repr(v) for v in x[bits:]]
            # A configuration keeps its number, as a trial of ours does.
            value, regret = ask([seed, job["config_id"], fidelity, *words])
            seen[tuple(x)] = regret
            count += 1
            if (-fidelity, value) < (-best[0], best[1]):
                best = (fidelity, value, regret)
            peer.tell(job, {"fitness": value, "cost": paid})
        named = seen.get(tuple(float(v) for v in peer.inc_config))
    return best[2], named, count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--problem", choices=PROBLEMS)
    parser.add_argument("--accounted", choices=ACCOUNTS)
    options = parser.parse_args()
    for problem in [options.problem] if options.problem else PROBLEMS:
        child = subprocess.Popen([options.program, "evaluate", problem], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ask(words):
            print(*words, file=child.stdin, flush=True)
            return tuple(map(float, child.stdout.readline().split()))

        for accounted in [options.accounted] if options.accounted else ACCOUNTS:
            begun = time.time()
            played = [play(ask, problem, seed, options.trainings, accounted == "resumed") for seed in range(options.seeds)]
            regrets, named, counts = zip(*played)
            mean = sum(regrets) / len(regrets)
            deviation = math.sqrt(sum((r - mean) ** 2 for r in regrets) / (len(regrets) - 1))
            line = {
                "problem": problem, "method": "DEHB 0.1.2", "accounted": accounted,
                "meanRegret": round(mean, 4), "halfWidth95": round(1.96 * deviation / math.sqrt(len(regrets)), 4),
                "named": round(sum(named) / len(named), 4), "meanTrials": round(sum(counts) / len(counts), 1),
                "seeds": options.seeds, "trainings": options.trainings,
                "secondsPerStudy": round((time.time() - begun) / options.seeds, 4),
            }
            print(json.dumps(line))
            sys.stdout.flush()
        child.stdin.close()
        child.wait()


if __name__ == "__main__":
    main()
