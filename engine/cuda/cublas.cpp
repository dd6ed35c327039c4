// cuBLASLt: a product is described, the library's estimate names the algorithms that suit it, and one of them runs.
//
// Of the ways in which blocks that share a sum may put it together only those are allowed that add fp32 parts in a
// fixed order: none, or a pass of its own (COMPUTE_TYPE). NVIDIA promises equal bits from run to run for one version of
// the library on GPUs of one architecture and as many multiprocessors, provided that concurrent streams share no
// workspace; here each layer has its own. Which algorithm is first is a function of version, GPU and order.
#include "engine/cuda/cublas.h"

#include "engine/base/check.h"
#include "engine/cuda/shared_library.h"

#ifdef GIEMSA_HAS_CUBLAS

#include <cublasLt.h>

#include <vector>

namespace giemsa::cuda {

namespace {

/// What an algorithm may take at most; the next estimate is asked for with so many algorithms at once.
constexpr std::uint64_t most_workspace = std::uint64_t{32} << 20;

/// The library, and what of it is used.
class Library {
 public:
  explicit Library(const std::string& file) : library_(file) {
    library_.find(version_, "cublasLtGetVersion");
    version = version_();
    check(version / 10000 == CUBLAS_VER_MAJOR, ErrorKind::device, library_.file(), " is cuBLASLt ", version_text(),
          ", expected ", CUBLAS_VER_MAJOR, ".x");
    library_.find(status_string_, "cublasLtGetStatusString");
    library_.find(create, "cublasLtCreate");
    library_.find(destroy, "cublasLtDestroy");
    library_.find(create_product, "cublasLtMatmulDescCreate");
    library_.find(destroy_product, "cublasLtMatmulDescDestroy");
    library_.find(set_product, "cublasLtMatmulDescSetAttribute");
    library_.find(create_matrix, "cublasLtMatrixLayoutCreate");
    library_.find(destroy_matrix, "cublasLtMatrixLayoutDestroy");
    library_.find(create_preference, "cublasLtMatmulPreferenceCreate");
    library_.find(destroy_preference, "cublasLtMatmulPreferenceDestroy");
    library_.find(set_preference, "cublasLtMatmulPreferenceSetAttribute");
    library_.find(suggest, "cublasLtMatmulAlgoGetHeuristic");
    library_.find(multiply, "cublasLtMatmul");
  }

  void require(cublasStatus_t status, const char* what) const {
    check(status == CUBLAS_STATUS_SUCCESS, ErrorKind::device, library_.file(), ": ", what, ": ",
          status_string_(status));
  }
  std::string version_text() const { return cat(version / 10000, '.', version % 10000 / 100, '.', version % 100); }

  std::size_t version = 0;
  decltype(&cublasLtCreate) create;
  decltype(&cublasLtDestroy) destroy;
  decltype(&cublasLtMatmulDescCreate) create_product;
  decltype(&cublasLtMatmulDescDestroy) destroy_product;
  decltype(&cublasLtMatmulDescSetAttribute) set_product;
  decltype(&cublasLtMatrixLayoutCreate) create_matrix;
  decltype(&cublasLtMatrixLayoutDestroy) destroy_matrix;
  decltype(&cublasLtMatmulPreferenceCreate) create_preference;
  decltype(&cublasLtMatmulPreferenceDestroy) destroy_preference;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference;
  decltype(&cublasLtMatmulAlgoGetHeuristic) suggest;
  decltype(&cublasLtMatmul) multiply;

 private:
  SharedLibrary library_;
  decltype(&cublasLtGetVersion) version_;
  decltype(&cublasLtGetStatusString) status_string_;
};

/// One of cuBLASLt's objects, with what unmakes it.
template <class T>
class Owned {
 public:
  using Destroy = cublasStatus_t (*)(T);
  explicit Owned(Destroy destroy) : destroy_(destroy) {}
  ~Owned() {
    if (object) destroy_(object);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  T object{};

 private:
  Destroy destroy_;
};

cudaDataType_t type_of(DType type) {
  return type == DType::f16 ? CUDA_R_16F : CUDA_R_32F;
}

/// An order in the library's words.
class Description {
 public:
  Description(const Library& library, const MatmulDescriptor& order)
      : library_(library),
        product(library.destroy_product),
        a(library.destroy_matrix),
        b(library.destroy_matrix),
        d(library.destroy_matrix) {
    library.require(library.create_product(&product.object, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describing a product");
    set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
    set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, order.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, order.bias);
    describe(a, order.a);
    describe(b, order.b);
    describe(d, order.d);
  }

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    library_.require(library_.set_product(product.object, attribute, &value, sizeof(value)), "describing a product");
  }
  void describe(Owned<cublasLtMatrixLayout_t>& matrix, const MatrixLayout& layout) {
    library_.require(
        library_.create_matrix(&matrix.object, type_of(layout.type), static_cast<std::uint64_t>(layout.rows),
                               static_cast<std::uint64_t>(layout.columns), layout.leading),
        "describing a matrix");
  }

