// Every distinct convolution of both networks, as it runs after the passes, on random weights.
//
//     bench_conv --benchmark_filter='deeplabv3plus/512x512/.*fp32'
#include <set>
#include <string>

#include "bench/network.h"
#include "bench/one_node.h"
#include "engine/passes/passes.h"

namespace giemsa {
namespace {

/// Equal for convolutions that cost the same.
std::string shape_of(const Conv2d& op, const Shape& input) {
  return cat(input, op.out_channels, '.', op.kernel.h, '.', op.kernel.w, '.', op.stride.h, '.', op.padding.h, '.',
             op.dilation.h, '.', op.groups, '.', op.residual, '.', static_cast<int>(op.activation));
}

void register_convolutions(const std::string& arch, Size2 size, std::int64_t batch) {
  const Graph network = optimize(network_graph(open_or_invent(arch), batch, size));
  std::set<std::string> seen;
  for (const Node& node : network.nodes()) {
    const auto* op = std::get_if<Conv2d>(&node.op);
    if (!op || !seen.insert(shape_of(*op, network[node.inputs[0]].type.shape)).second) continue;
    std::vector<TensorType> inputs;
    for (ValueId input : node.inputs) inputs.push_back(network[input].type);
    for (DType precision : precisions())
      register_node(cat(arch, '/', size.w, 'x', size.h, '/', batch, '/', node.name), precision,
                    [node, inputs] { return graph_of(node, inputs); });
  }
}

}  // namespace
}  // namespace giemsa

int main(int argc, char** argv) {
  using namespace giemsa;
  register_convolutions("deeplabv3plus", {224, 224}, 1);
  register_convolutions("deeplabv3plus", {512, 512}, 1);
  register_convolutions("alexnet", {224, 224}, 1);
  register_convolutions("alexnet", {224, 224}, 16);
  return run_benchmarks(argc, argv);
}
