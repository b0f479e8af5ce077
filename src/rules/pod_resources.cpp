#include "rules/pod_resources.h"

#include "rules/resource_names.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory_resource>

namespace pintle::rules {

namespace core = api::core_v1;

namespace {

using Side = ResourceList core::ResourceRequirements::*;
constexpr Side requests = &core::ResourceRequirements::requests;

// How amounts add up: exactly, or as integers.
struct Exact {
  using Amount = api::Quantity;
  static Amount of(std::string_view, const api::Quantity& quantity) { return quantity; }
  static void add(Amount& to, const Amount& more) { to = to + more; }
  static bool less(const Amount& a, const Amount& b) { return a.compare(b) < 0; }
  static bool is_zero(const Amount& amount) { return amount.is_zero(); }
};
struct Whole {
  using Amount = int64_t;
  static Amount of(std::string_view name, const api::Quantity& quantity) { return name == "cpu" ? quantity.milli_value() : quantity.value(); }
  static void add(Amount& to, Amount more) {
    if (__builtin_add_overflow(to, more, &to)) to = more < 0 ? std::numeric_limits<Amount>::min() : std::numeric_limits<Amount>::max();
  }
  static bool less(Amount a, Amount b) { return a < b; }
  static bool is_zero(Amount amount) { return amount == 0; }
};

bool has_pod_level(const ResourceList& list) {
  return std::ranges::any_of(list, [](const auto& item) { return is_pod_level_resource(item.first); });
}

bool resize_is_infeasible(const core::PodStatus& status) {
  const auto pending = std::ranges::find(status.conditions, "PodResizePending", &core::PodCondition::type);
  return pending != status.conditions.end() && pending->reason == "Infeasible";
}

// One pod, one side of its resources. Names are the client's to choose, and each container may bring new ones: sums are trees, in memory
// that is given back at once.
template <class Arithmetic>
class Walk {
 public:
  using Amount = typename Arithmetic::Amount;
  using Sums = std::pmr::map<std::string_view, Amount>;

  Walk(const core::PodSpec& spec, Side side, const PodResourceOptions& options) : spec_(spec), side_(side), options_(options) {
    if (options.status == nullptr) return;
    infeasible_ = resize_is_infeasible(*options.status);
    for (const auto* list : {&options.status->container_statuses, &options.status->init_container_statuses})
      for (const core::ContainerStatus& status : *list)
        if (status.resources) statuses_.emplace(status.name, &status);
  }

  FlatMap<Amount> run() {
    sum_containers();
    if (options_.pod_level && spec_.resources) put_pod_level();
    if (options_.overhead) add_overhead();
    FlatMap<Amount> out;
    out.reserve(total_.size());
    for (auto& [name, amount] : total_) out.append(name) = std::move(amount);
    return out;
  }

 private:
  void add(Sums& to, std::string_view name, const Amount& amount) {
    const auto [there, fresh] = to.try_emplace(name, amount);
    if (!fresh) Arithmetic::add(there->second, amount);
  }
  void raise(Sums& to, std::string_view name, const Amount& least) {
    const auto [there, fresh] = to.try_emplace(name, least);
    if (!fresh && Arithmetic::less(there->second, least)) there->second = least;
  }
  void raise(Sums& to, const ResourceList& least) {
    for (const auto& [name, quantity] : least) raise(to, name, Arithmetic::of(name, quantity));
  }
  // The most of what is asked, in use and allocated.
  Sums effective(const ResourceList& asked, const core::ResourceRequirements& actual, const ResourceList& allocated) {
    Sums out(&memory_);
    if (!infeasible_) raise(out, asked);
    raise(out, actual.*side_);
    if (side_ == requests) raise(out, allocated);
    return out;
  }

  // Calls visit(name, amount) with what a container counts with.
  template <class Visit>
  void each_amount(const core::Container& container, bool resizable, Visit visit) {
    const ResourceList& asked = container.resources.*side_;
    const auto status = resizable ? statuses_.find(container.name) : statuses_.end();
    if (status == statuses_.end()) {
      for (const auto& [name, quantity] : asked) visit(name, Arithmetic::of(name, quantity));
      each_missing([&](std::string_view name) { return asked.contains(name); }, visit);
    } else {
      const Sums sums = effective(asked, *status->second->resources, status->second->allocated_resources);
      for (const auto& [name, amount] : sums) visit(name, amount);
      each_missing([&](std::string_view name) { return sums.contains(name); }, visit);
    }
  }
  template <class IsThere, class Visit>
  void each_missing(IsThere is_there, Visit visit) {
    if (options_.if_missing == nullptr) return;
    for (const auto& [name, quantity] : *options_.if_missing)
      if (!is_there(name)) visit(name, Arithmetic::of(name, quantity));
  }

