"""What is tuned: a function for tune.py, and by itself a trial that prints what it has reached."""
import os
from math import log10


def loss(epoch, x, width, shape):
    """The loss after so many epochs."""
    distance = (x - 1) ** 2 + log10(width) ** 2
    return (distance if shape == "round" else distance**0.5) + 1 / epoch


if __name__ == "__main__":
    value = {name: os.environ[f"PARAM_{name.upper()}"] for name in ("x", "width", "shape")}
    for epoch in range(int(os.environ["TRIMTAB_FIDELITY_REACHED"]) + 1, int(os.environ["TRIMTAB_FIDELITY"]) + 1):
        print(f"epoch={epoch} loss={loss(epoch, float(value['x']), float(value['width']), value['shape'])!r}")
