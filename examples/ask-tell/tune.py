"""Tunes a function with `trimtab ask-tell`, without a package: python3 tune.py [trimtab [option ...]]"""
import json
import subprocess
import sys
from pathlib import Path

from objective import loss


class Study:
    """A Study whose runs are done here."""

    def __init__(self, file, program="trimtab", *options):
        command = [program, "ask-tell", file, *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.hello = self.read()

    def read(self):
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else sys.exit("trimtab has said why it ended")
        if answer["answer"] == "error":
            raise ValueError(f"{answer['field']}: {answer['message']}")
        return answer

    def say(self, request, **fields):
        print(json.dumps({"request": request, **fields}), file=self.process.stdin, flush=True)
        return self.read()


study = Study(Path(__file__).with_name("study.yaml"), *sys.argv[1:])
while (run := study.say("ask"))["answer"] == "run":
    for epoch in range(run["from"] + 1, run["to"] + 1):
        value = loss(epoch, **run["parameters"])
        if study.say("report", trial=run["trial"], fidelity=epoch, value=value)["stop"]:
            break
    study.say("tell", trial=run["trial"])
print(json.dumps(study.say("best")))
