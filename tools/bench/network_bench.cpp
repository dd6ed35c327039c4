#include "tools/bench/network_bench.h"

namespace giemsa::bench {

void bench_network(Session& session, const Backend& backend, const Schedule& schedule, Report& report) {
  constexpr std::uint32_t distinct = 4;
  std::vector<std::vector<float>> inputs;
  for (std::uint32_t i = 0; i < distinct; ++i) inputs.push_back(network_input(session.graph(), i));
  const auto call = [&](std::size_t i) {
    const void* input = inputs[i % distinct].data();
    session.run({&input, 1});
  };

  auto start = Clock::now();
  call(0);
  const double first_ms = ms_since(start);
  verify_session(session, inputs);
  report.verified = cat("outputs of ", distinct, " inputs are finite and the same to the bit in two runs");
  warm_up(schedule, call);

  Series total{"total", {}};
  report.before = observe_machine(report.on_gpu);
  repeat(schedule.timed, [&](std::size_t i) {
    start = Clock::now();
    call(i);
    total.ms.push_back(ms_since(start));
  });
  report.after = observe_machine(report.on_gpu);
  report.series.push_back(std::move(total));
  report.series.push_back({"first_call", {first_ms}});
  if (schedule.idle_seconds > 0)
    report.series.push_back({"after_idle", {first_after_idle(schedule, [&] { call(0); })}});
  report.memory.peak_resident_bytes = peak_resident_bytes();
  report.memory.packed_weight_bytes = static_cast<double>(backend.weight_bytes());
  report.memory.arena_bytes = static_cast<double>(session.plan().arena_bytes);
}

}  // namespace giemsa::bench
