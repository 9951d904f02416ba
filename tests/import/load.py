"""Loads components as AutoGen itself does: each argument is a file. Prints the class of each."""

import json
import os
import sys

os.environ.setdefault("OPENAI_API_KEY", "not-a-key")

from autogen_agentchat.base import Team  # noqa: E402

for path in sys.argv[1:]:
    with open(path) as file:
        print(type(Team.load_component(json.load(file))).__name__)
