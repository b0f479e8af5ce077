#include "component/settings.h"

#include <algorithm>

#include "component/feature_gates.h"

namespace pintle::component {

namespace {

const codec::Value* find_path(const codec::Value& value, std::string_view path) {
  const codec::Value* at = &value;
  while (at != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    at = at->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

}  // namespace

std::vector<std::string> differing_settings(const codec::Value& ours, const codec::Value& defaults, std::span<const std::string_view> paths) {
  std::vector<std::string> out;
  for (const std::string_view path : paths) {
    const codec::Value *a = find_path(ours, path), *b = find_path(defaults, path);
    const bool same = a == nullptr || b == nullptr ? a == b : *a == *b;
    if (!same) out.emplace_back(path);
  }
  return out;
}

std::vector<std::string> unasked_gates(const std::map<std::string, bool>& wanted, std::span<const std::string_view> asked) {
  std::vector<std::string> out;
  for (const auto& [name, on] : wanted) {
    const FeatureSpec* gate = find_feature(name);
    if (gate != nullptr && gate->on != on && std::ranges::find(asked, name) == asked.end()) out.push_back("featureGates." + name);
  }
  return out;
}

}  // namespace pintle::component
