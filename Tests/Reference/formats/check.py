"""Holds every report format against a reader that pvbench's authors did not write, and all of them against each other.

usage: check.py PVBENCH RUN.JSON JUNIT.XSD

The run is rendered twice: as it is, and with hostile text wherever words come from outside.
"""

import csv
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from bs4 import BeautifulSoup
from google.protobuf import json_format
from markdown_it import MarkdownIt
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

FORMATS = "html,csv,json,markdown,junit,openmetrics,otlp"
HOSTILE = "<script>alert(1)</script>\"'|`*\n\n# x\r\n=cmd|'/C calc'!A0,]]>&amp;{}\\ \u0007 {{{style}}}"
PAIR = "full:paravirt"


def main(program, run, schema):
    original = json.loads(pathlib.Path(run).read_text())
    with tempfile.TemporaryDirectory() as folder:
        plain = render(program, original, pathlib.Path(folder) / "plain")
        hostile = render(program, hostile_run(original), pathlib.Path(folder) / "hostile")
        for name, files in [("plain", plain), ("hostile", hostile)]:
            accepted(files, schema)
            print(f"{name}: promtool, xmllint, protobuf accept")
        same_numbers(original, plain)
        same_shape(plain, hostile)


def render(program, run, folder):
    """The files of a run in every format, by name."""
    stored = folder / "run"
    stored.mkdir(parents=True)
    (stored / "run.json").write_text(json.dumps(run))
    subprocess.run(
        [program, "report", stored, "--format", FORMATS, "--out", folder / "out"], check=True, stdout=subprocess.DEVNULL
    )
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def hostile_run(run):
    """The run with text that is no text of ours."""
    run = json.loads(json.dumps(run))
    for key in ["id", "version"]:
        run[key] = HOSTILE
    run["command"] = [HOSTILE]
    run["host"].update(kernel=HOSTILE, name=HOSTILE, fingerprint=HOSTILE, warnings=[HOSTILE])
    run["host"]["kvm"]["vendor"] = run["host"]["cpu"]["model"] = HOSTILE
    for cell in run["cells"]:
        cell["choices"] = {HOSTILE: HOSTILE}
        for repetition in cell["repetitions"]:
            repetition["notes"] = [HOSTILE]
            if repetition["status"] != "ok":
                repetition["reason"] = HOSTILE
    for comparison in run["comparisons"]:
        comparison["reason"] = HOSTILE
    return run


# Accepted by others


def accepted(files, schema):
    program("promtool", ["promtool", "check", "metrics"], files["pvbench.prom"])
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(files["junit.xml"])
        file.flush()
        program("xmllint", ["xmllint", "--noout", "--schema", schema, file.name])
    for line in files["otlp.jsonl"].splitlines():
        json_format.Parse(line, ExportMetricsServiceRequest())


def program(name, command, data=None):
    done = subprocess.run(command, input=data, capture_output=True)
    if done.returncode != 0 or (name == "promtool" and done.stderr):
        sys.exit(f"{name} refuses: {(done.stdout + done.stderr).decode()}")


# The same numbers everywhere


def same_numbers(run, files):
    exact = {
        (c["workload"], c["metric"]): (c["ratio"], c["ratio_low"], c["ratio_high"])
        for c in run["comparisons"]
        if c["mode"] == PAIR and c["ratio"] is not None
    }
    primary = {cell["workload"]: cell["primary"] for cell in run["cells"]}
    wanted = {w: exact[(w, m)] for w, m in primary.items() if (w, m) in exact}
    check("summary.csv", summary_ratios(files["summary.csv"], primary), wanted)
    check("pvbench.prom", prometheus_ratios(files["pvbench.prom"], primary), wanted)
    page = BeautifulSoup(files["report.html"], "html.parser")
    check("report.html, exactly", page_ratios(page), wanted)

    shown = {workload: shown_ratio(page, workload) for workload in wanted}
    check("report.md, as the page shows them", markdown_ratios(files["report.md"], len(wanted)), list(shown.values()))
    for workload, words in shown.items():
        for text, value in zip(words, wanted[workload]):
            if abs(float(text) - value) > 0.00501 * abs(value):
                sys.exit(f"report.html: {workload} shows {text} for {value}")
    same_medians(files, page)


