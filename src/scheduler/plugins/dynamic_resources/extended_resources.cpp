#include "scheduler/plugins/dynamic_resources/extended_resources.h"

#include <algorithm>
#include <optional>
#include <set>

#include "rules/pod_resources.h"

namespace pintle::scheduler::plugins {

namespace {

using api::core_v1::Container;
using api::resource_v1::DeviceRequest;
using Mappings = std::vector<api::core_v1::ContainerExtendedResourceRequest>;
using MaybeRequests = std::vector<std::optional<DeviceRequest>>;  // one a container

// The whole amount; 0: none, or no whole number.
int64_t whole_amount(const Container& container, const std::string& resource) {
  const api::Quantity* amount = container.resources.requests.get(resource);
  if (amount == nullptr) return 0;
  const int64_t value = amount->value();
  return *amount == api::Quantity::from_int(value) ? value : 0;
}

// "container-2-request-0": the place of the container, and of the resource among all that it asks for.
std::string request_name(std::size_t at, const Container& container, const std::string& resource) {
  const auto& requests = container.resources.requests;  // sorted by name
  const auto place = requests.find(resource) - requests.begin();
  return "container-" + std::to_string(at) + "-request-" + std::to_string(place);
}

// What the container needs beyond `reusable`.
std::optional<DeviceRequest> request_of(std::size_t at, const Container& container, const ResourceClass& resource,
                                        std::span<const std::optional<DeviceRequest>> reusable, Mappings& mappings) {
  const int64_t amount = whole_amount(container, resource.resource);
  if (amount == 0) return std::nullopt;
  int64_t has = 0;
  for (const auto& request : reusable) {
    if (!request) continue;
    has += request->exactly->count;
    mappings.push_back({container.name, resource.resource, request->name});
    if (has >= amount) return std::nullopt;
  }
  DeviceRequest out;
  out.name = request_name(at, container, resource.resource);
  auto& exactly = out.exactly.ensure();
  exactly.device_class_name = resource.device_class;
  exactly.allocation_mode = "ExactCount";
  exactly.count = amount - has;
  mappings.push_back({container.name, resource.resource, out.name});
  return out;
}

void add_resource(const std::vector<const Container*>& containers, std::size_t init_count, const ResourceClass& resource, ExtendedRequests& out) {
  const auto ends_early = [&](std::size_t i) { return i < init_count && !rules::is_sidecar(*containers[i]); };
  MaybeRequests lasting(containers.size());
  Mappings of_lasting, of_early;
  for (std::size_t i = 0; i < containers.size(); ++i)
    if (!ends_early(i)) lasting[i] = request_of(i, *containers[i], resource, {}, of_lasting);
  std::optional<DeviceRequest> most;  // of those that end: they run one after the other
  std::set<std::string> early_names;
  for (std::size_t i = 0; i < containers.size(); ++i) {
    if (!ends_early(i)) continue;
    auto request = request_of(i, *containers[i], resource, std::span(lasting).subspan(i), of_early);
    if (!request) continue;
    early_names.insert(request->name);
    if (!most || most->exactly->count < request->exactly->count) most = std::move(request);
  }
  for (auto& mapping : of_early)
    if (most && early_names.contains(mapping.request_name)) mapping.request_name = most->name;
  if (most) out.requests.push_back(std::move(*most));
  for (auto& request : lasting)
    if (request) out.requests.push_back(std::move(*request));
  std::ranges::move(of_lasting, std::back_inserter(out.mappings));
  std::ranges::move(of_early, std::back_inserter(out.mappings));
}

}  // namespace

ExtendedRequests extended_requests(const api::core_v1::PodSpec& spec, const std::vector<ResourceClass>& resources) {
  std::vector<const Container*> containers;
  for (const Container& container : spec.init_containers) containers.push_back(&container);
  for (const Container& container : spec.containers) containers.push_back(&container);
  ExtendedRequests out;
  for (const ResourceClass& resource : resources) add_resource(containers, spec.init_containers.size(), resource, out);
  std::ranges::stable_sort(out.requests, {}, &DeviceRequest::name);
  return out;
}

}  // namespace pintle::scheduler::plugins
