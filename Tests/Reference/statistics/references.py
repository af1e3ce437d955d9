"""What SciPy, statsmodels and Apache Otava (the published Hunter) answer to the questions of cases.py.

None stands for a number that does not exist. An interval that inverts a test is found by asking that test on either
side of candidates, never by our own rule."""

import itertools

import numpy as np
import otava.analysis
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

ALPHA = 0.05


def number(value):
    return None if value is None or not np.isfinite(value) else float(value)


def quantile(samples, parameters):
    values, q = np.asarray(samples[0]), parameters.get("quantile", 0.5)
    interval = stats.quantile_test(values, p=q).confidence_interval(parameters.get("confidence", 0.95))
    return [number(np.quantile(values, q)), number(interval.low), number(interval.high)]


def mann_whitney(samples, _):
    result = stats.mannwhitneyu(*samples, method="exact")
    return [number(result.pvalue), number(result.statistic)]


def mann_whitney_with_ties(samples, resamples):
    def rank_sum(a, b, axis=-1):
        return stats.rankdata(np.concatenate([a, b], axis=axis), axis=axis)[..., : np.shape(a)[axis]].sum(axis=axis)

    result = stats.permutation_test(samples, rank_sum, n_resamples=resamples, vectorized=True, rng=1)
    return [number(result.pvalue), number(stats.mannwhitneyu(*samples).statistic)]


def sign_flip(samples, _):
    result = stats.permutation_test(
        (np.asarray(samples[0]),), lambda x, axis=-1: np.sum(x, axis=axis), permutation_type="samples",
        n_resamples=np.inf, vectorized=True)
    return [number(result.pvalue)]


def sign_flip_of_integers(samples, _):
    """The exact distribution of the sum of signed integers, by convolution: for more pairs than can be enumerated."""
    sizes = np.abs(np.asarray(samples[0], dtype=int))
    ways = np.ones(1)
    for size in sizes:
        step = np.zeros(2 * size + 1)
        step[0] += 0.5
        step[-1] += 0.5
        ways = np.convolve(ways, step)
    sums = np.arange(len(ways)) - sizes.sum()
    return [number(ways[np.abs(sums) >= abs(int(sum(samples[0])))].sum())]


def bounds(candidates, p):
    """The lowest and the highest candidate whose inner side is not rejected; p rises to the middle, then falls."""
    candidates = np.unique(candidates)
    slack = 1e-9 * max(1.0, np.ptp(candidates))
    if p(candidates[0] - slack) > ALPHA or p(candidates[-1] + slack) > ALPHA:
        return [None, None]
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if p(candidates[middle] + slack) > ALPHA else (middle + 1, high)
    first, low, high = low, 0, len(candidates) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if p(candidates[middle] - slack) > ALPHA else (low, middle - 1)
    return [number(candidates[first]), number(candidates[low])]


def hodges_lehmann_paired(samples, _):
    values = np.asarray(samples[0])
    n = len(values)
    value = np.median([(values[i] + values[j]) / 2 for i in range(n) for j in range(i, n)])
    subsets = np.array(list(itertools.product([0, 1], repeat=n)))
    signs, filled = 1 - 2 * subsets, subsets[1:]

    def p(centre):
        sums = np.abs(signs @ (values - centre))
        return np.mean(sums >= sums[0] * (1 - 1e-12))

    low, high = bounds(filled @ values / filled.sum(axis=1), p)
    # The estimate belongs to another test: the interval is widened to hold it.
    return [number(value), low if low is None else min(low, value), high if high is None else max(high, value)]


def hodges_lehmann_unpaired(samples, _):
    a, b = map(np.asarray, samples)
    differences = np.subtract.outer(b, a).ravel()
    interval = bounds(differences, lambda shift: stats.mannwhitneyu(a, b - shift, method="exact").pvalue)
    return [number(np.median(differences))] + interval


def hodges_lehmann_ratio(samples, parameters):
    logarithms = hodges_lehmann_unpaired([np.log(side) for side in samples], parameters)
    return [None if value is None else float(np.exp(value)) for value in logarithms]


def holm(samples, _):
    return [float(p) for p in multipletests(samples[0], method="holm")[1]]


def student_t(samples, parameters):
    return [float(2 * stats.t.sf(abs(t), parameters["degrees"])) for t in samples[0]]


def student_t_quantile(samples, parameters):
    return [float(stats.t.interval(confidence, parameters["degrees"])[1]) for confidence in samples[0]]


