"""Asks `statistics-answers` what it says to seeded random cases, and compares that with SciPy, statsmodels and Otava.

    check.py PROGRAM [--cases N] [--seed N] [--write VECTORS]

Prints a line for every kind of case and every kind of null hypothesis; ends with 1 where one differs."""

import argparse
import json
import subprocess
import sys

import numpy as np

import cases
import nulls


def ask(program, questions):
    text = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run([program], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return [json.loads(line) for line in done.stdout.splitlines()]


def difference(found, wanted):
    """Relative to values above one; infinite where a number is on one side only."""
    if found is None or wanted is None:
        return 0.0 if found is wanted else np.inf
    return abs(found - wanted) / max(1, abs(wanted))


def differences(case, answer):
    if len(answer) != len(case.expected):
        return [np.inf]
    return [difference(found, wanted) for found, wanted in zip(answer, case.expected)]


def check(program, kind, made):
    answers = ask(program, [case.question for case in made])
    found = [differences(case, answer) for case, answer in zip(made, answers)]
    bad = [
        i for i, case in enumerate(made)
        if not np.all(np.array(found[i]) <= np.resize(case.tolerances, len(found[i])))]
    largest = max(max(row, default=0.0) for row in found)
    print(f"{kind:32} {len(made):6} cases  largest difference {largest:9.2e}  beyond tolerance {len(bad)}")
    for i in bad[:3]:
        print(f"  {json.dumps(made[i].as_json())}\n  answer {answers[i]}")
    return not bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write")
    options = parser.parse_args()
    vectors, fine = [], True
    for index, (kind, kept) in enumerate(cases.KINDS):
        rng = np.random.default_rng([options.seed, index])
        made = [kind(rng) for _ in range(options.cases)]
        fine &= check(options.program, kind.__name__, made)
        # The short ones: they are for people to read, too.
        vectors += [v for v in (json.dumps(case.as_json()) for case in made) if len(v) < 2500][:kept]
    for row in nulls.rows(options.seed, lambda questions: ask(options.program, questions)):
        print(row.text)
        fine &= row.is_within
    if options.write:
        with open(options.write, "w") as file:
            file.write("[\n" + ",\n".join(vectors) + "\n]\n")
    sys.exit(0 if fine else 1)


main()
