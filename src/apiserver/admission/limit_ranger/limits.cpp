#include "apiserver/admission/limit_ranger/limits.h"

#include <fmt/format.h>

#include <limits>

#include "apimachinery/quota/pod_resources.h"

namespace pintle::apiserver {
namespace {

using namespace apimachinery::quota;

using namespace api::core_v1;
using api::Quantity;

constexpr std::string_view annotation = "kubernetes.io/limit-ranger";

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
    const std::string what = fmt::format("minimum {} usage per {} is {}", name, item_.type, bound.text());
    if (!request) out_.push_back(what + ".  No request is specified");
    else if (request->compare(bound) < 0) out_.push_back(fmt::format("{}, but request is {}", what, request->text()));
    else if (limit && limit->compare(bound) < 0) out_.push_back(fmt::format("{}, but limit is {}", what, limit->text()));
  }
  void check_max(const std::string& name, const Quantity& bound) {
    const Quantity* request = requests_.get(name);
    const Quantity* limit = limits_.get(name);
    const std::string what = fmt::format("maximum {} usage per {} is {}", name, item_.type, bound.text());
    if (!limit) out_.push_back(what + ".  No limit is specified");
    else if (limit->compare(bound) > 0) out_.push_back(fmt::format("{}, but limit is {}", what, limit->text()));
    else if (request && request->compare(bound) > 0) out_.push_back(fmt::format("{}, but request is {}", what, request->text()));
  }
  // Of claims, which have no limits.
  void check_max_request(const std::string& name, const Quantity& bound) {
    const Quantity* request = requests_.get(name);
    const std::string what = fmt::format("maximum {} usage per {} is {}", name, item_.type, bound.text());
    if (!request) out_.push_back(what + ".  No request is specified");
    else if (request->compare(bound) > 0) out_.push_back(fmt::format("{}, but request is {}", what, request->text()));
  }

 private:
  void check_ratio(const std::string& name, const Quantity& bound) {
    const Quantity* request = requests_.get(name);
    const Quantity* limit = limits_.get(name);
    const std::string what = fmt::format("{} max limit to request ratio per {} is {}", name, item_.type, bound.text());
    if (!request || request->is_zero()) return out_.push_back(what + ", but no request is specified or request is 0");
    if (!limit || limit->is_zero()) return out_.push_back(what + ", but no limit is specified or limit is 0");
    const double ratio = number(*limit) / number(*request);
    if (ratio > number(bound)) out_.push_back(fmt::format("{}, but provided ratio is {:f}", what, ratio));
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

void apply_defaults(const LimitRange& range, Pod& pod) {
  ResourceList requests, limits;
  for (const auto& item : range.spec.limits) {
    if (item.type != "Container") continue;
    for (const auto& [name, quantity] : item.default_request) requests[name] = quantity;
    for (const auto& [name, quantity] : item.default_) limits[name] = quantity;
  }
  std::string note;
  fill_in(pod.spec.containers, "container", requests, limits, note);
  fill_in(pod.spec.init_containers, "init container", requests, limits, note);
  if (!note.empty()) pod.metadata.annotations[annotation] = "LimitRanger plugin set: " + note;
}

std::vector<std::string> violations(const LimitRange& range, const PodSpec& pod) {
  std::vector<std::string> out;
  for (const auto& item : range.spec.limits) {
    if (item.type == "Container") {
      for (const auto& container : pod.containers) Bounds(item, container.resources.requests, container.resources.limits, out).check_all();
      for (const auto& container : pod.init_containers) Bounds(item, container.resources.requests, container.resources.limits, out).check_all();
    } else if (item.type == "Pod") {
      const ResourceList requests = pod_requests(pod, false);
      const ResourceList limits = pod_limits(pod, false);
      Bounds(item, requests, limits, out).check_all();
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

}  // namespace pintle::apiserver
