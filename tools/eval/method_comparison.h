// How two methods that measure the same quantity agree, from pairs of measurements (x by the reference, y by the other).
#pragma once

#include <span>

#include "tools/eval/bootstrap.h"

namespace giemsa::eval {

/// y = intercept + slope * x by Passing and Bablok's regression, which takes errors in both measurements and outliers
/// (Passing and Bablok 1983, J. Clin. Chem. Clin. Biochem. 21, 709), with 95 % intervals. All are undefined for fewer than
/// three pairs, or where no slope is: all x alike.
struct PassingBablok {
  double slope = undefined, intercept = undefined;
  Interval slope_interval, intercept_interval;
};
PassingBablok passing_bablok(std::span<const double> x, std::span<const double> y);

/// The differences y - x (Bland and Altman 1999, Stat. Methods Med. Res. 8, 135): their mean with its 95 % interval by
/// Student's t, their standard deviation, and the limits between which 95 % of the differences are to be expected, mean
/// -+ 1.96 deviations. Undefined for fewer than two pairs.
struct BlandAltman {
  double bias = undefined, deviation = undefined;
  Interval bias_interval, limits;
};
BlandAltman bland_altman(std::span<const double> x, std::span<const double> y);

/// The value that Student's t with so many degrees of freedom stays below with probability p, 0.5 <= p < 1.
double student_t_quantile(double p, double degrees);

}  // namespace giemsa::eval
