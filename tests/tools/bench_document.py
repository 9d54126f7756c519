# SPDX-License-Identifier: LGPL-2.1-or-later
"""What afbus bench --json wrote, looked at: load(FILE) checks its shape and
returns {suite: {figure: {row: {case: median}}}}."""
import json


def check_value(value):
    assert sorted(value) == ["high", "low", "median", "n"], value
    assert value["n"] > 0, value
    assert value["low"] <= value["median"] <= value["high"], value


def check_suite(suite):
    rows = [row["name"] for row in suite["rows"]]
    for figure in suite["figures"]:
        assert figure["unit"] and figure["headline"], figure
        for row, cases in figure["results"].items():
            assert row in rows and cases, row
            for case, value in cases.items():
                assert case in suite["cases"], case
                check_value(value)
                assert value["n"] <= suite["rounds"], value


def load(path):
    with open(path, encoding="utf-8") as f:
        document = json.load(f)
    assert document["format"] == 1, document
    for key in "afbus", "date", "kernel", "kernel_version":
        assert document[key], key
    assert document["where"] in ("host", "vm")
    assert document["clock"] in ("time", "instructions")
    assert document["processors"] > 0
    found = {}
    for suite in document["suites"]:
        check_suite(suite)
        assert suite["suite"] not in found, "twice: " + suite["suite"]
        found[suite["suite"]] = {
            figure["key"]: {
                row: {case: value["median"] for case, value in cases.items()}
                for row, cases in figure["results"].items()}
            for figure in suite["figures"]}
    return found
