"""Pictures (SVG) of what `trimtab-bench-samplers` and `peers.py` printed. Needs matplotlib.

    python plot.py best    --problems PROBLEMS.jsonl --into best.svg    RUNS.jsonl ...      # regrets by trials, one worker
    python plot.py workers --problems PROBLEMS.jsonl --into workers.svg RUNS.jsonl ...      # regrets by how many work at once
    python plot.py speed   --into speed.svg SPEEDS.jsonl ...                                # seconds per ask by finished trials
    python plot.py fronts  --into fronts.svg TABLE.md                                       # what `fronts --after 10,20,…` prints

`workers` prints its medians as a table, too. Lines are medians over the seeds, of fronts means; ours are solid, peers' are dashed. Regrets are those of `compare.py`. `--samplers` names
what is drawn, and in which order; left out, it is all.
"""

import argparse
import io
import json
import re
from collections import defaultdict

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as pyplot  # noqa: E402
import matplotlib.ticker as ticker  # noqa: E402
import numpy  # noqa: E402

from compare import best_after  # noqa: E402

# Text stays text, and the same figures give the same bytes.
pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "trimtab", "font.family": "sans-serif",
                        "font.sans-serif": ["DejaVu Sans"], "font.size": 8})

# One colour a kind, so that a peer has the colour of what it is compared with.
KINDS = [("gaussian-process", "#d62728"), ("gp", "#d62728"), ("cma-es", "#2ca02c"), ("genetic", "#9467bd"),
         ("nsga2", "#9467bd"), ("forest", "#8c564b"), ("rf", "#8c564b"), ("quasi", "#7f7f7f"), ("qmc", "#7f7f7f"),
         ("random", "#000000"), ("automatic", "#ff7f0e"), ("independent", "#56b4e9"), ("tpe", "#1f77b4")]
# Peers of one kind differ in their dashes.
DASHES = {"optuna": (0, (4, 2)), "rustuna": (0, (1, 1)), "hyperopt": (0, (6, 1, 1, 1)), "deap": (0, (1, 2)),
          "smac": (0, (4, 1, 1, 1)), "skopt": (0, (3, 1, 1, 1, 1, 1)), "bayes": (0, (2, 1))}
STEPS = [*range(2, 20, 3), *range(20, 60, 5), *range(60, 101, 10)]


def look(sampler):
    colour = next((colour for part, colour in KINDS if part in sampler), "#17becf")
    dashes = next((dash for maker, dash in DASHES.items() if sampler.startswith(maker)), "solid")
    return {"color": colour, "linestyle": dashes, "linewidth": 1.4, "label": sampler}


