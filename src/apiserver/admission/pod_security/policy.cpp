#include "apiserver/admission/pod_security/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "apimachinery/validation/field_errors.h"

namespace pintle::apiserver::admission::pod_security {
namespace {

constexpr std::string_view prefix = "pod-security.kubernetes.io/";
constexpr std::string_view level_names[] = {"privileged", "baseline", "restricted"};

std::optional<Level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i < std::size(level_names); ++i)
    if (text == level_names[i]) return static_cast<Level>(i);
  return std::nullopt;
}

// -1 for latest; nullopt unless "latest" or "v1.N".
std::optional<int> parse_version(std::string_view text) {
  if (text == "latest") return -1;
  if (!text.starts_with("v1.")) return std::nullopt;
  text.remove_prefix(3);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > 6 || !std::all_of(text.begin(), text.end(), is_digit) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  return std::stoi(std::string(text));
}

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

std::string to_string(const LevelVersion& policy) {
  const std::string version = policy.minor < 0 ? std::string("latest") : fmt::format("v1.{}", policy.minor);
  return fmt::format("{}:{}", level_names[static_cast<std::size_t>(policy.level)], version);
}

Policy policy_of(const FlatMap<std::string>& labels, std::vector<StatusCause>* errors) {
  Policy out;
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
