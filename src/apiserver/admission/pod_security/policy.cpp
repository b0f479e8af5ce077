#include "apiserver/admission/pod_security/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "apimachinery/validation/field_errors.h"

namespace pintle::apiserver::admission::pod_security {
namespace {

constexpr std::string_view prefix = "pod-security.kubernetes.io/";
constexpr std::string_view level_names[] = {"privileged", "baseline", "restricted"};

class Reader {
 public:
  Reader(const FlatMap<std::string>& labels, std::vector<StatusCause>* errors) : labels_(labels), errors_(errors) {}

  // True if the label for the level is there.
  bool level(std::string_view mode, Level if_bad, LevelVersion& out, bool* good = nullptr) {
    const std::string* text = labels_.get(fmt::format("{}{}", prefix, mode));
    if (!text) return false;
    const auto level = parse_level(*text);
    out.level = level.value_or(if_bad);
    if (good) *good = level.has_value();
    if (!level) complain(mode, "", *text, "must be one of privileged, baseline, restricted");
    return true;
  }
  bool version(std::string_view mode, LevelVersion& out) {
    const std::string* text = labels_.get(fmt::format("{}{}-version", prefix, mode));
    if (!text) return false;
    const auto minor = parse_version(*text);
    out.minor = minor.value_or(-1);
    if (!minor) complain(mode, "-version", *text, "must be \"latest\" or \"v1.x\"");
    return true;
  }

 private:
  void complain(std::string_view mode, std::string_view suffix, const std::string& value, std::string_view detail) {
    if (!errors_) return;
    const std::string key = fmt::format("{}{}{}", prefix, mode, suffix);
    apimachinery::FieldErrors errors;
    errors.invalid(apimachinery::FieldPath("metadata", "labels").key(key), value, detail);
    errors_->push_back(errors.causes().front());
  }
  const FlatMap<std::string>& labels_;
  std::vector<StatusCause>* errors_;
};

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i < std::size(level_names); ++i)
    if (text == level_names[i]) return static_cast<Level>(i);
  return std::nullopt;
}

std::optional<int> parse_version(std::string_view text) {
  if (text == "latest") return -1;
  if (!text.starts_with("v1.")) return std::nullopt;
  text.remove_prefix(3);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > 6 || !std::all_of(text.begin(), text.end(), is_digit) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  return std::stoi(std::string(text));
}

std::string to_string(const LevelVersion& policy) {
  const std::string version = policy.minor < 0 ? std::string("latest") : fmt::format("v1.{}", policy.minor);
  return fmt::format("{}:{}", level_names[static_cast<std::size_t>(policy.level)], version);
}

std::string exemption_warning(std::string_view ns, const FlatMap<std::string>& labels, const NamespacePolicy& policy,
                              const NamespacePolicy& defaults) {
  const LevelVersion* const all[] = {&policy.enforce, &policy.audit, &policy.warn};
  const LevelVersion* const usual[] = {&defaults.enforce, &defaults.audit, &defaults.warn};
  constexpr std::string_view modes[] = {"enforce", "audit", "warn"};
  bool privileged = true, same = true;
  std::string text;
  for (std::size_t i = 0; i < std::size(modes); ++i) {
    const bool is_privileged = all[i]->level == Level::Privileged;
    privileged = privileged && is_privileged;
    // Versions of what is privileged say nothing.
    same = same && (*all[i] == *usual[i] || (is_privileged && usual[i]->level == Level::Privileged));
    const std::string label = fmt::format("{}{}", prefix, modes[i]);
    if (is_privileged || (!labels.contains(label) && !labels.contains(label + "-version"))) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", modes[i], to_string(*all[i]));
  }
  if (privileged || same) return "";
  return fmt::format("namespace \"{}\" is exempt from Pod Security, and the policy ({}) will be ignored", ns, text);
}

NamespacePolicy policy_of(const FlatMap<std::string>& labels, const NamespacePolicy& defaults, std::vector<StatusCause>* errors) {
  NamespacePolicy out = defaults;
  if (labels.empty()) return out;
  Reader reader(labels, errors);
  bool enforces = false;
  reader.level("enforce", Level::Restricted, out.enforce, &enforces);
  reader.version("enforce", out.enforce);
  reader.level("audit", Level::Privileged, out.audit);
  reader.version("audit", out.audit);
  const bool warns = reader.level("warn", Level::Privileged, out.warn);
  const bool warn_version = reader.version("warn", out.warn);
  if (!warns && enforces && out.enforce.level > out.warn.level) {
    out.warn.level = out.enforce.level;
    if (!warn_version) out.warn.minor = out.enforce.minor;
  }
  return out;
}

}  // namespace pintle::apiserver::admission::pod_security
