// That every op has a contract: the program does not link where one of GIEMSA_OPS has no GIEMSA_CONTRACT.
#include "engine/ops/ops.h"
#include "tests/contract/contract.h"

namespace giemsa {

// With external linkage, or the compiler would drop the addresses, and the linker would miss none.
#define GIEMSA_HOLD(Which) &contract::hold<Which>,
extern void (*const contracts_of_all_ops[])();
void (*const contracts_of_all_ops[])() = {GIEMSA_OPS(GIEMSA_HOLD)};
#undef GIEMSA_HOLD

TEST_CASE("every op has a contract") {
  CHECK(std::size(contracts_of_all_ops) + 1 == std::variant_size_v<Op>);  // Input computes nothing
}

}  // namespace giemsa
