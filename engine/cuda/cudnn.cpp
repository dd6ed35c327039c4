// cuDNN's graph interface: a convolution and what follows it are described as a graph of operations, for which cuDNN
// lists engines, by expected speed. Its older interface of one call per operation is deprecated and knows no slices.
//
// Engines are left out whose notes say that sums depend on the order in which threads finish
// (NONDETERMINISTIC), that factors or sums are narrower than asked for, or that the product is computed by another
// formula, with other errors (Winograd, FFT). Where the result is fp32, tensor cores are left out as well: they would
// round its factors to TF32. Which engine is first is a function of cuDNN's version, the GPU and the order.
#include "engine/cuda/cudnn.h"

#include "engine/base/check.h"

#ifdef GIEMSA_HAS_CUDNN

#include <deque>
#include <mutex>

#include "engine/cuda/cudnn_descriptor.h"

namespace giemsa::cuda {

namespace {

using dnn::Descriptor;
using dnn::Library;

cudnnDataType_t type_of(DType type) {
  return type == DType::f16 ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT;
}

// What tensors are called from the graph to its operands.
enum Name : std::int64_t { x_name = 1, w_name, bias_name, residual_name, y_name, first_intermediate };

/// The graph of an order, with what it refers to.
class OperationGraph {
 public:
  OperationGraph(const Library& library, const ConvolutionDescriptor& order) : library_(library) {
    int left = 2 + (order.residual ? 1 : 0) + (order.relu ? 1 : 0);  // operations; the last one makes y
    const auto next = [&]() -> const Descriptor& {
      return --left == 0 ? tensor(y_name, order.y) : intermediate(order.y);
    };
    const Descriptor* sum = &convolve(order, next());
    // Precompiled engines want the bias last. Ours adds it first, which is the same within a rounding of fp32.
    if (order.residual) sum = &apply(CUDNN_POINTWISE_ADD, *sum, &tensor(residual_name, *order.residual), next());
    sum = &apply(CUDNN_POINTWISE_ADD, *sum, &tensor(bias_name, order.bias), next());
    if (order.relu) apply(CUDNN_POINTWISE_RELU_FWD, *sum, nullptr, next());

    Descriptor graph(library_, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations_);
    keep(graph.finish("describing a convolution"));
  }

  const Descriptor& whole() const { return kept_.back(); }

 private:
  const Descriptor& keep(Descriptor descriptor) { return kept_.emplace_back(std::move(descriptor)); }

  const Descriptor& tensor(std::int64_t name, const TensorLayout& layout, bool within = false) {
    Descriptor made(library_, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type_of(layout.type))
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::span<const std::int64_t>(layout.extents))
        .set(CUDNN_ATTR_TENSOR_STRIDES, std::span<const std::int64_t>(layout.strides))
        .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, name)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, vendor_alignment)
        .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, within);
    return keep(made.finish("describing a tensor"));
  }

  /// A result that stays within the graph: fp32, dense.
  const Descriptor& intermediate(TensorLayout layout) {
    const auto [n, c, h, w] = layout.extents;
    layout.type = DType::f32;
    layout.strides = {h * w * c, 1, w * c, c};
    return tensor(next_name_++, layout, true);
  }

  const Descriptor& operation(Descriptor described) {
    const Descriptor& kept = keep(described.finish("describing an operation"));
    operations_.push_back(kept.object());
    return kept;
  }

  const Descriptor& convolve(const ConvolutionDescriptor& order, const Descriptor& result) {
    const auto two = [](Size2 size) { return std::array{size.h, size.w}; };
    const auto padding = two(order.padding), stride = two(order.stride), dilation = two(order.dilation);
    Descriptor how(library_, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2})
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::span<const std::int64_t>(padding))
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, std::span<const std::int64_t>(padding))
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, std::span<const std::int64_t>(stride))
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::span<const std::int64_t>(dilation));
    Descriptor made(library_, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    made.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, keep(how.finish("describing a convolution")))
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, tensor(x_name, order.x))
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, tensor(w_name, order.w))
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, result)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0f)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0f);
    operation(std::move(made));
    return result;
  }

  /// result = mode(operand), or of operand and term.
  const Descriptor& apply(cudnnPointwiseMode_t mode, const Descriptor& operand, const Descriptor* term,
                          const Descriptor& result) {
    Descriptor how(library_, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    how.set(CUDNN_ATTR_POINTWISE_MODE, mode).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    Descriptor made(library_, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    made.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, keep(how.finish("describing an operation")))
        .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, operand)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, result);
    if (term) made.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *term);
    operation(std::move(made));
    return result;
  }

  const Library& library_;
  std::int64_t next_name_ = first_intermediate;
  std::deque<Descriptor> kept_;  // a deque: descriptors stay where they are
  std::vector<void*> operations_;
};

/// A handle serves one thread at a time: whoever enqueues has the mutex. Replays of what was recorded need neither.
struct Handle {
  explicit Handle(const Library& of) : library(of) {}
  ~Handle() {
    if (object) library.destroy_handle(object);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  const Library& library;
  std::mutex mutex;
  cudnnHandle_t object = nullptr;
};

class CudnnPlan final : public VendorPlan {
 public:
  CudnnPlan(const Library& library, Handle& handle, std::unique_ptr<const OperationGraph> graph, Descriptor plan,
            std::int64_t engine, bool residual)
      : library_(library),
        handle_(handle),
        graph_(std::move(graph)),
        plan_(std::move(plan)),
        engine_(engine),
        residual_(residual) {}