  void sum_containers() {
    for (const core::Container& container : spec_.containers)
      each_amount(container, true, [&](std::string_view name, const Amount& amount) { add(total_, name, amount); });
    Sums sidecars(&memory_);  // those started before, which go on running
    Sums peak(&memory_);      // of a name that an init container does not ask for, it was seen when the last sidecar came that does
    for (const core::Container& container : spec_.init_containers) {
      const bool sidecar = is_sidecar(container);
      each_amount(container, sidecar, [&](std::string_view name, const Amount& amount) {
        if (sidecar) {
          add(total_, name, amount);
          add(sidecars, name, amount);
        }
        const auto running = sidecars.find(name);
        Amount during = sidecar ? running->second : amount;
        if (!sidecar && running != sidecars.end()) Arithmetic::add(during, running->second);
        raise(peak, name, during);
      });
    }
    for (const auto& [name, amount] : peak) raise(total_, name, amount);
  }

  void put_pod_level() {
    const ResourceList& asked = (*spec_.resources).*side_;
    const core::PodStatus* status = options_.pod_level_status ? options_.status : nullptr;
    Sums resized(&memory_);
    const bool use_status = status != nullptr && status->resources;
    if (use_status) resized = effective(asked, *status->resources, status->allocated_resources);
    for (const auto& [name, quantity] : asked)
      if (is_pod_level_resource(name)) total_.insert_or_assign(name, use_status ? resized[name] : Arithmetic::of(name, quantity));
  }

  void add_overhead() {
    for (const auto& [name, quantity] : spec_.overhead) {
      if (side_ == requests) {
        add(total_, name, Arithmetic::of(name, quantity));
      } else if (const auto limit = total_.find(name); limit != total_.end() && !Arithmetic::is_zero(limit->second)) {
        Arithmetic::add(limit->second, Arithmetic::of(name, quantity));
      }
    }
  }

  const core::PodSpec& spec_;
  const Side side_;
  const PodResourceOptions& options_;
  bool infeasible_ = false;
  std::array<std::byte, 2048> first_;  // as much as most pods need
  std::pmr::monotonic_buffer_resource memory_{first_.data(), first_.size()};
  std::pmr::map<std::string_view, const core::ContainerStatus*> statuses_{&memory_};
  Sums total_{&memory_};
};

// --- class of service ---------------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 2> qos_resources = {"cpu", "memory"};

struct Service {
  std::array<api::Quantity, qos_resources.size()> requests, limits;  // in all
  bool limited = true;                                               // each has limits of both
};

void add_service(const core::ResourceRequirements& resources, Service& service) {
  for (std::size_t i = 0; i < qos_resources.size(); ++i) {
    const api::Quantity* request = resources.requests.get(qos_resources[i]);
    const api::Quantity* limit = resources.limits.get(qos_resources[i]);
    if (request != nullptr && request->sign() > 0) service.requests[i] = service.requests[i] + *request;
    if (limit != nullptr && limit->sign() > 0)
      service.limits[i] = service.limits[i] + *limit;
    else
      service.limited = false;
  }
}

}  // namespace

ResourceList pod_requests(const core::PodSpec& spec, const PodResourceOptions& options) { return Walk<Exact>(spec, requests, options).run(); }
ResourceList pod_limits(const core::PodSpec& spec, const PodResourceOptions& options) {
  return Walk<Exact>(spec, &core::ResourceRequirements::limits, options).run();
}
FlatMap<int64_t> pod_request_amounts(const core::PodSpec& spec, const PodResourceOptions& options) {
  return Walk<Whole>(spec, requests, options).run();
}

bool has_pod_level_requests(const core::PodSpec& spec) { return spec.resources && has_pod_level(spec.resources->requests); }

bool is_sidecar(const core::Container& init_container) { return init_container.restart_policy == "Always"; }

std::string_view qos_class(const core::Pod& pod) { return pod.status.qos_class.empty() ? qos_class_of_spec(pod.spec) : pod.status.qos_class; }

std::string_view qos_class_of_spec(const core::PodSpec& spec) {
  Service service;
  if (spec.resources) {
    add_service(*spec.resources, service);
  } else {
    for (const core::Container& container : spec.containers) add_service(container.resources, service);
    for (const core::Container& container : spec.init_containers) add_service(container.resources, service);
  }
  const auto none = [](const api::Quantity& sum) { return sum.is_zero(); };
  if (std::ranges::all_of(service.requests, none) && std::ranges::all_of(service.limits, none)) return "BestEffort";
  return service.limited && service.requests == service.limits ? "Guaranteed" : "Burstable";
}

}  // namespace pintle::rules
