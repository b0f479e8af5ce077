// What 10,000 services cost: the first transaction, one change after it, and memory. In a network namespace of its own.
#include <malloc.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "os/nft.h"
#include "proxy/nftables/base_rules.h"
#include "proxy/nftables/testing.h"

namespace pintle::proxy::nftables {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t chains_max = 500;

double ms_since(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

long resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  return 0;
}

struct Made {
  api::core_v1::Service service;
  api::discovery_v1::EndpointSlice slice;
};

Made make(int index, int endpoints) {
  Made out;
  out.service.metadata.namespace_ = "ns" + std::to_string(index % 50);
  out.service.metadata.name = "service-" + std::to_string(index);
  out.service.spec.type = "ClusterIP";
  out.service.spec.cluster_ip =
      "10." + std::to_string(100 + index / 65536) + "." + std::to_string(index / 256 % 256) + "." + std::to_string(index % 256);
  out.service.spec.ports.emplace_back();
  out.service.spec.ports[0].name = "http";
  out.service.spec.ports[0].protocol = "TCP";
  out.service.spec.ports[0].port = 80;
  out.slice.address_type = "IPv4";
  for (int i = 0; i < endpoints; ++i) {
    auto& endpoint = out.slice.endpoints.emplace_back();
    endpoint.addresses = {"10.42." + std::to_string((index + i) / 256 % 256) + "." + std::to_string((index + i) % 256)};
    endpoint.node_name = "node-" + std::to_string(i);
  }
  auto& port = out.slice.ports.emplace_back();
  port.name = "http";
  port.protocol = "TCP";
  port.port = 8080;
  return out;
}

void put_one(Table& table, const Made& made) {
  const api::discovery_v1::EndpointSlice* slices[] = {&made.slice};
  table.update({made.service.metadata.namespace_, made.service.metadata.name}, &made.service, slices);
}

void run(int services) {
  const auto nft = os::make_nft();
  const long before = resident_kib();
  Table table(testing::config());
  auto start = Clock::now();
  table.rebuild({});
  for (int i = 0; i < services; ++i) put_one(table, make(i, 3));
  std::vector<std::string> steps = table.ruleset().take_transactions(chains_max);
  const double planned = ms_since(start);
  std::size_t bytes = 0;
  for (const std::string& step : steps) bytes += step.size();
  start = Clock::now();
  for (std::string& step : steps)
    if (const auto done = nft->run(std::exchange(step, {})); !done) std::printf("failed: %s\n", done.error().message.c_str());
  const double written = ms_since(start);
  const long peak = resident_kib();
  steps = {};
  malloc_trim(0);
  std::printf("%6d services: plan %.1f ms, %.1f MiB of text, kernel %.1f ms, resident +%.1f MiB (+%.1f MiB at the peak)\n", services, planned,
              static_cast<double>(bytes) / (1 << 20), written, static_cast<double>(resident_kib() - before) / 1024,
              static_cast<double>(peak - before) / 1024);
  start = Clock::now();
  constexpr int changes = 20;
  double planning = 0;
  for (int i = 0; i < changes; ++i) {
    const auto plan_start = Clock::now();
    put_one(table, make(i, 4));
    const std::string change = table.ruleset().take_transaction();
    planning += ms_since(plan_start);
    if (const auto one = nft->run(change); !one) std::printf("failed: %s\n", one.error().message.c_str());
  }
  std::printf("        one change: %.2f ms, of which planning %.3f ms\n", ms_since(start) / changes, planning / changes);
  (void)nft->run("delete table ip kube-proxy\n");
}

}  // namespace
}  // namespace pintle::proxy::nftables

int main() {
  if (!pintle::proxy::nftables::testing::enter_empty_network()) {
    std::puts("no network namespace to be had");
    return 1;
  }
  for (const int services : {10, 100, 1000, 10000}) pintle::proxy::nftables::run(services);
}
