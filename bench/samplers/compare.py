"""Tables from JSON lines of `trimtab-bench-samplers` and `peers.py`.

    python compare.py --problems PROBLEMS.jsonl --against "trimtab tpe=optuna-tpe" --json OUT.json RUNS.jsonl ... > OUT.md

PROBLEMS.jsonl is what `trimtab-bench-samplers problems` prints. The best value after k trials is what the trial with
the best reported value is worth without noise. A regret is that minus the problem's optimum. The ratio of regrets is of the means over
the seeds that both have; its bound is the one-sided 95 % bound of the bootstrap over seeds (10,000 resamples, seed 1).
"""

import argparse
import json
import platform
import sys
from collections import defaultdict

import numpy

AFTER = (25, 50, 100)


def best_after(run, k):
    values = numpy.array(run["values"][:k], dtype=float)
    return run["truths"][int(numpy.argmin(numpy.where(numpy.isnan(values), numpy.inf, values)))]


def ratio(ours, theirs, optimum):
    """The ratio of mean regrets over common seeds, and its one-sided 95 % bound."""
    seeds = sorted(set(ours) & set(theirs))
    a, b = (numpy.array([of[s] - optimum for s in seeds]) for of in (ours, theirs))
    drawn = numpy.random.default_rng(1).integers(len(seeds), size=(10_000, len(seeds)))
    resampled = a[drawn].mean(axis=1) / b[drawn].mean(axis=1)
    return float(a.mean() / b.mean()), float(numpy.quantile(resampled, 0.95)), len(seeds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", required=True)
    parser.add_argument("--against", action="append", default=[], help="OURS=PEER, once for each pair")
    parser.add_argument("--json", required=True, help="where the figures go")
    parser.add_argument("runs", nargs="+")
    given = parser.parse_args()
    problems = {p["problem"]: p for p in map(json.loads, open(given.problems))}
    lines = [json.loads(line) for path in given.runs for line in open(path)]
    bests, seconds, speeds = defaultdict(dict), defaultdict(list), {}
    for line in lines:
        if line["kind"] == "speed":
            speeds[line["sampler"], line["finished"]] = line
            continue
        key = line["problem"], line["workers"], line["sampler"]
        seconds[key].append(line["seconds_per_ask"])
        for k in AFTER:
            if k <= line["trials"]:
                bests[*key, k][line["seed"]] = best_after(line, k)
    out = {"machine": f"{platform.machine()}, {platform.python_version()}", "best": [], "ratios": [], "speed": []}
    for (problem, workers) in sorted({key[:2] for key in seconds}, key=lambda k: (list(problems).index(k[0]), k[1])):
        noise = f", noise {problems[problem]['noise']}" if problems[problem]["noise"] else ""
        title = f"{problem}: {problems[problem]['about']}{noise}; optimum {problems[problem]['optimum']:.6g}"
        print(f"### {title}" + (f"; {workers} workers" if workers > 1 else "") + "\n")
        print("| sampler | seeds | " + " | ".join(f"best after {k}" for k in AFTER) + " | seconds per ask |")
        print("| --- | --- |" + " --- |" * (len(AFTER) + 1))
        for sampler in sorted(k[2] for k in seconds if k[:2] == (problem, workers)):
            cells, row = [], {"problem": problem, "workers": workers, "sampler": sampler}
            for k in AFTER:
                found = list(bests[problem, workers, sampler, k].values())
                if not found:
                    cells.append("")
                    continue
                middle, mean = float(numpy.median(found)), float(numpy.mean(found))
                row[f"after_{k}"] = {"median": middle, "mean": mean, "sd": float(numpy.std(found, ddof=1)), "seeds": len(found)}
                cells.append(f"{middle:.4g} ({mean:.4g})")
            row["seconds_per_ask"] = float(numpy.median(seconds[problem, workers, sampler]))
            out["best"].append(row)
            count = len(seconds[problem, workers, sampler])
            print(f"| {sampler} | {count} | " + " | ".join(cells) + f" | {row['seconds_per_ask']:.2g} |")
        print()
        for pair in given.against:
            ours, peer = pair.split("=")
            for k in AFTER:
                a, b = bests.get((problem, workers, ours, k)), bests.get((problem, workers, peer, k))
                if a and b:
                    value, bound, count = ratio(a, b, problems[problem]["optimum"])
                    out["ratios"].append({"problem": problem, "workers": workers, "ours": ours, "peer": peer, "after": k,
                                          "ratio": value, "bound": bound, "seeds": count})
    if out["ratios"]:
        print("### Ratio of mean regrets, ours to the peer's (95 % bound)\n")
        print("| ours | peer | problem | workers | " + " | ".join(f"after {k}" for k in AFTER) + " |")
        print("| --- | --- | --- | --- |" + " --- |" * len(AFTER))
        groups = defaultdict(dict)
        for r in out["ratios"]:
            groups[r["ours"], r["peer"], r["problem"], r["workers"]][r["after"]] = r
        for key, found in sorted(groups.items(), key=lambda item: item[0][:2]):
            cells = [f"{found[k]['ratio']:.2f} ({found[k]['bound']:.2f})" if k in found else "" for k in AFTER]
            print("| " + " | ".join(map(str, key)) + " | " + " | ".join(cells) + " |")
        print()
    if speeds:
        sizes = sorted({finished for _, finished in speeds})
        print("### Seconds per ask, after so many finished trials\n")
        print("| sampler | " + " | ".join(f"{size:,}" for size in sizes) + " |")
        print("| --- |" + " --- |" * len(sizes))
        for sampler in sorted({sampler for sampler, _ in speeds}):
            cells = [f"{speeds[sampler, size]['ask']:.2g}" if (sampler, size) in speeds else "" for size in sizes]
            print(f"| {sampler} | " + " | ".join(cells) + " |")
            decisions = [speeds.get((sampler, size), {}).get("decision") for size in sizes]
            if any(decisions):
                cells = [f"{d:.2g}" if d else "" for d in decisions]
                print(f"| {sampler}, the whole decision from the log | " + " | ".join(cells) + " |")
        print("\n### Most resident memory of the process in MiB, the finished trials and the problem among it\n")
        print("| sampler | " + " | ".join(f"{size:,}" for size in sizes) + " |")
        print("| --- |" + " --- |" * len(sizes))
        for sampler in sorted({sampler for sampler, _ in speeds}):
            memory = [speeds.get((sampler, size), {}).get("resident_mib") for size in sizes]
            print(f"| {sampler} | " + " | ".join(f"{m:.0f}" if m else "" for m in memory) + " |")
        out["speed"] = list(speeds.values())
    with open(given.json, "w") as file:
        json.dump(out, file, indent=1)
        file.write("\n")
    print(f"{len(lines)} lines read", file=sys.stderr)


if __name__ == "__main__":
    main()
