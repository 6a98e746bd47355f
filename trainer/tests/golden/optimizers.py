"""Steps of PyTorch's optimizers, which `src/optimization/tests.rs` compares with: prints optimizers.json.

    python optimizers.py > optimizers.json    (needs torch; written with 2.15.0)

Weights and gradients are the numbers of formulas that the test has too, so that no random numbers are exchanged.
"""

import json
import math

import torch

SIZES = [15, 5, 10, 2]
RATE, STEPS = 0.03, 7


def case(method, momentum=0.0, weight_decay=0.0, decoupled=False, l1=0.0, clip_norm=None, clip_value=None):
    weights = [
        torch.nn.Parameter(torch.tensor([0.5 * math.cos(0.3 * place + 1.0) for place in range(size)], dtype=torch.float64))
        for size in SIZES
    ]
    penalty = 0.0 if decoupled else weight_decay
    optimizer = {
        "sgd": lambda: torch.optim.SGD(weights, RATE, momentum, weight_decay=penalty),
        "nesterov": lambda: torch.optim.SGD(weights, RATE, momentum, weight_decay=penalty, nesterov=True),
        "adam": lambda: torch.optim.Adam(weights, RATE, weight_decay=penalty),
        "adamw": lambda: torch.optim.AdamW(weights, RATE, weight_decay=weight_decay),
        "rmsprop": lambda: torch.optim.RMSprop(weights, RATE, momentum=momentum, weight_decay=penalty),
    }[method]()
    for step in range(STEPS):
        for weight in weights:
            gradient = torch.tensor([math.sin(0.7 * place + step) for place in range(len(weight))], dtype=torch.float64)
            weight.grad = gradient + l1 * weight.detach().sign()
        if clip_value is not None:
            torch.nn.utils.clip_grad_value_(weights, clip_value)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(weights, clip_norm)
        optimizer.step()
    return {
        "method": method,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "decoupled": decoupled,
        "l1": l1,
        "clip_norm": clip_norm,
        "clip_value": clip_value,
        "weights": [round(value, 9) for weight in weights for value in weight.tolist()],
    }


cases = [
    case("sgd"),
    case("sgd", momentum=0.9, weight_decay=0.1),
    case("nesterov", momentum=0.8, weight_decay=0.1),
    case("adam"),
    case("adam", weight_decay=0.1),
    case("adamw", weight_decay=0.5, decoupled=True),
    case("rmsprop"),
    case("rmsprop", momentum=0.5, weight_decay=0.1),
    case("sgd", momentum=0.9, l1=0.2),
    case("sgd", clip_norm=1.5),
    case("sgd", clip_norm=1000.0),
    case("adam", clip_value=0.4),
    case("sgd", l1=0.1, clip_norm=2.0, clip_value=0.7),
]
print("[\n" + ",\n".join(json.dumps(each) for each in cases) + "\n]")
