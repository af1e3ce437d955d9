"""Seeded random questions, with what the reference answers and how closely ours has to agree."""

import math

import numpy as np

import references

EXACT = 1e-9


class Case:
    """`tolerance` is that of the first number, which may be resampled; all others are exact."""

    def __init__(self, function, samples, expected, parameters=None, tolerance=EXACT):
        self.question = {"function": function, "samples": samples, "parameters": parameters or {}}
        self.expected, self.tolerances = expected, [tolerance] + [EXACT] * (len(expected) - 1)

    @classmethod
    def of(cls, function, reference, samples, parameters=None):
        samples = [np.asarray(side, dtype=float).tolist() for side in samples]
        return cls(function, samples, reference(samples, parameters or {}), parameters)

    def as_json(self):
        return {"question": self.question, "expected": self.expected, "tolerances": self.tolerances}


def values(rng, n):
    """Normal, log-normal, bimodal or heavy-tailed: what measurements look like."""
    shape = rng.integers(4)
    if shape == 0:
        return rng.normal(10, 2, n)
    if shape == 1:
        return rng.lognormal(0, 1, n)
    if shape == 2:
        return rng.normal(0, 1, n) + 8 * rng.integers(0, 2, n)
    return rng.standard_t(2, n)


def monte_carlo(p, resamples):
    """Five standard deviations of twice a resampled tail, and the one that (k + 1) / (B + 1) adds."""
    tail = min(p / 2, 0.5)
    return 2 * (5 * math.sqrt(max(tail, 1 / resamples) * (1 - tail) / resamples) + 1 / resamples)


def quantile(rng):
    q = float(rng.choice([0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]))
    parameters = {"quantile": q, "confidence": float(rng.choice([0.9, 0.95, 0.99]))}
    return Case.of("quantile", references.quantile, [values(rng, rng.integers(1, 500))], parameters)


def median(rng):
    return Case.of("median", references.quantile, [values(rng, rng.integers(1, 60))])


def mann_whitney(rng):
    return Case.of("mann-whitney", references.mann_whitney, [values(rng, n) for n in rng.integers(1, 21, 2)])


def mann_whitney_with_ties(rng):
    """Every arrangement is tried to 7 a side."""
    samples = [rng.integers(0, 6, n) + shift for n, shift in zip(rng.integers(3, 8, 2), rng.integers(0, 3, 2))]
    return Case.of("mann-whitney", lambda s, _: references.mann_whitney_with_ties(s, np.inf), samples)


def mann_whitney_with_many_ties(rng):
    samples = [rng.integers(0, 6, n).astype(float) for n in rng.integers(8, 21, 2)]
    resamples = 1999
    expected = references.mann_whitney_with_ties(samples, resamples)
    return Case(
        "mann-whitney", [s.tolist() for s in samples], expected, tolerance=monte_carlo(expected[0], resamples))


def mann_whitney_resampled(rng):
    samples = [values(rng, n).tolist() for n in rng.integers(21, 41, 2)]
    expected = references.mann_whitney(samples, {})
    return Case("mann-whitney", samples, expected, tolerance=monte_carlo(expected[0], 9_999))


def sign_flip(rng):
    return Case.of("sign-flip", references.sign_flip, [values(rng, rng.integers(2, 11)) - rng.integers(0, 10)])


def sign_flip_with_ties(rng):
    return Case.of("sign-flip", references.sign_flip_of_integers, [rng.integers(-3, 6, rng.integers(1, 17))])


def sign_flip_resampled(rng):
    samples = [(rng.integers(-40, 60, rng.integers(17, 60))).astype(float).tolist()]
    expected = references.sign_flip_of_integers(samples, {})
    return Case("sign-flip", samples, expected, tolerance=monte_carlo(expected[0], 9_999))


def hodges_lehmann_paired(rng):
    return Case.of("hodges-lehmann-paired", references.hodges_lehmann_paired, [values(rng, rng.integers(1, 11))])


