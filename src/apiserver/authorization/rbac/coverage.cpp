#include "apiserver/authorization/rbac/coverage.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace pintle::apiserver::authorization::rbac {
namespace {

// A set of held rules, a bit each.
using Mask = std::vector<uint64_t>;

bool any(const Mask& mask) {
  for (const uint64_t word : mask)
    if (word != 0) return true;
  return false;
}
bool meet(const Mask& a, const Mask& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if ((a[i] & b[i]) != 0) return true;
  return false;
}
Mask both(const Mask& a, const Mask& b) {
  Mask out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] & b[i];
  return out;
}

// Which held rules know a value of one kind: those that take any, and those that list it.
struct Dimension {
  Mask any_value;
  std::unordered_map<std::string_view, std::vector<uint32_t>> exact;

  void add(std::size_t rule, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      if (value == "*") any_value[rule / 64] |= uint64_t{1} << (rule % 64);
      exact[value].push_back(static_cast<uint32_t>(rule));
    }
  }
  void collect(std::string_view value, Mask& into) const {
    const auto it = exact.find(value);
    if (it == exact.end()) return;
    for (const uint32_t rule : it->second) into[rule / 64] |= uint64_t{1} << (rule % 64);
  }
  Mask mask_of(std::string_view value) const {
    Mask out = any_value;
    collect(value, out);
    return out;
  }
};

// Wanted values that exactly these held rules know.
struct Class {
  Mask mask;
  std::vector<std::string_view> values;
};

class Comparison {
 public:
  Comparison(std::span<const Rule* const> held, Listing listing) : held_(held), words_((held.size() + 63) / 64), all_(listing == Listing::All) {
    for (Dimension* dimension : {&verbs_, &groups_, &resources_, &names_}) dimension->any_value.assign(words_, 0);
    for (std::size_t i = 0; i < held.size(); ++i) {
      verbs_.add(i, held[i]->verbs);
      groups_.add(i, held[i]->groups);
      resources_.add(i, held[i]->resources);
      for (const std::string& name : held[i]->names) names_.exact[name].push_back(static_cast<uint32_t>(i));
      if (held[i]->names.empty()) names_.any_value[i / 64] |= uint64_t{1} << (i % 64);
    }
  }

  void compare(const Rule& wanted);
  bool done() const { return out_.more || out_.too_many; }
  Coverage take() {
    out_.more = out_.more || clipped_;
    return std::move(out_);
  }

 private:
  bool spend(std::size_t steps) {
    steps_ += steps;
    out_.too_many = out_.too_many || steps_ > coverage_steps_max;
    return !out_.too_many;
  }
  // Empty when it is too much.
  template <class MaskOf>
  std::vector<Class> classes(const std::vector<std::string>& values, MaskOf&& mask_of);
  std::vector<Class> name_classes(const Rule& wanted);
  Mask url_mask(std::string_view url);
  Mask resource_mask(std::string_view resource) const;
  // The verbs of which no rule in `held` knows.
  std::vector<std::string> missing_verbs(const std::vector<Class>& verbs, const Mask& held);
  void list(Rule rule);
  void list_all(const std::vector<std::string>& verbs, const Class& groups, const Class& resources, const Class& names);
  void compare_names(const std::vector<Class>& verbs, const Class& groups, const Class& resources, const std::vector<Class>& names);
  void compare_urls(const Rule& wanted, const std::vector<Class>& verbs);

  const std::span<const Rule* const> held_;
  const std::size_t words_;
  const bool all_;
  std::size_t steps_ = 0;
  std::size_t bytes_ = 0;  // of what is listed
  bool clipped_ = false;   // not every verb of it is
  Dimension verbs_, groups_, resources_, names_;
  Coverage out_;
};

template <class MaskOf>
std::vector<Class> Comparison::classes(const std::vector<std::string>& values, MaskOf&& mask_of) {
  std::map<Mask, std::size_t> by_mask;
  std::vector<Class> out;  // in the order of the values, which is how they are listed
  std::unordered_set<std::string_view> seen;
  for (const std::string& value : values) {
    if (!seen.insert(value).second) continue;
    if (!spend(words_ + 1)) return {};
    const auto [it, is_new] = by_mask.emplace(mask_of(value), out.size());
    if (is_new) out.push_back({it->first, {}});
    out[it->second].values.push_back(value);
  }
  return out;
}