  std::size_t workspace_bytes() const override {
    return static_cast<std::size_t>(plan_.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 1).at(0));
  }
  std::string description() const override { return cat("cuDNN engine ", engine_); }

  void enqueue(const VendorOperands& operands, Stream stream) const override {
    check(handle_.object != nullptr, ErrorKind::internal, "cuDNN was opened to plan only");
    std::vector<std::int64_t> names{x_name, w_name, bias_name, y_name};
    std::vector<void*> data{const_cast<void*>(operands.x), const_cast<void*>(operands.w),
                            const_cast<void*>(operands.bias), operands.y};
    if (residual_) {
      names.push_back(residual_name);
      data.push_back(const_cast<void*>(operands.residual));
    }
    void* workspace = operands.workspace;
    Descriptor bound(library_, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    bound.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::span<const std::int64_t>(names))
        .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, data)
        .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, std::span(&workspace, 1));
    const Descriptor pack = bound.finish("naming a convolution's operands");
    const std::lock_guard lock(handle_.mutex);
    library_.require(library_.set_stream(handle_.object, stream), "choosing the stream");
    library_.require(library_.execute(handle_.object, plan_.object(), pack.object()), "starting a convolution");
  }

 private:
  const Library& library_;
  Handle& handle_;
  std::unique_ptr<const OperationGraph> graph_;
  Descriptor plan_;
  std::int64_t engine_;
  bool residual_;
};

class Cudnn final : public Vendor {
 public:
  Cudnn(const std::string& file, const std::string& gpu)
      : library_(file), handle_(library_), gpu_(library_, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR) {
    if (gpu.empty()) {
      library_.require(library_.create_handle(&handle_.object), "opening it for the GPU");
      gpu_.set(CUDNN_ATTR_DEVICEPROP_HANDLE, handle_.object);
    } else {
      gpu_.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::span<const char>(gpu));
    }
    if (!gpu_.try_to_finish()) fail(ErrorKind::device, file, ": does not know this GPU");
  }

  std::unique_ptr<VendorPlan> plan(const ConvolutionDescriptor& order, int rank) override {
    auto graph = std::make_unique<const OperationGraph>(library_, order);
    for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
      for (const Descriptor& suggestion : suggestions(graph->whole(), mode)) {
        Descriptor engine(library_, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
        cudnnBackendDescriptor_t target = engine.object();
        suggestion.get(CUDNN_ATTR_ENGINECFG_ENGINE, std::span(&target, 1));
        if (!is_wanted(engine, order.y.type)) continue;
        Descriptor plan(library_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, suggestion).set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, gpu_);
        if (!plan.try_to_finish() || rank-- > 0) continue;
        const std::int64_t index = engine.get<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 1).at(0);
        return std::make_unique<CudnnPlan>(library_, handle_, std::move(graph), std::move(plan), index,
                                           order.residual.has_value());
      }
    return nullptr;
  }
  std::unique_ptr<VendorPlan> plan(const MatmulDescriptor&, int) override { return nullptr; }
  bool multiplies() const override { return false; }

  std::string version() const override { return cat("cuDNN ", dnn::version_text(library_.version)); }

 private:
  /// Engines with their settings, fastest first as cuDNN expects; none where it has none for the graph.
  std::vector<Descriptor> suggestions(const Descriptor& graph, cudnnBackendHeurMode_t mode) {
    Descriptor heuristic(library_, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
        .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode)
        .set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, gpu_);
    if (!heuristic.try_to_finish()) return {};
    std::vector<Descriptor> found;
    std::vector<cudnnBackendDescriptor_t> targets;
    for (std::int64_t left = heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, targets); left > 0; --left)
      targets.push_back(found.emplace_back(library_, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).object());
    if (found.empty()) return found;
    const std::int64_t count = heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, targets);
    while (static_cast<std::int64_t>(found.size()) > count) found.pop_back();
    return found;
  }

  static bool is_wanted(const Descriptor& engine, DType result) {
    const auto notes =
        engine.get<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    const auto behaviour =
        engine.get<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_BEHAVIOR_NOTE_TYPE_COUNT);
    const bool exact = std::ranges::all_of(notes, [&](cudnnBackendNumericalNote_t note) {
      return note == CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP ||
             (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE && result == DType::f16);
    });
    // Compiled while the program starts, for some 0.5 s each.
    return exact && std::ranges::find(behaviour, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) == behaviour.end();
  }

  Library library_;
  Handle handle_;
  Descriptor gpu_;
};

}  // namespace

std::string cudnn_file() {
  return cat("libcudnn.so.", CUDNN_MAJOR);
}

std::shared_ptr<Vendor> open_cudnn(const std::string& file, const std::string& gpu) {
  return std::make_shared<Cudnn>(file, gpu);
}

}  // namespace giemsa::cuda

#else

namespace giemsa::cuda {

std::string cudnn_file() {
  return "";
}

std::shared_ptr<Vendor> open_cudnn(const std::string& file, const std::string&) {
  fail(ErrorKind::device, file, ": this build of giemsa cannot use cuDNN, for lack of its headers");
}

}  // namespace giemsa::cuda

#endif
