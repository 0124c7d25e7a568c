# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The text exposition format, read without the help of what wrote it."""

import re

_SAMPLE = re.compile(r"^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (\S+))?$")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)",?')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def sample(name, **labels):
    """How this suite writes a sample: its name, its labels in alphabetical order, bounds as plain numbers."""
    if "le" in labels:
        labels["le"] = f"{float(labels['le']):.12g}"
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


class Scrape:
    """The samples of one answer of /metrics. Lines are read when they are asked for: most never are."""

    def __init__(self, text):
        self.text = text
        self._lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    @property
    def types(self):
        """{family: type} of every TYPE line."""
        return dict(line.split(" ", 3)[2:] for line in self.text.splitlines() if line.startswith("# TYPE "))

    def samples(self, name=None, **labels):
        """{(name, labels): value} of every sample of that name which has these labels."""
        wanted = set(labels.items())
        hints = [f'="{value}"' for value in labels.values()]
        found = {}
        for line in self._lines:
            if (name and not line.startswith(name)) or not all(hint in line for hint in hints):
                continue
            (sample_name, own), value = _read(line)
            if (name and sample_name != name) or not wanted <= set(own):
                continue
            if (sample_name, own) in found:
                raise ValueError(f"sample twice: {line!r}")
            found[sample_name, own] = value
        return found

    def value(self, name, **labels):
        """The value of this one sample, None if it is absent."""
        return self.samples(name, **labels).get((name, tuple(sorted(labels.items()))))

    def select(self, name, **labels):
        """{labels: value} of every sample of that name which has these labels."""
        return {own: value for (_, own), value in self.samples(name, **labels).items()}

    def total(self, name, **labels):
        return sum(self.samples(name, **labels).values())

    def labels(self, name, label):
        """The values that a label has in samples of that name."""
        return {dict(own).get(label) for own in self.select(name)}

    def side(self, service, role):
        """{sample without service and role: value} of every sample of one service in one role."""
        both = {("service", service), ("role", role)}
        return {
            sample(name, **dict(set(own) - both)): value
            for (name, own), value in self.samples(service=service, role=role).items()
        }


def _read(line):
    """((name, labels), value) of one line."""
    match = _SAMPLE.match(line)
    if not match:
        raise ValueError(f"not a sample: {line!r}")
    labels = {}
    at = 0
    inside = match.group(2) or ""
    while at < len(inside):
        label = _LABEL.match(inside, at)
        if not label:
            raise ValueError(f"labels of {line!r}")
        labels[label.group(1)] = re.sub(r"\\.", lambda escape: _ESCAPES[escape.group()], label.group(2))
        at = label.end()
    return (match.group(1), tuple(sorted(labels.items()))), float(match.group(3))
