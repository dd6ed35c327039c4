"""One-way analysis of variance, and what it needs of the F distribution. Free of torch, NumPy and SciPy."""

import math
from typing import NamedTuple


class Anova(NamedTuple):
    between: float  # sums of squares
    within: float
    groups_freedom: int
    residual_freedom: int
    f: float
    p: float  # probability of such an F, or a larger one, if all groups had the same mean


def one_way(groups):
    """Of lists of numbers. Needs two groups and, in all, more numbers than groups."""
    groups = [list(group) for group in groups]
    count = sum(map(len, groups))
    if len(groups) < 2 or count <= len(groups) or not all(groups):
        raise ValueError("needs two groups, none of them empty, and more numbers than groups")
    mean = math.fsum(x for group in groups for x in group) / count
    means = [math.fsum(group) / len(group) for group in groups]
    between = math.fsum(len(group) * (m - mean) ** 2 for group, m in zip(groups, means))
    within = math.fsum((x - m) ** 2 for group, m in zip(groups, means) for x in group)
    groups_freedom, residual_freedom = len(groups) - 1, count - len(groups)
    if within == 0:
        return Anova(
            between,
            within,
            groups_freedom,
            residual_freedom,
            math.inf if between else math.nan,
            0.0 if between else math.nan,
        )
    f = (between / groups_freedom) / (within / residual_freedom)
    return Anova(between, within, groups_freedom, residual_freedom, f, f_survival(f, groups_freedom, residual_freedom))


def f_survival(f, d1, d2):
    """P(F >= f) with d1 and d2 degrees of freedom."""
    return incomplete_beta(d2 / 2, d1 / 2, d2 / (d2 + d1 * f))


def incomplete_beta(a, b, x):
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast below the mean
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    return front / a * continued_fraction(a, b, x)


def continued_fraction(a, b, x):
    """1 / (1 + d1 / (1 + d2 / ...)) of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    tiny = 1e-300
    fraction, c, d = tiny, tiny, 0.0
    for i in range(1000):
        m = i // 2
        if i == 0:
            term = 1.0
        elif i % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d or tiny)
        c = 1 + term / c or tiny
        fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            return fraction
    raise ArithmeticError("the continued fraction does not converge")
