// Agreement of two methods, held to SciPy 1.17's figures and to plain loops over Passing and Bablok's definition in NumPy.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "tests/engine/error_text.h"
#include "tools/eval/differential_comparison.h"
#include "tools/text/text.h"

using namespace giemsa;
using namespace giemsa::eval;
using doctest::Approx;

namespace {

const std::vector<double> x{62, 55, 48, 71, 60, 39, 66, 58, 44, 52, 69, 57};
const std::vector<double> y{60, 57, 45, 72, 58, 43, 66, 55, 47, 50, 70, 61};

}  // namespace

TEST_CASE("quantiles of Student's t are SciPy's") {
  CHECK(student_t_quantile(0.975, 1) == Approx(12.706204736174694).epsilon(1e-12));
  CHECK(student_t_quantile(0.975, 2) == Approx(4.302652729749462).epsilon(1e-12));
  CHECK(student_t_quantile(0.9, 5) == Approx(1.4758840488244815).epsilon(1e-12));
  CHECK(student_t_quantile(0.975, 29) == Approx(2.045229642132703).epsilon(1e-12));
  CHECK(student_t_quantile(0.975, 1000) == Approx(1.9623390808264083).epsilon(1e-12));
}

TEST_CASE("Bland and Altman's limits are SciPy's") {
  const BlandAltman result = bland_altman(x, y);
  CHECK(result.bias == 0.25);
  CHECK(result.deviation == Approx(2.6328346286499236).epsilon(1e-12));
  CHECK(result.bias_interval.low == Approx(-1.4228233147985827).epsilon(1e-12));
  CHECK(result.bias_interval.high == Approx(1.9228233147985827).epsilon(1e-12));
  CHECK(result.limits.low == Approx(-4.910261049403737).epsilon(1e-12));
  CHECK(result.limits.high == Approx(5.410261049403737).epsilon(1e-12));
  CHECK(std::isnan(bland_altman(std::span(x).first(1), std::span(y).first(1)).bias));
}

TEST_CASE("Passing and Bablok's regression is what its definition gives") {
  const PassingBablok result = passing_bablok(x, y);
  CHECK(result.slope == 1);
  CHECK(result.intercept == 0.5);
  CHECK(result.slope_interval.low == Approx(0.8));
  CHECK(result.slope_interval.high == Approx(1.25));
  CHECK(result.intercept_interval.low == Approx(-15.625));
  CHECK(result.intercept_interval.high == Approx(11.8));
}

TEST_CASE("Passing and Bablok's regression finds a line, whichever method is called x") {
  std::vector<double> line;
  for (const double value : x) line.push_back(3 + 0.5 * value);
  const PassingBablok there = passing_bablok(x, line), back = passing_bablok(line, x);
  CHECK(there.slope == 0.5);
  CHECK(there.intercept == 3);
  CHECK(there.slope_interval.low == 0.5);
  CHECK(back.slope == 2);
  CHECK(back.intercept == -6);
  const PassingBablok noisy = passing_bablok(y, x), other = passing_bablok(x, y);
  CHECK(noisy.slope * other.slope == Approx(1));
}

TEST_CASE("Passing and Bablok's regression needs three pairs and slopes") {
  CHECK(std::isnan(passing_bablok(std::span(x).first(2), std::span(y).first(2)).slope));
  const std::vector<double> same(4, 7.0), rising{1, 2, 3, 4};
  CHECK(std::isnan(passing_bablok(same, same).slope));
  CHECK(std::isnan(passing_bablok(same, rising).slope));
  CHECK(passing_bablok(rising, same).slope == 0);
}

TEST_CASE("differentials: numbers of cells and percentages are compared as shares of what both count") {
  const DifferentialTable ours = parse_differentials(
      "patient,images,cells,monocyte,monocyte_percent,neutrophil,unsure,other\n"
      "a,5,10,2,20.00,8,1,0\nb,5,20,10,50.00,10,0,0\nc,1,4,1,25.00,3,0,0\nd,1,0,0,0.00,0,0,0\ne,1,1,1,100.00,0,0,0\n");
  const DifferentialTable reference =
      parse_differentials("\xef\xbb\xbfpatient,neutrophil,blast,monocyte,remark\r\na,60,20,20,\r\nb,50,0,50,?\r\nc,70,0,30,\r\nd,90,0,10,\r\nf,1,1,1,\r\n");
  const DifferentialComparison comparison = compare_differentials(ours, reference);
  CHECK(comparison.patients == std::vector<std::string>{"a", "b", "c"});
  CHECK(comparison.left_out == std::vector<std::string>{"d", "f", "e"});
  REQUIRE(comparison.classes.size() == 2);
  const ClassAgreement& monocytes = comparison.classes[0];
  CHECK(monocytes.name == "monocyte");
  CHECK(monocytes.reference_mean == Approx((25 + 50 + 30) / 3.0));
  CHECK(monocytes.mean == Approx((20 + 50 + 25) / 3.0));
  CHECK(monocytes.differences.bias == Approx(-10 / 3.0));
  CHECK(comparison_json(comparison).at("classes").at("neutrophil").at("bias").at("value").get<double>() ==
        Approx(10 / 3.0));
  std::ostringstream out;
  print_comparison(out, comparison);
  CHECK(out.str().find("monocyte           35.0    31.7  -3.3 (") != std::string::npos);
  CHECK(out.str().find("without cells: d f e\n") != std::string::npos);
}

TEST_CASE("differentials: tables that cannot be compared are refused") {
  const std::string good = "patient,a\nx,1\n";
  const auto refusal = [](const std::string& ours, const std::string& reference) {
    return test::error_of(ErrorKind::usage,
                          [&] { (void)compare_differentials(parse_differentials(ours), parse_differentials(reference)); });
  };
  CHECK(refusal("name,a\n", good) == "line 1: no column 'patient'");
  CHECK(refusal("patient,a\n", good) == "holds no patient");
  CHECK(refusal("patient,a\nx,1\nx,2\n", good) == "line 3: 'x' again");
  CHECK(refusal("patient,a\nx,1,2\n", good) == "line 2: 3 fields, expected 2");
  CHECK(refusal("patient,a\nx,1\n", "patient,b\nx,1\n") == "no class that both tables have in every row");
  CHECK(refusal("patient,a\nx,1\n", "patient,a\ny,1\n") == "no patient that both tables have, with cells in both");
}
