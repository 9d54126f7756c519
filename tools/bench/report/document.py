# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents that `afbus bench --json` wrote."""
import json

FORMAT = 1


class Document:
    """One run: where, how, and what it found."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.data = json.load(f)
        if not isinstance(self.data, dict) or \
                self.data.get("format") != FORMAT:
            raise ValueError(f"{path}: not a document of afbus bench, "
                             f"format {FORMAT}")
        self.suites = {s["suite"]: s for s in self.data["suites"]}
        self.commits = {self.data["commit"]: list(self.suites)}
        self.titles, self.versions = {}, {}
        for suite in self.data["suites"]:
            for row in suite["rows"]:
                self.titles[row["name"]] = row["title"]
                if row["version"]:
                    self.versions[row["name"]] = row["version"]

    @property
    def machine(self):
        """Documents that have this in common are of one measurement."""
        return [self.data[key] for key in (
            "where", "clock", "kernel_version", "cpu", "processors")]

    def take(self, other):
        """The suites of @other that are not here."""
        new = [name for name in other.suites if name not in self.suites]
        for name in new:
            self.suites[name] = other.suites[name]
        commit = other.data["commit"]
        self.commits.setdefault(commit, []).extend(new)
        self.titles = {**other.titles, **self.titles}
        self.versions = {**other.versions, **self.versions}

    @property
    def commit(self):
        """What was measured; and which of it, if there are several."""
        if len(self.commits) == 1:
            commit = next(iter(self.commits))
            return f"commit {commit}" if commit else "commit not known"
        return "commits " + ", ".join(
            f"{commit or 'not known'} ({', '.join(suites)})"
            for commit, suites in self.commits.items())

    @property
    def instructions(self):
        return self.data["clock"] == "instructions"

    @property
    def in_vm(self):
        return self.data["where"] == "vm"

    @property
    def where(self):
        return "virtual machine" if self.in_vm else "host"

    @property
    def label(self):
        clock = "instructions" if self.instructions else "time"
        return f"{self.where}, {clock}"

    def figure(self, suite, key):
        """{row: {case: value}} of what was measured."""
        for figure in self.suites.get(suite, {}).get("figures", ()):
            if figure["key"] == key:
                return figure["results"]
        return {}

    def headline(self, suite, key):
        for figure in self.suites.get(suite, {}).get("figures", ()):
            if figure["key"] == key:
                return figure["headline"]
        return ""

    def rows(self, suite):
        return [row["name"] for row in self.suites.get(suite, {})
                .get("rows", ())]

    def value(self, suite, key, row, case):
        """The whole value, or None."""
        return self.figure(suite, key).get(row, {}).get(case)

    def median(self, suite, key, row, case):
        value = self.value(suite, key, row, case)
        return value["median"] if value else None

    def title(self, row):
        """With its version where that tells programs apart."""
        version = self.versions.get(row, "")
        if row == "broker-new":
            return f"dbus-broker {version}"
        if row.startswith("dbus-") and version:
            return f"{self.titles[row]} {version}"
        return self.titles.get(row, row)

    def missing(self):
        """(suite, title, why) of all that was to be measured."""
        return [(s["suite"], self.title(row["name"]), row["missing"])
                for s in self.suites.values() for row in s["rows"]
                if row["missing"] and row["missing"] != "not asked for"]


def load(paths):
    """Documents, those of one machine put together: parts may be measured one by
    one."""
    docs = []
    for path in paths:
        doc = Document(path)
        for other in docs:
            if other.machine == doc.machine:
                other.take(doc)
                break
        else:
            docs.append(doc)
    return docs
