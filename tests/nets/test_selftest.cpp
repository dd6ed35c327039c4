// The self-test passes on every precision of this machine, and fails where something computes wrongly: a backend that
// is broken in one way after another has to be noticed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/cpu/backend.h"
#include "nets/selftest/built_in.h"
#include "nets/selftest/selftest.h"
#include "weights/sha256.h"

namespace giemsa {

namespace {

using selftest::Check;

/// A backend whose networks are not those that it was given.
class BrokenBackend final : public Backend {
 public:
  using Damage = std::function<Graph(const Graph&)>;
  BrokenBackend(std::shared_ptr<Backend> sound, Damage damage) : sound_(std::move(sound)), damage_(std::move(damage)) {}

  using Backend::compile;
  std::unique_ptr<Session> compile(const Graph& graph, bool optimized) override {
    damaged_.push_back(std::make_unique<Graph>(damage_(graph)));  // weights are told apart by where they lie
    return sound_->compile(*damaged_.back(), optimized);
  }
  DeviceKind kind() const override { return sound_->kind(); }
  std::string device_name() const override { return "broken"; }
  DType precision() const override { return sound_->precision(); }
  std::size_t weight_bytes() const override { return sound_->weight_bytes(); }

 private:
  std::shared_ptr<Backend> sound_;
  Damage damage_;
  std::vector<std::unique_ptr<Graph>> damaged_;
};

/// A copy of `graph` whose nodes are changed by `change`.
Graph changed(const Graph& graph, const std::function<void(Node&)>& change) {
  Graph copy;
  for (const NodeId id : node_ids(graph)) {
    Node node = graph[id];
    if (std::holds_alternative<Input>(node.op)) {
      copy.input(node.name, graph[node.output()].type);
      continue;
    }
    std::vector<std::string> names;
    for (const ValueId output : node.outputs) names.push_back(graph[output].name);
    node.outputs.clear();
    change(node);
    copy.add(std::move(node), names);
  }
  for (const ValueId id : value_ids(graph))
    if (graph[id].int8_scale > 0) copy.calibrate(id, graph[id].int8_scale);
  for (const ValueId id : graph.outputs()) copy.mark_output(id);
  return copy;
}

/// `tensor` with the weights of its first output channel a little larger. (A single weight may meet nothing but zeros.)
Tensor with_wrong_channel(const Tensor& tensor) {
  std::vector<float> values(tensor.as<float>().begin(), tensor.as<float>().end());
  const auto channel = values.begin() + tensor.size() / tensor.shape()[0];
  std::for_each(values.begin(), channel, [](float& value) { value += 0.1f; });
  return Tensor::from(tensor.shape(), std::move(values));
}

std::string known_answer(const std::shared_ptr<Backend>& backend, selftest::Report& report) {
  return selftest::check_known_answer(backend, make_cpu_backend({.threads = 1}), report);
}

std::string known_answer_with(const std::function<void(Node&)>& change, DType precision = DType::f32) {
  CpuOptions options;
  options.threads = 1;
  options.precision = precision;
  selftest::Report report;
  return known_answer(std::make_shared<BrokenBackend>(make_cpu_backend(options),
                                                      [change](const Graph& graph) { return changed(graph, change); }),
                      report);
}

}  // namespace

TEST_CASE("the known answer is found in every precision, on any number of threads") {
  const CpuFacts facts = cpu_facts();
  for (const DType precision : {DType::f32, DType::bf16, DType::i8}) {
    CAPTURE(name_of(precision));
    if ((precision == DType::bf16 && !facts.fast_bf16) || (precision == DType::i8 && !facts.fast_int8)) {
      MESSAGE("skipped: this CPU has no ", name_of(precision));
      continue;
    }
    for (const int threads : {1, 2, 3}) {
      CAPTURE(threads);
      CpuOptions options;
      options.threads = threads;
      options.precision = precision;
      selftest::Report report;
      CHECK(known_answer(make_cpu_backend(options), report) == "");
      CHECK(report.deviation <= report.allowed_deviation / 2);
      MESSAGE(name_of(precision), " on ", threads, " threads: deviation ", report.deviation);
    }
  }
}

TEST_CASE("no pixel of the built-in picture is so close to the threshold that the order of sums decides") {
  const Frame frame = selftest::picture();
  const auto session =
      make_cpu_backend({.threads = 1})
          ->compile(segment_graph(selftest::segmenter(), {frame.height, frame.width}, selftest::options()), false);
  float closest = INFINITY, largest = 0;
  session->observe([&](const Value& value, const Tensor& tensor) {
    if (value.name != "frame_logits") return;
    const auto logits = tensor.as<float>();
    const std::size_t pixels = logits.size() / 2;
    for (std::size_t i = 0; i < pixels; ++i) {
      closest = std::min(closest, std::abs(logits[pixels + i] - logits[i]));
      largest = std::max({largest, std::abs(logits[pixels + i]), std::abs(logits[i])});
    }
  });
  const void* pixels = frame.rgb.data();
  session->run({&pixels, 1});
  MESSAGE("closest ", closest, ", largest logit ", largest);
  // Some 60 layers, each of which rounds a few times: 2e-5 of the largest logit.
  CHECK(closest > 300 * 0x1p-24f * largest);
}

TEST_CASE("a wrong output channel of any layer is noticed") {
  CHECK(known_answer_with([](Node&) {}) == "");  // a copy alone changes nothing
  for (const std::string layer :
       {"encoder.conv1", "encoder.layer1.0.conv2", "encoder.layer4.2.conv3", "decoder.block1.0", "segmentation_head.0",
        "features.0", "features.10", "classifier.1", "classifier.6"}) {
    CAPTURE(layer);
    bool is_there = false;
    const std::string failure = known_answer_with([&](Node& node) {
      if (node.name != layer) return;
      is_there = true;
      node.weights[0].weight = with_wrong_channel(node.weights[0].weight);
    });
    CHECK(is_there);
    CHECK(failure.find("built-in picture") != std::string::npos);
  }
}

TEST_CASE("a wrong step after the networks is noticed") {
  CHECK(known_answer_with([](Node& node) {
          if (auto* op = std::get_if<AreaOpen>(&node.op)) op->min_area = 1;
        }) != "");
  CHECK(known_answer_with([](Node& node) {
          if (auto* op = std::get_if<Threshold>(&node.op)) op->threshold = 0.4f;
        }) != "");
  CHECK(known_answer_with([](Node& node) {
          if (auto* op = std::get_if<CropResize>(&node.op)) op->mode = CropMode::matlab;
        }) != "");
  CHECK(known_answer_with([](Node& node) {
          if (auto* op = std::get_if<Preprocess>(&node.op)) op->mean[0] += 0.01f;
        }) != "");
}

TEST_CASE("a run of all checks: files that changed, answers that differ from run to run, another digest") {
  const std::vector<std::byte> bytes(1000, std::byte{7});
  selftest::Subject subject;
  subject.files.push_back({"some.safetensors", bytes, sha256(bytes)});
  subject.segmenter = selftest::segmenter();
  subject.classifier = selftest::classifier();
  subject.backend = make_cpu_backend({.threads = 2});
  subject.spare = make_cpu_backend({.threads = 2});
  const selftest::Report sound = selftest::run(subject);
  REQUIRE(sound.failed() == nullptr);
  CHECK(sound.outcomes.size() == 3);
  CHECK(sound.digest.size() == 64);

  subject.expected_digest = sound.digest;
  CHECK(selftest::run(subject).failed() == nullptr);
  CHECK(selftest::run(subject).outcomes.size() == 4);
  subject.backend = make_cpu_backend({.threads = 1});
  CHECK(selftest::run(subject).failed() == nullptr);  // the same bits on any number of threads

  subject.expected_digest[0] = subject.expected_digest[0] == '0' ? '1' : '0';
  selftest::Report report = selftest::run(subject);
  REQUIRE(report.failed() != nullptr);
  CHECK(report.failed()->check == Check::digest);
  subject.expected_digest.clear();

  subject.files[0].sha256[0] ^= 1;
  report = selftest::run(subject);
  REQUIRE(report.failed() != nullptr);
  CHECK(report.failed()->check == Check::models);
  CHECK(report.failed()->failure.find("some.safetensors") != std::string::npos);
  subject.files.clear();

  subject.segmenter.reset();  // either network may be absent
  CHECK(selftest::run(subject).failed() == nullptr);
  CHECK(selftest::run(subject).digest != sound.digest);

  // Not a number in the last layer: no probability.
  Model broken = selftest::classifier();
  std::vector<float> bias(5, 0.0f);
  bias[2] = NAN;
  broken.tensors["classifier.6.bias"] = Tensor::from(Shape{5}, std::move(bias));
  subject.classifier = broken;
  report = selftest::run(subject);
  REQUIRE(report.failed() != nullptr);
  CHECK(report.failed()->check == Check::repeat);
  CHECK(report.failed()->failure.find("probability") != std::string::npos);
}

}  // namespace giemsa
