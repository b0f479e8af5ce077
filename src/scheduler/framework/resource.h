// Resource: amounts of what a node offers and a pod asks for, as plain integers: what filters and scores compute with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "base/flat_map.h"

namespace pintle::scheduler {

// What a pod without requests counts as when nodes are scored.
constexpr int64_t default_milli_cpu_request = 100;
constexpr int64_t default_memory_request_bytes = 200 * 1024 * 1024;

struct Resource {
  int64_t milli_cpu = 0;
  int64_t memory = 0;             // bytes
  int64_t ephemeral_storage = 0;  // bytes
  int64_t allowed_pods = 0;       // of nodes
  FlatMap<int64_t> scalars;       // extended resources, huge pages

  void add(const Resource& other, int64_t sign = 1);
  void max_with(const Resource& other);
  // By the name in the API ("cpu" in milli units); 0: not there.
  int64_t get(std::string_view name) const;
  int64_t* find(std::string_view name);
  bool operator==(const Resource&) const = default;
};

// The amounts of a map of quantities; "pods" too. Names that are neither native nor scalar are left out, as upstream's.
Resource to_resource(const FlatMap<api::Quantity>& quantities);
// Extended resources, huge pages, hugepages-*, attachable-volumes-*.
bool is_scalar_resource(std::string_view name);

// What a pod asks for (rules/pod_resources.h), containers that are being resized as their status says. Scores count containers that
// state no cpu or memory with the defaults above.
struct RequestedResource {
  Resource requests;
  int64_t non_zero_milli_cpu = 0;
  int64_t non_zero_memory = 0;  // bytes
};
RequestedResource requested_by(const api::core_v1::Pod& pod);

}  // namespace pintle::scheduler
