"""The same training in PyTorch: prints the lines that trimtab-trainer prints, so that both are read alike.

The pictures lie in memory as numbers, already scaled, and a batch is picked from them by index: there is no data loader to wait for.
"""

import argparse
import gzip
import pathlib
import time

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
parser.add_argument("--model", default="mlp")
parser.add_argument("--widths", default="128,128")
parser.add_argument("--channels", default="32,64")
parser.add_argument("--optimizer", default="adam")
parser.add_argument("--learning-rate", type=float, default=0.001)
parser.add_argument("--schedule", default="constant")
parser.add_argument("--momentum", type=float, default=0.9)
parser.add_argument("--dropout", type=float, default=0.0)
parser.add_argument("--block-dropout", type=float, default=0.0)
parser.add_argument("--batch-norm", choices=("on", "off"), default="off")
parser.add_argument("--batch-size", type=int, default=128)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--validation", type=int, default=10000)
parser.add_argument("--train-limit", type=int, default=60000)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(options.seed)


def read(name, offset):
    path = pathlib.Path(options.data) / f"{name}.gz"
    return torch.frombuffer(bytearray(gzip.decompress(path.read_bytes())[offset:]), dtype=torch.uint8)


def network():
    widths = [int(width) for width in options.widths.split(",") if width]
    normal = options.batch_norm == "on"
    layers, inputs = [], 784
    if options.model == "cnn":
        layers.append(nn.Unflatten(1, (1, 28, 28)))
        before, side = 1, 28
        for channels in map(int, options.channels.split(",")):
            layers.append(nn.Conv2d(before, channels, 3, padding=1))
            if normal:
                layers.append(nn.BatchNorm2d(channels))
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
            if options.block_dropout:
                layers.append(nn.Dropout(options.block_dropout))
            before, side = channels, side // 2
        layers.append(nn.Flatten())
        inputs = before * side * side
    for width in widths:
        layers.append(nn.Linear(inputs, width))
        if normal:
            layers.append(nn.BatchNorm1d(width))
        layers.append(nn.ReLU())
        if options.dropout:
            layers.append(nn.Dropout(options.dropout))
        inputs = width
    made = nn.Sequential(*layers, nn.Linear(inputs, 10))
    for layer in made:
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return made


images = read("train-images-idx3-ubyte", 16).view(-1, 784)
labels = read("train-labels-idx1-ubyte", 8).long()
order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
held_out, train = order[: options.validation], order[options.validation :][: options.train_limit]
scale = images[train].float()
mean, deviation = scale.mean(), scale.std()
scale = None
images = images.float().sub_(mean).div_(deviation)

model = network()
if options.optimizer == "adam":
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
else:
    optimizer = torch.optim.SGD(model.parameters(), lr=options.learning_rate, momentum=options.momentum)
steps = options.epochs * -(-len(train) // options.batch_size)
schedule = None
if options.schedule == "cosine":
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
measure = nn.CrossEntropyLoss()
for epoch in range(1, options.epochs + 1):
    began = time.perf_counter()
    model.train()
    total = 0.0
    for rows in train[torch.randperm(len(train))].split(options.batch_size):
        optimizer.zero_grad()
        loss = measure(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        if schedule:
            schedule.step()
        total += loss.item() * len(rows)
    model.eval()
    right = 0
    with torch.no_grad():
        for rows in held_out.split(1000):
            right += (model(images[rows]).argmax(1) == labels[rows]).sum().item()
    seconds = time.perf_counter() - began
    print(f"epoch={epoch} loss={total / len(train):.6f} val_accuracy={right / len(held_out):.6f} seconds={seconds:.3f}", flush=True)

test, truth = read("t10k-images-idx3-ubyte", 16).view(-1, 784), read("t10k-labels-idx1-ubyte", 8).long()
with torch.no_grad():
    right = sum(
        (model(rows.float().sub(mean).div(deviation)).argmax(1) == labels).sum().item()
        for rows, labels in zip(test.split(1000), truth.split(1000))
    )
print(f"test_accuracy={right / len(truth):.6f}")
