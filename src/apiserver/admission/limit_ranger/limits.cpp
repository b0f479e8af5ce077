#include "apiserver/admission/limit_ranger/limits.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

#include "rules/pod_resources.h"

namespace pintle::apiserver::admission {
namespace {

using rules::ResourceList;

using namespace api::core_v1;
using api::Quantity;

constexpr std::string_view annotation = "kubernetes.io/limit-ranger";

// Of an entry of a resource list: two short texts and what holds them.
std::size_t bytes_of(const ResourceList& list) {
  std::size_t bytes = 0;
  for (const auto& [name, quantity] : list) bytes += sizeof(std::string) + sizeof(Quantity) + 2 * name.size();  // once more in the annotation
  return bytes;
}

std::size_t containers_of(const PodSpec& pod) { return pod.containers.size() + pod.init_containers.size(); }

Unexpected<Status> too_much(const LimitRange& range, std::string_view what) {
  return error(Reason::RequestEntityTooLarge, fmt::format("limit range {} {} too much for a pod of so many containers", range.metadata.name, what));
}

// The names set, "cpu, memory"; "" for none.
std::string fill_in(ResourceList& list, const ResourceList& defaults) {
  std::string set;
  for (const auto& [name, quantity] : defaults) {
    if (list.contains(name)) continue;
    list[name] = quantity;
    set.append(set.empty() ? "" : ", ").append(name);
  }
  return set;
}

void fill_in(std::vector<Container>& containers, std::string_view kind, const ResourceList& requests, const ResourceList& limits, std::string& note) {
  const auto say = [&](const std::string& set, std::string_view what, const Container& container) {
    if (!set.empty()) note += fmt::format("{}{} {} for {} {}", note.empty() ? "" : "; ", set, what, kind, container.name);
  };
  for (auto& container : containers) {
    const std::string limits_set = fill_in(container.resources.limits, limits);
    const std::string requests_set = fill_in(container.resources.requests, requests);
    say(requests_set, "request", container);
    say(limits_set, "limit", container);
  }
}

// Checks the bounds of one item against one set of requests and limits.
class Bounds {
 public:
  Bounds(const LimitRangeItem& item, const ResourceList& requests, const ResourceList& limits, std::vector<std::string>& out)
      : item_(item), requests_(requests), limits_(limits), out_(out) {}

  void check_all() {
    for (const auto& [name, bound] : item_.min) check_min(name, bound);
    for (const auto& [name, bound] : item_.max) check_max(name, bound);
    for (const auto& [name, bound] : item_.max_limit_request_ratio) check_ratio(name, bound);
  }
  void check_min(const std::string& name, const Quantity& bound) {
    const Quantity* request = requests_.get(name);
    const Quantity* limit = limits_.get(name);
    const auto say = [&](std::string_view more) { tell(fmt::format("minimum {} usage per {} is {}{}", name, item_.type, bound.text(), more)); };
    if (!request)
      say(".  No request is specified");
    else if (request->compare(bound) < 0)
      say(", but request is " + request->text());
    else if (limit && limit->compare(bound) < 0)
      say(", but limit is " + limit->text());
  }
  void check_max(const std::string& name, const Quantity& bound) {
    const Quantity* request = requests_.get(name);
    const Quantity* limit = limits_.get(name);
    const auto say = [&](std::string_view more) { tell_max(name, bound, more); };
    if (!limit)
      say(".  No limit is specified");
    else if (limit->compare(bound) > 0)
      say(", but limit is " + limit->text());
    else if (request && request->compare(bound) > 0)
      say(", but request is " + request->text());
  }
  // Of claims, which have no limits.
  void check_max_request(const std::string& name, const Quantity& bound) {
    const Quantity* request = requests_.get(name);
    if (!request)
      tell_max(name, bound, ".  No request is specified");
    else if (request->compare(bound) > 0)
      tell_max(name, bound, ", but request is " + request->text());
  }

 private:
  void tell(std::string text) {
    if (out_.size() < limit_violations_max) out_.push_back(std::move(text));
  }
  void tell_max(const std::string& name, const Quantity& bound, std::string_view more) {
    tell(fmt::format("maximum {} usage per {} is {}{}", name, item_.type, bound.text(), more));
  }
  void check_ratio(const std::string& name, const Quantity& bound) {
    const Quantity* request = requests_.get(name);
    const Quantity* limit = limits_.get(name);
    const auto say = [&](std::string_view more) {
      tell(fmt::format("{} max limit to request ratio per {} is {}{}", name, item_.type, bound.text(), more));
    };
    if (!request || request->is_zero()) return say(", but no request is specified or request is 0");
    if (!limit || limit->is_zero()) return say(", but no limit is specified or limit is 0");
    const double ratio = number(*limit) / number(*request);
    if (ratio > number(bound)) say(fmt::format(", but provided ratio is {:f}", ratio));
  }
  static double number(const Quantity& quantity) {
    const int64_t milli = quantity.milli_value();
    if (milli != std::numeric_limits<int64_t>::max()) return static_cast<double>(milli) / 1000;
    return static_cast<double>(quantity.value());
  }

  const LimitRangeItem& item_;
  const ResourceList& requests_;
  const ResourceList& limits_;
  std::vector<std::string>& out_;
};

}  // namespace

Result<Unit> apply_defaults(const LimitRange& range, Pod& pod) {
  ResourceList requests, limits;
  for (const auto& item : range.spec.limits) {
    if (item.type != "Container") continue;
    for (const auto& [name, quantity] : item.default_request) requests[name] = quantity;
    for (const auto& [name, quantity] : item.default_) limits[name] = quantity;
  }
  if ((bytes_of(requests) + bytes_of(limits)) * containers_of(pod.spec) > limit_defaults_bytes_max) return too_much(range, "sets");
  std::string note;
  fill_in(pod.spec.containers, "container", requests, limits, note);
  fill_in(pod.spec.init_containers, "init container", requests, limits, note);
  if (!note.empty()) pod.metadata.annotations[annotation] = "LimitRanger plugin set: " + note;
  return Unit{};
}

Result<std::vector<std::string>> violations(const LimitRange& range, const PodSpec& pod) {
  std::size_t bounds = 0;
  for (const auto& item : range.spec.limits)
    if (item.type == "Container") bounds += item.min.size() + item.max.size() + item.max_limit_request_ratio.size();
  if (bounds * containers_of(pod) > limit_comparisons_max) return too_much(range, "compares");
  std::vector<std::string> out;
  std::optional<ResourceList> requests, limits;  // of the whole pod
  for (const auto& item : range.spec.limits) {
    if (item.type == "Container") {
      for (const auto& container : pod.containers) Bounds(item, container.resources.requests, container.resources.limits, out).check_all();
      for (const auto& container : pod.init_containers) Bounds(item, container.resources.requests, container.resources.limits, out).check_all();
    } else if (item.type == "Pod") {
      if (!requests) requests = rules::pod_requests(pod, {.overhead = false}), limits = rules::pod_limits(pod, {.overhead = false});
      Bounds(item, *requests, *limits, out).check_all();
    }
  }
  return out;
}

std::vector<std::string> violations(const LimitRange& range, const PersistentVolumeClaimSpec& claim) {
  std::vector<std::string> out;
  const ResourceList none;
  for (const auto& item : range.spec.limits) {
    if (item.type != "PersistentVolumeClaim") continue;
    Bounds bounds(item, claim.resources.requests, none, out);
    for (const auto& [name, bound] : item.min) bounds.check_min(name, bound);
    for (const auto& [name, bound] : item.max) bounds.check_max_request(name, bound);
  }
  return out;
}

}  // namespace pintle::apiserver::admission
