#include "rules/resource_names.h"

#include <string>

#include "apimachinery/validation/formats.h"

namespace pintle::rules {

namespace {

constexpr std::string_view requests_prefix = "requests.";  // a quota's names of requests

}  // namespace

bool is_native_resource(std::string_view name) { return !name.contains('/') || name.contains("kubernetes.io/"); }

bool is_extended_resource(std::string_view name) {
  if (is_native_resource(name) || name.starts_with(requests_prefix)) return false;
  return apimachinery::check_qualified_name(std::string(requests_prefix).append(name)).empty();
}

bool is_huge_pages(std::string_view name) { return name.starts_with("hugepages-"); }
bool is_overcommitted(std::string_view name) { return is_native_resource(name) && !is_huge_pages(name); }
bool is_pod_level_resource(std::string_view name) { return name == "cpu" || name == "memory" || is_huge_pages(name); }

}  // namespace pintle::rules