def panels(titles, across, height):
    """Panels of these titles, and one more for the legend."""
    down = -(-(len(titles) + 1) // across)
    figure, axes = pyplot.subplots(down, across, figsize=(2.6 * across, height * down), squeeze=False)
    flat = list(axes.flat)
    for axis, title in zip(flat, titles):
        axis.set_title(title, fontsize=9)
        axis.grid(True, which="major", linewidth=0.3)
    for axis in flat[len(titles):]:
        axis.axis("off")
    return figure, flat


def finish(figure, axes, count, into, ticks=()):
    named = {}
    for axis in axes[:count]:
        # Each tick is hundreds of bytes.
        axis.minorticks_off()
        low, high = axis.get_ylim()
        if axis.get_yscale() == "log":
            near = (1.0,) if high > 200 * low else (1.0, 2.0, 5.0)
            axis.yaxis.set_major_locator(ticker.LogLocator(subs=near, numticks=9))
            axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_ylim(low, high)
        if ticks:
            axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        named.update({label: line for line, label in zip(*axis.get_legend_handles_labels())})
    axes[count].legend(named.values(), named.keys(), loc="center left", frameon=False, fontsize=8)
    figure.tight_layout()
    drawn = io.StringIO()
    figure.savefig(drawn, metadata={"Date": None})
    with open(into, "w") as file:
        # A hundredth of a point is finer than anybody sees.
        rounded = re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", drawn.getvalue())
        file.write(re.sub(r' transform="rotate\(-0 [^"]*\)"', "", re.sub(r" *\n *", "\n", rounded)))


def read(paths):
    return [json.loads(line) for path in paths for line in open(path)]


def ordered(found, wanted):
    """The samplers that are drawn; those that were not run everywhere are drawn where they were."""
    return [name for name in wanted if name in found] if wanted else sorted(found)


def regrets(runs, problems, wanted, at):
    """Of each problem, sampler and place: the regrets of all seeds."""
    out = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run["kind"] == "run" and (not wanted or run["sampler"] in wanted):
            for place, trials in at(run):
                regret = best_after(run, trials) - problems[run["problem"]]["optimum"]
                out[run["problem"], run["sampler"]][place].append(regret)
    return out


def draw(found, problems, wanted, into, label, ticks, scale):
    names = [name for name in problems if any(problem == name for problem, _ in found)]
    figure, axes = panels(names, 3, 2.1)
    for axis, name in zip(axes, names):
        for sampler in ordered({sampler for problem, sampler in found if problem == name}, wanted):
            places = sorted(found[name, sampler])
            medians = [max(float(numpy.median(found[name, sampler][place])), 1e-12) for place in places]
            marker = "." if len(places) < 6 else None
            axis.plot(numpy.array(places), numpy.round(medians, 9), marker=marker, **look(sampler))
        axis.set_yscale("log")
        axis.set_xscale(scale)
        axis.set_xlabel(label)
        axis.set_ylabel("median regret")
    finish(figure, axes, len(names), into, ticks)


def tell(found, problems, wanted):
    """The same as a table: the median regret by how many work at once, and over how many seeds."""
    counts = sorted({count for of in found.values() for count in of})
    print("| problem | sampler | seeds | " + " | ".join(map(str, counts)) + " |\n| --- | --- | --- |" + " --- |" * len(counts))
    for name in problems:
        for sampler in ordered({sampler for problem, sampler in found if problem == name}, wanted):
            of = found[name, sampler]
            cells = [f"{numpy.median(of[count]):.3g}" if count in of else "" for count in counts]
            print(f"| {name} | {sampler} | {min(map(len, of.values()))} | " + " | ".join(cells) + " |")


def speeds(lines, wanted, into):
    times = defaultdict(dict)
    for line in lines:
        times[line["sampler"]][line["finished"]] = line["ask"]
    figure, axes = panels(["mixed10"], 2, 3.6)
    for sampler in ordered(set(times), wanted):
        sizes = sorted(times[sampler])
        axes[0].plot(sizes, [times[sampler][size] for size in sizes], marker=".", **look(sampler))
    axes[0].set_xscale("log")
    axes[0].set_yscale("log")
    axes[0].set_xlabel("finished trials")
    axes[0].set_ylabel("seconds per ask")
    finish(figure, axes, 1, into, sorted({size for sizes in times.values() for size in sizes}))


def fronts(path, wanted, into):
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in open(path) if line.startswith("|")]
    counts = [int(head.split()[0]) for head in rows[0][3::2]]
    shares = defaultdict(dict)
    for problem, sampler, _, *cells in rows[2:]:
        shares[problem][sampler] = [float(cell) for cell in cells[::2]]
    figure, axes = panels(list(shares), 3, 2.1)
    for axis, problem in zip(axes, shares):
        for sampler in ordered(shares[problem], wanted):
            axis.plot(counts, shares[problem][sampler], **look(sampler))
        axis.set_xlabel("trials")
        axis.set_ylabel("share of hypervolume")
    finish(figure, axes, len(shares), into)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", choices=["best", "workers", "speed", "fronts"])
    parser.add_argument("--problems")
    parser.add_argument("--samplers", default="")
    parser.add_argument("--into", required=True)
    parser.add_argument("inputs", nargs="+")
    given = parser.parse_args()
    wanted = given.samplers.split(",") if given.samplers else []
    if given.picture == "speed":
        speeds(read(given.inputs), wanted, given.into)
        return
    if given.picture == "fronts":
        fronts(given.inputs[0], wanted, given.into)
        return
    problems = {p["problem"]: p for p in map(json.loads, open(given.problems))}
    runs = read(given.inputs)
    if given.picture == "best":
        runs = [run for run in runs if run["workers"] == 1]
        found = regrets(runs, problems, wanted, lambda run: [(k, k) for k in STEPS if k <= run["trials"]])
        draw(found, problems, wanted, given.into, "trials", range(0, 101, 25), "linear")
    else:
        several = {run["problem"] for run in runs if run["workers"] > 1}
        runs = [run for run in runs if run["problem"] in several]
        found = regrets(runs, problems, wanted, lambda run: [(run["workers"], run["trials"])])
        draw(found, problems, wanted, given.into, "workers", sorted({run["workers"] for run in runs}), "log")
        tell(found, problems, wanted)


if __name__ == "__main__":
    main()