def hodges_lehmann_unpaired(rng):
    samples = [values(rng, n) for n in rng.integers(1, 21, 2)]
    return Case.of("hodges-lehmann-unpaired", references.hodges_lehmann_unpaired, samples)


def hodges_lehmann_ratio(rng):
    samples = [rng.lognormal(1, 0.5, n) for n in rng.integers(2, 21, 2)]
    return Case.of("hodges-lehmann-ratio", references.hodges_lehmann_ratio, samples)


def holm(rng):
    return Case.of("holm", references.holm, [rng.random(rng.integers(1, 60)) ** 3])


def student_t(rng):
    samples = [rng.standard_t(3, 8) * rng.choice([0.1, 1, 10, 100])]
    return Case.of("student-t", references.student_t, samples, {"degrees": float(rng.integers(1, 200))})


def student_t_quantile(rng):
    parameters = {"degrees": float(rng.integers(1, 200))}
    return Case.of("student-t-quantile", references.student_t_quantile, [rng.uniform(0.5, 0.999, 4)], parameters)


def variance_split(rng):
    repetitions, boots, builds = rng.integers(2, 6, 3)
    spread = rng.lognormal(0, 1, 3)
    centres = 20 + spread[2] * rng.normal(0, 1, (builds, 1)) + spread[1] * rng.normal(0, 1, (builds, boots))
    samples = centres.reshape(-1, 1) + spread[0] * rng.normal(0, 1, (builds * boots, repetitions))
    return Case.of("variance-split", references.variance_split, samples, {"boots": float(boots)})


def shift_function(rng):
    """Values that a histogram holds exactly."""
    boots = rng.integers(6, 12, 2)
    samples = [rng.integers(0, rng.integers(50, 1500), rng.integers(1, 20)) for _ in range(boots.sum())]
    return Case.of("shift-function", references.shift_function, samples, {"boots": float(boots[0])})


def change_points(rng):
    """Steps of 2 % and more at random nights, with noise of 1 %; some series have none."""
    length, level, nights = rng.integers(2, 200), 100.0, []
    while len(nights) < length:
        nights += list(level * rng.normal(1, 0.01, rng.integers(5, 80)))
        level *= 1 + rng.choice([-1, 1]) * rng.uniform(0.02, 0.2)
    parameters = {"window": float(rng.choice([20, 30, 50])), "magnitude": float(rng.choice([0, 0.02, 0.05]))}
    return Case.of("change-points", references.change_points, [nights[:length]], parameters)


def night_alarm(rng):
    nights = 100 + rng.normal(0, 1, rng.integers(2, 60))
    nights[-1] += rng.choice([0, 5, 10])
    return Case.of("night-alarm", references.night_alarm, [nights])


def universal_scalability(rng):
    n = np.repeat(np.arange(1, rng.integers(6, 40)), rng.integers(1, 4)).astype(float)
    gamma, alpha, beta = rng.uniform(10, 1000), rng.uniform(0.01, 0.2), rng.uniform(1e-4, 1e-2)
    throughput = references.usl(n, gamma, alpha, beta) * rng.normal(1, 0.01, len(n))
    return Case.of("universal-scalability", references.universal_scalability, [n, throughput])


# Each kind with how many of its cases are kept as golden vectors.
KINDS = [
    (quantile, 24), (median, 24), (mann_whitney, 24), (mann_whitney_with_ties, 24), (mann_whitney_with_many_ties, 4),
    (mann_whitney_resampled, 4), (sign_flip, 24), (sign_flip_with_ties, 12), (sign_flip_resampled, 4),
    (hodges_lehmann_paired, 24), (hodges_lehmann_unpaired, 24), (hodges_lehmann_ratio, 24), (holm, 24),
    (student_t, 24), (student_t_quantile, 24), (variance_split, 24), (shift_function, 24), (change_points, 24),
    (night_alarm, 24), (universal_scalability, 24),
]