def same_medians(files, page):
    """Every median of the page's tables, of Prometheus, and of the samples in both their forms, against summary.csv."""
    rows = list(csv.DictReader(io.StringIO(files["summary.csv"].decode(), newline="")))
    medians = {(r["workload"], r["mode"], r["metric"]): float(r["median"]) for r in rows if r["median"]}
    samples = {}
    for row in csv.DictReader(io.StringIO(files["samples.csv"].decode(), newline="")):
        if row["status"] == "ok":
            samples.setdefault((row["workload"], row["mode"], row["metric"]), []).append(float(row["value"]))
    check("medians of samples.csv", {key: median(values) for key, values in samples.items()}, medians)
    points = {}
    for line in files["otlp.jsonl"].splitlines():
        for metric in json.loads(line)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
            for point in metric["gauge"]["dataPoints"]:
                words = {a["key"]: a["value"].get("stringValue") for a in point["attributes"]}
                key = (words["workload"], words["mode"], metric["name"].removeprefix("pvbench."))
                points.setdefault(key, []).append(point["asDouble"])
    check("otlp.jsonl", points, samples)
    shown = {
        (row.find_parent("article")["id"], cell["data-label"], row["data-metric"]): float(cell.b["data-value"])
        for row in page.select("article tr[data-metric]")
        for cell in row.select("td")
        if cell.b and cell.b.has_attr("data-value")
    }
    if not shown:
        sys.exit("report.html: no median")
    check("medians of report.html", shown, {key: medians[key] for key in shown})


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def summary_ratios(data, primary):
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return {
        r["workload"]: tuple(float(r[k]) for k in ["ratio", "ratio_low", "ratio_high"])
        for r in rows
        if r["mode"] == PAIR and r["ratio"] and primary[r["workload"]] == r["metric"]
    }


def prometheus_ratios(data, primary):
    found = {}
    for line in data.decode().splitlines():
        match = re.fullmatch(r"pvbench_ratio\{(.*)\} (\S+)", line)
        if not match:
            continue
        labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[1]))
        if labels["modes"] == PAIR and primary[labels["workload"]] == labels["metric"]:
            found.setdefault(labels["workload"], {})[labels["estimate"]] = float(match[2])
    return {w: (v["ratio"], v["ci_low"], v["ci_high"]) for w, v in found.items()}


def page_ratios(page):
    return {
        span["data-workload"]: tuple(float(span[k]) for k in ["data-ratio", "data-ratio-low", "data-ratio-high"])
        for span in page.select("#ratios [data-workload]")
    }


def numbers(text):
    return re.findall(r"\d+(?:\.\d+)?(?:e[+-]\d+)?", text.replace("\u202f", ""))


def shown_ratio(page, workload):
    return numbers(page.select_one(f'#ratios [data-workload="{workload}"]').get_text())


def markdown_ratios(data, count):
    tables = BeautifulSoup(MarkdownIt("gfm-like", {"linkify": False}).render(data.decode()), "html.parser")
    rows = tables.find("table").find("tbody").find_all("tr")
    found = [numbers(row.find_all("td")[5].get_text()) for row in rows]
    return [ratio for ratio in found if ratio][:count]


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found} is not {wanted}")
    print(f"{what}: {len(wanted)} equal")


# Text stays text


def same_shape(plain, hostile):
    for name in ["report.html", "report.md"]:
        trees = []
        for files in [plain, hostile]:
            text = files[name].decode()
            if name == "report.md":
                text = MarkdownIt("gfm-like", {"linkify": False}).render(text)
            trees.append([tag.name for tag in BeautifulSoup(text, "html.parser").find_all(True)])
        # A line of facts more or less is no markup: the hostile run has the same number of all.
        extra = set(trees[1]) - set(trees[0])
        if extra or any(trees[1].count(tag) != trees[0].count(tag) for tag in ["script", "table", "svg", "section"]):
            sys.exit(f"{name}: hostile text became markup: {extra}")
        print(f"{name}: hostile text stays text")
    for name in (n for n in plain if n.endswith(".csv")):
        for row in csv.reader(io.StringIO(hostile[name].decode(), newline="")):
            if any(f[:1] in ("=", "@", "\t") for f in row):
                sys.exit(f"{name}: a formula: {row}")
        lengths = [[len(r) for r in csv.reader(io.StringIO(f[name].decode(), newline=""))] for f in (plain, hostile)]
        if lengths[0] != lengths[1]:
            sys.exit(f"{name}: hostile text added a field or a row")
        print(f"{name}: hostile text stays text")


main(*sys.argv[1:])
