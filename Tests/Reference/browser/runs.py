"""Runs for the browser to look at, made from the run that the report's other tests use."""

import copy


def wide(run):
    """Several suites, and working sets of several sizes: every section and control of the page."""
    run = copy.deepcopy(run)
    pair = [c for c in run["cells"] if c["workload"] == "disk.randread.4k.qd1"]
    comparisons = [c for c in run["comparisons"] if c["workload"] == "disk.randread.4k.qd1"]
    for suite, workload in [
        ("network", "network.roundtrip.64b.qd1"),
        ("exits", "exits.pio.out"),
        ("exits", "exits.hypercall"),
        *(("memory", f"memory.chase.{size}") for size in ["16k", "256k", "4m", "64m"]),
    ]:
        add(run, pair, comparisons, suite, workload)
    return run


def large(run, cells=500, repetitions=20):
    """As many cells and repetitions as the report must bear."""
    run = copy.deepcopy(run)
    pair = run["cells"][:2]
    comparisons = [c for c in run["comparisons"] if c["workload"] == pair[0]["workload"]]
    for cell in pair:
        known = cell["repetitions"]
        cell["repetitions"] = [dict(known[k % len(known)], index=k, order=k) for k in range(repetitions)]
    run["cells"], run["comparisons"] = [], []
    suites = ["disk", "network", "cpu", "memory", "exits"]
    for k in range(cells // 2):
        add(run, pair, comparisons, suites[k % 5], f"{suites[k % 5]}.kernel{k}.4k.qd1")
    return run


def add(run, cells, comparisons, suite, workload):
    run["cells"] += [dict(copy.deepcopy(c), suite=suite, workload=workload) for c in cells]
    run["comparisons"] += [dict(c, suite=suite, workload=workload) for c in comparisons]
