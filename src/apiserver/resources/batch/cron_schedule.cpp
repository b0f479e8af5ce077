#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "api/values.h"
#include "apiserver/resources/batch/batch.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

struct FieldRule {
  std::string_view name;
  int min = 0;
  int max = 0;
  std::string_view words;  // three letters each, from `min` on
};
constexpr std::array<FieldRule, 5> rules{{{"minute", 0, 59, ""},
                                          {"hour", 0, 23, ""},
                                          {"day of month", 1, 31, ""},
                                          {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                          {"day of week", 0, 6, "sunmontuewedthufrisat"}}};

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> out;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(mark, start), text.size());
    out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

bool parse_value(std::string_view text, const FieldRule& rule, int& out) {
  if (text.size() == 3 && !rule.words.empty()) {
    const std::size_t at = rule.words.find(to_lower(text));
    if (at != std::string_view::npos && at % 3 == 0) {
      out = rule.min + static_cast<int>(at / 3);
      return true;
    }
  }
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size() && out >= 0;
}

// One item of a list: "*", "3", "1-5", each with "/step".
std::string check_item(std::string_view item, const FieldRule& rule) {
  const auto wrong = [&] { return fmt::format("\"{}\" is no {} of a cron schedule", item, rule.name); };
  const std::vector<std::string_view> parts = split(item, '/');
  if (parts.size() > 2) return wrong();
  int low = rule.min;
  int high = rule.max;
  if (parts[0] != "*" && parts[0] != "?") {
    const std::vector<std::string_view> ends = split(parts[0], '-');
    if (ends.size() > 2 || !parse_value(ends[0], rule, low)) return wrong();
    high = parts.size() == 2 ? rule.max : low;
    if (ends.size() == 2 && !parse_value(ends[1], rule, high)) return wrong();
  }
  int step = 1;
  if (parts.size() == 2 && (!parse_value(parts[1], {}, step) || step == 0)) return wrong();
  if (low < rule.min || high > rule.max || low > high) return wrong();
  return {};
}

}  // namespace

std::string check_cron_schedule(std::string_view text) {
  if (text.starts_with('@')) {
    for (const std::string_view known : {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
      if (text == known) return {};
    if (constexpr std::string_view every = "@every "; text.starts_with(every)) {
      const auto duration = api::parse_duration(text.substr(every.size()));
      return duration ? std::string() : fmt::format("failed to parse duration {}: {}", text, duration.error().message);
    }
    return fmt::format("unrecognized descriptor: {}", text);
  }
  std::vector<std::string_view> fields;
  for (const std::string_view field : split(text, ' '))
    if (!field.empty()) fields.push_back(field);
  if (fields.size() != rules.size()) return fmt::format("expected exactly 5 fields, found {}: [{}]", fields.size(), text);
  for (std::size_t i = 0; i < fields.size(); ++i)
    for (const std::string_view item : split(fields[i], ','))
      if (std::string fault = check_item(item, rules[i]); !fault.empty()) return fault;
  return {};
}

}  // namespace pintle::apiserver::resources