  const Library& library_;

 public:
  Owned<cublasLtMatmulDesc_t> product;
  Owned<cublasLtMatrixLayout_t> a, b, d;
};

class CublasPlan final : public VendorPlan {
 public:
  CublasPlan(const Library& library, cublasLtHandle_t handle, std::unique_ptr<const Description> description,
             const cublasLtMatmulHeuristicResult_t& chosen, float beta)
      : library_(library), handle_(handle), description_(std::move(description)), chosen_(chosen), beta_(beta) {}

  std::size_t workspace_bytes() const override { return chosen_.workspaceSize; }
  std::string description() const override { return "cuBLASLt"; }

  void enqueue(const VendorOperands& operands, Stream stream) const override {
    constexpr float alpha = 1;
    const void* c = operands.residual ? operands.residual : operands.y;
    const Description& of = *description_;
    library_.require(library_.multiply(handle_, of.product.object, &alpha, operands.w, of.a.object, operands.x,
                                       of.b.object, &beta_, c, of.d.object, operands.y, of.d.object, &chosen_.algo,
                                       operands.workspace, chosen_.workspaceSize, stream),
                     "starting a product");
  }

 private:
  const Library& library_;
  cublasLtHandle_t handle_;
  std::unique_ptr<const Description> description_;
  cublasLtMatmulHeuristicResult_t chosen_;
  float beta_;
};

class Cublas final : public Vendor {
 public:
  explicit Cublas(const std::string& file) : library_(file), handle_(library_.destroy) {
    library_.require(library_.create(&handle_.object), "opening it for the GPU");
  }

  std::unique_ptr<VendorPlan> plan(const ConvolutionDescriptor&, int) override { return nullptr; }
  bool multiplies() const override { return true; }

  std::unique_ptr<VendorPlan> plan(const MatmulDescriptor& order, int rank) override {
    auto description = std::make_unique<const Description>(library_, order);
    Owned<cublasLtMatmulPreference_t> preference(library_.destroy_preference);
    library_.require(library_.create_preference(&preference.object), "describing a preference");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      library_.require(library_.set_preference(preference.object, attribute, &value, sizeof(value)),
                       "describing a preference");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, most_workspace);
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    for (const auto attribute :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      prefer(attribute, static_cast<std::uint32_t>(vendor_alignment));

    std::vector<cublasLtMatmulHeuristicResult_t> found(static_cast<std::size_t>(rank) + 1);
    int count = 0;
    const cublasStatus_t status =
        library_.suggest(handle_.object, description->product.object, description->a.object, description->b.object,
                         description->d.object, description->d.object, preference.object,
                         static_cast<int>(found.size()), found.data(), &count);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) return nullptr;
    library_.require(status, "choosing an algorithm");
    if (count <= rank || found.back().state != CUBLAS_STATUS_SUCCESS) return nullptr;
    return std::make_unique<CublasPlan>(library_, handle_.object, std::move(description), found.back(), order.beta);
  }

  std::string version() const override { return cat("cuBLASLt ", library_.version_text()); }

 private:
  Library library_;
  Owned<cublasLtHandle_t> handle_;  // which threads may share
};

}  // namespace

std::string cublas_file() {
  return cat("libcublasLt.so.", CUBLAS_VER_MAJOR);
}

std::shared_ptr<Vendor> open_cublas(const std::string& file) {
  return std::make_shared<Cublas>(file);
}

}  // namespace giemsa::cuda

#else

namespace giemsa::cuda {

std::string cublas_file() {
  return "";
}

std::shared_ptr<Vendor> open_cublas(const std::string& file) {
  fail(ErrorKind::device, file, ": this build of giemsa cannot use cuBLAS, for lack of its headers");
}

}  // namespace giemsa::cuda

#endif
