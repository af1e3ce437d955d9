"""How often the tests find a difference where there is none, for the shapes that measurements have."""

import math

import numpy as np

ALPHA, COMPARISONS, SIDE = 0.05, 10_000, 10

SHAPES = {
    "normal": lambda rng: rng.normal(10, 1, (2, SIDE)),
    "log-normal": lambda rng: rng.lognormal(0, 1, (2, SIDE)),
    "bimodal": lambda rng: rng.normal(0, 1, (2, SIDE)) + 8 * rng.integers(0, 2, (2, SIDE)),
    "heavily tied": lambda rng: rng.integers(0, 3, (2, SIDE)).astype(float),
}


class Row:
    def __init__(self, test, shape, p_values):
        found = float(np.mean(np.asarray(p_values) <= ALPHA))
        limit = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / len(p_values))
        self.is_within = found <= limit
        self.text = f"{test + ', ' + shape:32} {len(p_values):6} nulls  found {found:.4f}  limit {limit:.4f}"


def rows(seed, ask):
    for index, (shape, draw) in enumerate(SHAPES.items()):
        rng = np.random.default_rng([seed, 1000 + index])
        pairs = [draw(rng) for _ in range(COMPARISONS)]
        independent = [{"function": "mann-whitney", "samples": pair.tolist()} for pair in pairs]
        yield Row("mann-whitney", shape, [answer[0] for answer in ask(independent)])
        paired = [{"function": "sign-flip", "samples": [(pair[1] - pair[0]).tolist()]} for pair in pairs]
        yield Row("sign-flip", shape, [answer[0] for answer in ask(paired)])
