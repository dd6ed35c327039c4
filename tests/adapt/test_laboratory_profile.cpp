#include <doctest/doctest.h>

#include <algorithm>

#include "nets/laboratory_profile.h"
#include "tests/engine/error_text.h"
#include "tests/temporary_folder.h"

using namespace giemsa;

namespace {

LaboratoryProfile profile() {
  return {"0123abcd",
          {"one", "two"},
          {Tensor::from({2, 3}, {1, -0.1f, 3e-30f, 4, 0, 1.f / 3}), Tensor::from({2}, {0.7f, -1e30f})},
          "5 cells in 3 images",
          {{"a/\xc3\xa4", "00ff"}, {"b", "11"}}};
}

std::string profile_error(const std::string& text) {
  return test::error_of(ErrorKind::usage, [&] { parse_profile(text); });
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  REQUIRE(text.find(what) != std::string::npos);
  return text.replace(text.find(what), what.size(), with);
}

}  // namespace

TEST_CASE("a profile comes back bit by bit") {
  const LaboratoryProfile before = profile(), after = parse_profile(profile_text(before));
  CHECK(after.classifier == before.classifier);
  CHECK(after.classes == before.classes);
  CHECK(after.note == before.note);
  CHECK(after.images == before.images);
  CHECK(after.layer.weight.shape() == before.layer.weight.shape());
  CHECK(std::ranges::equal(after.layer.weight.as<float>(), before.layer.weight.as<float>()));
  CHECK(std::ranges::equal(after.layer.bias.as<float>(), before.layer.bias.as<float>()));
}

TEST_CASE("what is no profile is refused with its reason") {
  const std::string text = profile_text(profile());
  CHECK(profile_error("") == "is not JSON");
  CHECK(profile_error("[]") == "is no laboratory profile");
  CHECK(profile_error("{}") == "is no laboratory profile");
  CHECK(profile_error(replaced(text, "profile 1", "profile 2")) == "is no laboratory profile");
  CHECK(profile_error(replaced(text, "\"features\":3", "\"features\":4")) == "weight: 6 numbers, expected 8");
  CHECK(profile_error(replaced(text, "\"features\":3", "\"features\":-3")).starts_with("a last layer of -3 features"));
  CHECK(profile_error(replaced(text, "\"features\":3", "\"features\":9e18")).starts_with("a last layer of"));
  CHECK(profile_error(replaced(text, "\"bias\":[", "\"bias\":[null,")).starts_with("is damaged: "));
  CHECK(profile_error(replaced(text, "\"weight\":[1.0", "\"weight\":[1e39")) ==
        "is not JSON");  // as no JSON number is that large in single precision
  CHECK(profile_error(replaced(text, "\"note\"", "\"nota\"")).starts_with("is damaged: "));
  for (std::size_t size = 0; size + 2 < text.size(); ++size)
    CHECK(profile_error(text.substr(0, size)) == "is not JSON");
}

TEST_CASE("a profile changes the classifier that it was made for, and no other") {
  const Model model = random_model("alexnet", "torchvision", 1, 16);
  const LastLayer own = last_layer_of(model);
  const std::vector<float> shown(own.weight.as<float>().begin(), own.weight.as<float>().end());
  std::vector<float> other = shown;
  other.front() += 1;
  LaboratoryProfile made{last_layer_mark(model), model.info.classes,
                         {Tensor::from(own.weight.shape(), other), own.bias}, "", {}};
  const Model changed = adapted(model, made, "lab.json");
  CHECK(std::ranges::equal(last_layer_of(changed).weight.as<float>(), other));
  CHECK(std::ranges::equal(last_layer_of(model).weight.as<float>(), shown));
  CHECK_THROWS_WITH_AS(adapted(changed, made, "lab.json"), doctest::Contains("lab.json: was made for another classifier"),
                       Error);
  CHECK_THROWS_AS(adapted(random_model("alexnet", "torchvision", 2, 16), made, "lab.json"), Error);
  made.layer.bias = Tensor::from({2}, {1, 2});
  CHECK_THROWS_WITH_AS(adapted(model, made, "lab.json"), doctest::Contains("does not fit"), Error);
}

TEST_CASE("reading names the file") {
  const test::TemporaryFolder folder;
  const auto file = folder.file("lab.json", "{}");
  CHECK_THROWS_WITH_AS(read_profile(file), doctest::Contains("lab.json: is no laboratory profile"), Error);
  CHECK_THROWS_WITH_AS(read_profile(folder / "none.json"), doctest::Contains("none.json"), Error);
}
