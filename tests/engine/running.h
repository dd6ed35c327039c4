// Running graphs in tests, and comparing what comes out.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/cpu/backend.h"
#include "tests/ref/reference.h"

namespace giemsa::test {

/// One backend for each precision and thread count, shared by all tests.
Backend& cpu(DType precision = DType::f32, int threads = 2);

/// Every output of one run, one after the other.
using Outputs = std::vector<std::vector<float>>;
Outputs run(Session& session, std::span<const Tensor> inputs);

/// Compiles for `backend`, runs once.
Outputs run(Backend& backend, const Graph& graph, std::span<const Tensor> inputs, bool optimized = true);

/// Bit by bit, so that NaN equals itself and 0 differs from -0.
bool same_bits(const Outputs& a, const Outputs& b);

/// Requires every element within ref::tolerance.
void check_reference(std::span<const float> actual, const ref::Reference& expected, DType storage,
                     const std::string& rerun);

/// An op under test: adds itself to a graph, reading `inputs`.
using AddOp = std::function<ValueId(Graph&, const std::vector<ValueId>& inputs)>;

/// The op alone on its inputs. A Concat of each feature map stores it in the backend's precision before the op reads it,
/// and another what the op gives, where asked for.
Graph graph_of(const AddOp& add, const std::vector<Tensor>& inputs, bool store_operands, bool store_result);

/// Holds the CPU backend to `expected`: in fp32 on 1, 2 and 3 threads, each giving the same bits run after run and
/// session after session; in bf16, where the CPU has it, with operands and result stored as bf16. Call it within a
/// TEST_CASE called `test` and a SUBCASE called `name`.
void check_op(const std::string& test, const std::string& name, const AddOp& add, const std::vector<Tensor>& inputs,
              const ref::Reference& expected);

}  // namespace giemsa::test