def variance_split(samples, parameters):
    """From the mean squares of the nested analysis of variance."""
    values = np.asarray(samples).reshape(-1, int(parameters["boots"]), len(samples[0]))
    builds, boots, repetitions = values.shape
    within = values.var(axis=2, ddof=1).mean()
    square_of_boots = repetitions * values.mean(axis=2).var(axis=1, ddof=1).mean()
    square_of_builds = repetitions * boots * values.mean(axis=(1, 2)).var(ddof=1)
    interval = stats.t.interval(0.95, builds - 1, loc=0, scale=stats.sem(values.mean(axis=(1, 2))))
    return [
        number(values.mean()), number(within), number((square_of_boots - within) / repetitions),
        number((square_of_builds - square_of_boots) / (repetitions * boots)), number(interval[1])]


def rank_of_bound(n, m):
    """How many of the n*m differences, none alike, are below the interval that inverts the test."""
    a, b = np.arange(n) * (m + 1.0), np.arange(m) * 1.0
    differences = np.sort(np.subtract.outer(b, a).ravel())
    low = bounds(differences, lambda shift: stats.mannwhitneyu(a, b - shift, method="exact").pvalue)[0]
    return int(np.searchsorted(differences, low - 0.5))


def shift_function(samples, parameters):
    boots = int(parameters["boots"])
    answer = []
    for decile in np.arange(1, 10) / 10:
        def at(values):
            return float(np.quantile(values, decile, method="inverted_cdf"))

        sides = samples[:boots], samples[boots:]
        differences = np.sort(np.subtract.outer([at(b) for b in sides[1]], [at(a) for a in sides[0]]).ravel())
        # Boots may be tied: the interval has the ranks that it has without ties.
        depth = rank_of_bound(*map(len, sides))
        answer += [at(np.concatenate(side)) for side in sides] + [float(np.median(differences))]
        answer += [float(differences[depth]), float(differences[-1 - depth])]
    return answer


class TTest(otava.analysis.TTestSignificanceTester):
    """Otava gives a test that asks for standard deviations with n - 1 those with n (methodology: ddof = 1)."""

    def compare(self, left, right):
        p = stats.ttest_ind(left, right).pvalue if len(left) + len(right) > 2 else 1.0
        return otava.analysis.TTestStats(
            mean_1=np.mean(left), mean_2=np.mean(right), std_1=0.0, std_2=0.0, pvalue=float(p))


def merge(points, series, max_pvalue, min_magnitude):
    """Otava's merge, which after taking a point away looks anew at the two points that follow, not at its two
    neighbours: here at all of them, as the paper has it."""
    tester = TTest(max_pvalue)
    while points:
        removed = max(points, key=lambda point: point.stats.pvalue)
        if removed.stats.pvalue < max_pvalue:
            removed = min(points, key=lambda point: point.stats.change_magnitude())
            if removed.stats.change_magnitude() > min_magnitude:
                break
        points = [point for point in points if point.index != removed.index]
        intervals = tester.get_intervals(points)
        points = [tester.change_point(point.to_candidate(), series, intervals) for point in points]
    return points


otava.analysis.TTestSignificanceTester = TTest
otava.analysis.merge = merge


def change_points(samples, parameters):
    points, _ = otava.analysis.compute_change_points(
        list(samples[0]), window_len=int(parameters["window"]), max_pvalue=0.001,
        min_magnitude=parameters["magnitude"])
    return [float(point.index) for point in points] + [float(point.stats.pvalue) for point in points]


def night_alarm(samples, _):
    nights = np.asarray(samples[0])
    changes = np.abs(np.diff(nights) / nights[:-1])[-31:]
    if len(changes) < 9:
        return [None, None]
    return [float(changes[-1]), float(np.quantile(changes[:-1], 0.75) + 3 * stats.iqr(changes[:-1]))]


def usl(n, gamma, alpha, beta):
    return gamma * n / (1 + alpha * (n - 1) + beta * n * (n - 1))


def slopes_of_usl(n, gamma, alpha, beta):
    below = 1 + alpha * (n - 1) + beta * n * (n - 1)
    slope = -gamma * n / below**2
    return np.stack([n / below, slope * (n - 1), slope * n * (n - 1)], axis=1)


def universal_scalability(samples, _):
    n, throughput = map(np.asarray, samples)
    start = (throughput[0] / n[0], 0.05, 0.001)
    found, covariance = optimize.curve_fit(
        usl, n, throughput, p0=start, jac=slopes_of_usl, method="lm", ftol=1e-15, xtol=1e-15,
        gtol=1e-15, maxfev=100_000)
    # MINPACK stops where the sum of squares no longer falls, which is up to 1e-8 away from where its slope is zero.
    for _ in range(4):
        found = found + np.linalg.lstsq(slopes_of_usl(n, *found), throughput - usl(n, *found), rcond=None)[0]
    half = stats.t.interval(0.95, len(n) - 3)[1] * np.sqrt(np.diag(covariance))
    return [float(x) for value, width in zip(found, half) for x in (value, value - width, value + width)]
