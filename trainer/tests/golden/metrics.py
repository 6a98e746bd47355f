"""Writes metrics.json: predictions, and what scikit-learn says about them.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn
    /tmp/golden/bin/python metrics.py > metrics.json
"""

import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics

warnings.simplefilter("ignore")
random = np.random.default_rng(6)


def classes(name, count, rows, ties=False, absent=False):
    scores = random.normal(size=(rows, count)) * 1.5
    labels = random.integers(0, count, size=rows)
    if absent:
        # Class 0 occurs but is never predicted, the last class is rare.
        scores[:, 0] -= 50.0
        labels[labels == count - 1] = 1
        labels[:2] = count - 1
    scores[np.arange(rows), labels] += 1.0
    if ties:
        scores = np.round(scores)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    every = list(range(count))
    values = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "log_loss": metrics.log_loss(labels, probabilities, labels=every),
    }
    averages = ["micro", "macro", "weighted"] + (["binary"] if count == 2 else [])
    for average in averages:
        suffix = "" if average == "binary" else "_" + average
        for part in ["precision", "recall", "f1"]:
            score = getattr(metrics, part + "_score")
            values[part + suffix] = score(labels, predicted, average=average, zero_division=0)
    if count == 2:
        values["roc_auc"] = metrics.roc_auc_score(labels, probabilities[:, 1])
        values["pr_auc"] = metrics.average_precision_score(labels, probabilities[:, 1])
    else:
        values["roc_auc"] = metrics.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
        values["pr_auc"] = metrics.average_precision_score(np.eye(count)[labels], probabilities, average="macro")
        for k in [1, 2, count - 1]:
            values[f"top_{k}"] = metrics.top_k_accuracy_score(labels, probabilities, k=k, labels=every)
    return {
        "name": name,
        "classes": count,
        "probabilities": probabilities.ravel().tolist(),
        "labels": labels.tolist(),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=every).ravel().tolist(),
        "values": values,
    }


def numbers(name, actual, predicted):
    return {
        "name": name,
        "actual": actual.tolist(),
        "predicted": predicted.tolist(),
        "values": {
            "mse": metrics.mean_squared_error(actual, predicted),
            "rmse": metrics.root_mean_squared_error(actual, predicted),
            "mae": metrics.mean_absolute_error(actual, predicted),
            "r2": metrics.r2_score(actual, predicted),
        },
    }


actual = random.normal(size=40) * 100 + 1000
json.dump(
    {
        "scikit-learn": sklearn.__version__,
        "classification": [
            classes("two classes", 2, 60),
            classes("two classes, ties", 2, 50, ties=True),
            classes("three classes", 3, 60),
            classes("ten classes, ties", 10, 60, ties=True),
            classes("four classes, one never predicted, one rare", 4, 50, absent=True),
        ],
        "regression": [
            numbers("good", actual, actual + random.normal(size=40) * 5),
            numbers("worse than the mean", actual, random.normal(size=40)),
            numbers("all alike", np.full(5, 3.0), np.array([3.0, 3.0, 3.5, 3.0, 2.0])),
            numbers("all alike and right", np.full(5, 3.0), np.full(5, 3.0)),
        ],
    },
    sys.stdout,
    indent=1,
)