// "*/scale" stands for the subresource of every resource.
Mask Comparison::resource_mask(std::string_view resource) const {
  Mask out = resources_.mask_of(resource);
  const auto slash = resource.find('/');
  if (slash != std::string_view::npos && slash + 1 < resource.size()) resources_.collect("*" + std::string(resource.substr(slash)), out);
  return out;
}

Mask Comparison::url_mask(std::string_view url) {
  Mask out(words_, 0);
  for (std::size_t i = 0; i < held_.size(); ++i) {
    for (const std::string& held : held_[i]->urls) {
      if (!spend(1)) return out;
      if (!url_covers(held, url)) continue;
      out[i / 64] |= uint64_t{1} << (i % 64);
      break;
    }
  }
  return out;
}

std::vector<Class> Comparison::name_classes(const Rule& wanted) {
  if (wanted.names.empty()) return {{names_.any_value, {}}};  // every name: only rules that name none know it
  return classes(wanted.names, [this](std::string_view name) { return names_.mask_of(name); });
}

std::vector<std::string> Comparison::missing_verbs(const std::vector<Class>& verbs, const Mask& held) {
  std::vector<std::string> out;
  for (const Class& verb : verbs) {
    if (!spend(words_ + 1)) return {};
    if (meet(verb.mask, held)) continue;
    for (const auto value : verb.values) {
      if (!all_ && out.size() == missing_verbs_max) {
        clipped_ = true;
        return out;
      }
      out.emplace_back(value);
    }
  }
  return out;
}

void Comparison::list(Rule rule) {
  bytes_ += rule.bytes();
  if (!all_ && (out_.missing.size() == missing_rules_max || bytes_ > missing_bytes_max)) {
    out_.more = true;
  } else {
    out_.missing.push_back(std::move(rule));
  }
}

void Comparison::list_all(const std::vector<std::string>& verbs, const Class& groups, const Class& resources, const Class& names) {
  for (const auto group : groups.values) {
    for (const auto resource : resources.values) {
      if (names.values.empty()) list({verbs, {std::string(group)}, {std::string(resource)}, {}, {}});
      for (const auto name : names.values) {
        if (done()) return;
        list({verbs, {std::string(group)}, {std::string(resource)}, {std::string(name)}, {}});
      }
      if (done()) return;
    }
  }
}

void Comparison::compare_names(const std::vector<Class>& verbs, const Class& groups, const Class& resources, const std::vector<Class>& names) {
  const Mask here = both(groups.mask, resources.mask);
  for (const Class& name : names) {
    if (done() || !spend(words_ + 1)) return;
    const std::vector<std::string> missing = missing_verbs(verbs, any(here) ? both(here, name.mask) : here);
    if (!missing.empty()) list_all(missing, groups, resources, name);
  }
}

void Comparison::compare_urls(const Rule& wanted, const std::vector<Class>& verbs) {
  const auto urls = classes(wanted.urls, [this](std::string_view url) { return url_mask(url); });
  for (const Class& url : urls) {
    const std::vector<std::string> missing = missing_verbs(verbs, url.mask);
    if (missing.empty()) continue;
    for (const auto value : url.values) {
      if (done()) return;
      list({missing, {}, {}, {}, {std::string(value)}});
    }
  }
}

void Comparison::compare(const Rule& wanted) {
  const auto verbs = classes(wanted.verbs, [this](std::string_view verb) { return verbs_.mask_of(verb); });
  const auto groups = classes(wanted.groups, [this](std::string_view group) { return groups_.mask_of(group); });
  const auto resources = classes(wanted.resources, [this](std::string_view resource) { return resource_mask(resource); });
  const auto names = name_classes(wanted);
  if (done()) return;
  for (const Class& group : groups)
    for (const Class& resource : resources) compare_names(verbs, group, resource, names);
  if (!done()) compare_urls(wanted, verbs);
}

}  // namespace

Coverage cover(std::span<const Rule* const> held, std::span<const Rule> wanted, Listing listing) {
  Comparison comparison(held, listing);
  for (const Rule& rule : wanted) {
    if (comparison.done()) break;
    comparison.compare(rule);
  }
  return comparison.take();
}

}  // namespace pintle::apiserver::authorization::rbac
