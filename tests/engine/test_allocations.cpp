// The promise that a session allocates nothing once it has run: nothing of Giemsa's does, on any thread; what oneDNN
// takes for itself is small, bounded, and given back within the run.
#include <latch>
#include <memory>
#include <thread>

#include "engine/base/region.h"
#include "tests/engine/allocation_counter.h"
#include "tests/engine/building.h"
#include "tests/engine/running.h"

namespace giemsa {

namespace {

using test::Net;
using test::square;

ValueId linear(Net& net, const std::string& name, ValueId x, DType dtype) {
  Weights weights;
  const Shape shape{5, net.graph[x].type.shape[1]};
  weights.weight = ref::random_tensor(shape, net.seed++);
  if (dtype == DType::i8) {
    weights.weight = Tensor::from(dtype, shape, test::Random(net.seed).integers<std::int8_t>(shape.volume()));
    weights.scale = ref::random_tensor({5}, net.seed++);
  } else {
    weights.weight = to_float_type(weights.weight, dtype);
  }
  return net.graph.add(name, Linear{5}, {x}, weights);
}

/// Every op, and every kind of convolution and linear layer.
Graph every_op() {
  Net net;
  Graph& graph = net.graph;
  const ValueId frame = graph.input("frame", {DType::u8, {1, 40, 48, 3}});
  const ValueId boxes = graph.input("boxes", {DType::i32, {2, 4}});

  ValueId x = graph.add("preprocess", Preprocess{{32, 32}}, {frame});
  x = net.relu("stem.relu", net.norm("stem.bn", net.conv("stem", x, square(16, 7, 2))));
  x = graph.add("pool", MaxPool{{3, 3}, {2, 2}, {1, 1}}, {x});
  Conv2d depthwise = square(16, 3, 1, 12), grouped = square(16, 3);
  depthwise.groups = 16;
  grouped.groups = 2;
  const ValueId pooled = net.relu("pooled", graph.add("global", AdaptiveAvgPool{}, {x}));
  const ValueId sum = net.add("sum", x, net.conv("residual", x, square(16, 3)));
  const ValueId joined = net.concat("concat", {net.conv("depthwise", x, depthwise), net.conv("grouped", sum, grouped),
                                               graph.add("broadcast", Upsample{{8, 8}}, {pooled}), x});
  const ValueId logits = net.conv("logits", joined, square(2, 1), true);
  net.output(net.norm("lone_bn", logits));
  const ValueId up = graph.add("up", Upsample{{40, 48}, true}, {logits});
  net.output(graph.add("mask", Threshold{}, {graph.add("zero", Upsample{{9, 9}, false, EdgeMode::zero}, {logits})}));
  const ValueId mask = graph.add("filled", FillHoles{}, {graph.add("threshold", Threshold{}, {up})});
  const ValueId labels = graph.add("labels", Components{}, {graph.add("opened", AreaOpen{5}, {mask})});
  net.output(graph.add("regions", Regions{max_regions(40, 48, 5)}, {labels}));

  ValueId y = graph.add("crops", CropResize{{16, 16}}, {frame, boxes});
  y = graph.add("lrn", Lrn{}, {net.conv("conv1", y, square(8, 11, 4))});
  y = graph.add("flatten", Flatten{}, {y});
  y = net.relu("fc1.relu", linear(net, "fc1", y, DType::i8));
  y = linear(net, "fc3", linear(net, "fc2", y, DType::bf16), DType::f32);
  net.output(graph.add("softmax", Softmax{}, {y}));
  return graph;
}

void check_runs_allocate_nothing(Session& session) {
  const auto pixels = test::Random(3).integers<std::uint8_t>(40 * 48 * 3);
  const std::vector<std::int32_t> boxes{3, 4, 20, 17, 0, 0, 48, 40};
  const void* inputs[] = {pixels.data(), boxes.data()};
  session.run(inputs);
  test::start_counting_allocations();
  for (int i = 0; i < 20; ++i) session.run(inputs);
  const test::Allocations taken = test::stop_counting_allocations();
  CHECK_MESSAGE(taken.ours == 0, taken.ours, " allocations in 20 runs, the first from", taken.first_of_ours);
  CHECK(taken.openmp == 0);
  CHECK(taken.bytes_left == 0);
  // oneDNN is not so thrifty: executing a convolution makes and drops a table of its arguments. Measured with 2.6.3: 7
  // blocks a convolution, 8 with a residual, at most 440 bytes at a time on each of the two threads, whatever the size
  // of the image.
  CHECK(taken.largest_sum <= 1024);
}

}  // namespace

TEST_CASE("a session allocates nothing after its first run") {
  if (!test::can_count_allocations()) {
    MESSAGE("skipped: a sanitizer has replaced malloc");
    return;
  }
  const Graph graph = every_op();
  for (const DType precision : {DType::f32, DType::bf16}) {
    if (precision == DType::bf16 && !cpu_facts().fast_bf16) continue;
    for (const bool optimized : {true, false}) {
      CAPTURE(cat(precision));
      CAPTURE(optimized);
      check_runs_allocate_nothing(*test::cpu(precision).compile(graph, optimized));
    }
  }
}

TEST_CASE("the allocation counter counts") {
  if (!test::can_count_allocations()) return;
  std::unique_ptr<std::string> kept;
  test::start_counting_allocations();
  kept = std::make_unique<std::string>(100, 'x');  // one here, one within the C++ library
  const test::Allocations alone = test::stop_counting_allocations();
  CHECK(alone.ours == 2);
  CHECK(alone.onednn == 0);
  CHECK(alone.bytes_left >= 100);
  CHECK_FALSE(alone.first_of_ours.empty());

  test::start_counting_allocations();
  kept.reset();
  CHECK(test::stop_counting_allocations().bytes_left == -alone.bytes_left);

  std::vector<std::unique_ptr<int>> slots(2);
  std::latch counting(1), done(1);
  std::thread other([&] {
    counting.wait();
    slots[1] = std::make_unique<int>(1);
    done.count_down();
  });
  test::start_counting_allocations();
  counting.count_down();
  slots[0] = std::make_unique<int>(0);
  done.wait();
  CHECK(test::stop_counting_allocations().ours == 2);
  other.join();

  test::start_counting_allocations();
  const auto session = test::cpu().compile(every_op());  // makes primitives and packs weights
  const test::Allocations compiled = test::stop_counting_allocations();
  CHECK(compiled.onednn > 0);
  CHECK(compiled.ours > 0);
}

}  // namespace giemsa
