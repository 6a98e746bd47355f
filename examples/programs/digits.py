"""Trains a classifier on scikit-learn's digits and prints how well it does on what it has not seen.

It knows nothing of Trimtab: python3 digits.py --kernel rbf --c 10 --gamma 0.001
"""
import argparse

from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

parser = argparse.ArgumentParser()
parser.add_argument("--kernel", choices=["rbf", "poly"], default="rbf")
parser.add_argument("--c", type=float, default=1.0)
parser.add_argument("--gamma", type=float, default=0.01)
parser.add_argument("--degree", type=int, default=3)
options = parser.parse_args()

images, digits = load_digits(return_X_y=True)
model = SVC(kernel=options.kernel, C=options.c, gamma=options.gamma, degree=options.degree)
scores = cross_val_score(make_pipeline(StandardScaler(), model), images, digits, cv=3)
print(f"accuracy: {scores.mean():.4f}")
