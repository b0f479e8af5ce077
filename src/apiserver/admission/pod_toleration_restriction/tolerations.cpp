#include "apiserver/admission/pod_toleration_restriction/tolerations.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "apimachinery/validation/formats.h"
#include "codec/json.h"

namespace pintle::apiserver::admission::pod_toleration_restriction {
namespace {

bool is_same(const Toleration& a, const Toleration& b) { return api::equal(api::type_of<Toleration>(), &a, &b); }

}  // namespace

bool covers(const Toleration& wide, const Toleration& narrow) {
  if (is_same(wide, narrow)) return true;
  const bool any_key = wide.key.empty() && wide.operator_ == "Exists";
  if (narrow.key != wide.key && !any_key) return false;
  if (narrow.effect != wide.effect && !wide.effect.empty()) return false;
  if (wide.effect == "NoExecute" && wide.toleration_seconds && (!narrow.toleration_seconds || *narrow.toleration_seconds > *wide.toleration_seconds))
    return false;
  if (wide.operator_ == "Exists") return true;
  return (wide.operator_.empty() || wide.operator_ == "Equal") && narrow.operator_ == "Equal" && narrow.value == wide.value;
}

Tolerations merge(const Tolerations& first, const Tolerations& second) {
  Tolerations all = first;
  all.insert(all.end(), second.begin(), second.end());
  Tolerations out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto is_redundant = [&](const Toleration& other) { return covers(other, all[i]); };
    if (std::ranges::any_of(out, is_redundant)) continue;
    const auto rest = std::span(all).subspan(i + 1);
    if (std::ranges::any_of(rest, [&](const Toleration& other) { return !is_same(other, all[i]) && covers(other, all[i]); })) continue;
    out.push_back(all[i]);
  }
  return out;
}

bool are_allowed(const Tolerations& tolerations, const Tolerations& allowed) {
  return allowed.empty() || std::ranges::all_of(tolerations, [&](const Toleration& one) {
           return std::ranges::any_of(allowed, [&](const Toleration& wide) { return covers(wide, one); });
         });
}

Result<std::optional<Tolerations>> of_annotation(const api::core_v1::Namespace& ns, std::string_view annotation) {
  const std::string* text = ns.metadata.annotations.get(annotation);
  if (!text) return std::optional<Tolerations>();
  Tolerations out;
  if (text->empty()) return std::optional(std::move(out));
  const auto cannot_read = [&](std::string_view why) {
    return error(Reason::Unknown, fmt::format("the annotation {} of the namespace {}: {}", annotation, ns.metadata.name, why));
  };
  const auto value = codec::parse_json(*text);
  if (!value) return cannot_read(value.error().message);
  if (value->is_null()) return std::optional(std::move(out));
  if (!value->is_array()) return cannot_read("not a list");
  for (const auto& item : value->as_array()) {
    Toleration& one = out.emplace_back();
    if (const auto decoded = api::decode_value(item, api::type_of<Toleration>(), &one); !decoded) return cannot_read(decoded.error().message);
  }
  return std::optional(std::move(out));
}

Result<Unit> check(std::span<const Toleration> tolerations, std::string_view list) {
  for (std::size_t i = 0; i < tolerations.size(); ++i) {
    const Toleration& one = tolerations[i];
    const auto wrong = [&](std::string_view why) { return error(Reason::Invalid, fmt::format("{}[{}]: {}", list, i, why)); };
    if (!one.key.empty())
      if (const auto faults = apimachinery::check_qualified_name(one.key); !faults.empty()) return wrong("key: " + faults.front());
    if (one.key.empty() && one.operator_ != "Exists") return wrong("without a key the operator must be Exists");
    if (one.toleration_seconds && one.effect != "NoExecute") return wrong("tolerationSeconds needs the effect NoExecute");
    if (!one.operator_.empty() && one.operator_ != "Equal" && one.operator_ != "Exists") return wrong("operator: must be Equal or Exists");
    if (one.operator_ == "Exists" && !one.value.empty()) return wrong("with the operator Exists the value must be empty");
    if (const auto faults = apimachinery::check_label_value(one.value); !faults.empty()) return wrong("value: " + faults.front());
    constexpr std::string_view effects[] = {"", "NoSchedule", "PreferNoSchedule", "NoExecute"};
    if (std::ranges::find(effects, one.effect) == std::end(effects)) return wrong("effect: must be NoSchedule, PreferNoSchedule or NoExecute");
  }
  return Unit{};
}

}  // namespace pintle::apiserver::admission::pod_toleration_restriction
