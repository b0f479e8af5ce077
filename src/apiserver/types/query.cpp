#include "apiserver/types/query.h"

#include <strings.h>

#include "base/parse_number.h"
#include "net/url.h"

namespace pintle::apiserver {

Query Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (part.empty() || part.find(';') != part.npos) continue;
    const auto equals = part.find('=');
    auto key = net::percent_decode(part.substr(0, equals), true);
    auto value = equals == part.npos ? std::optional<std::string>(std::string()) : net::percent_decode(part.substr(equals + 1), true);
    if (key && value) query.items_.emplace_back(std::move(*key), std::move(*value));
  }
  return query;
}

std::string_view Query::get(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return value;
  return {};
}

bool Query::has(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return true;
  return false;
}

std::vector<std::string_view> Query::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : items_)
    if (key == name) values.push_back(value);
  return values;
}

Result<std::optional<int64_t>> Query::integer(std::string_view name) const {
  std::string_view text = get(name);
  if (text.empty()) return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  const auto value = parse_number<int64_t>(text);
  if (!value) return bad_request("parameter " + std::string(name) + ": \"" + std::string(get(name)) + "\" is no integer");
  return *value;
}

bool Query::boolean(std::string_view name) const {
  if (!has(name)) return false;
  const std::string_view text = get(name);
  return !(text == "0" || (text.size() == 5 && strncasecmp(text.data(), "false", 5) == 0));
}

std::optional<bool> Query::optional_boolean(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return boolean(name);
}

}  // namespace pintle::apiserver
