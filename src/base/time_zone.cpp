#include "base/time_zone.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace pintle {

namespace {

int64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return size == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
}

}  // namespace

bool is_time_zone_name(std::string_view name) {
  constexpr std::string_view characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-/";
  return !name.empty() && to_lower(name) != "local" && name.find_first_not_of(characters) == std::string_view::npos && !name.contains("..") &&
         !name.starts_with('/');
}

Result<TimeZone> TimeZone::parse_tzif(std::string_view bytes) {
  constexpr std::size_t header = 44;
  const auto counts = [&](std::size_t at) {
    std::array<std::size_t, 6> out;  // isut, isstd, leap, time, type, char
    for (std::size_t i = 0; i < 6; ++i) out[i] = static_cast<uint32_t>(big_endian(bytes, at + 20 + 4 * i, 4));
    return out;
  };
  if (bytes.size() < header || !bytes.starts_with("TZif") || bytes[4] < '2') return bad_request("not a time zone file of version 2");
  const auto old = counts(0);
  const std::size_t second = header + old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0];
  if (bytes.size() < second + header) return bad_request("the time zone file is cut off");
  const auto n = counts(second);
  const std::size_t times = second + header, indexes = times + n[3] * 8, types = indexes + n[3];
  const std::size_t footer = types + n[4] * 6 + n[5] + n[2] * 12 + n[1] + n[0];
  if (bytes.size() < footer || n[4] == 0) return bad_request("the time zone file is cut off");
  TimeZone zone;
  zone.first_offset_ = big_endian(bytes, types, 4);
  for (std::size_t i = 0; i < n[3]; ++i) {
    const auto type = static_cast<unsigned char>(bytes[indexes + i]);
    if (type >= n[4]) return bad_request("the time zone file is broken");
    zone.transitions_.emplace_back(big_endian(bytes, times + 8 * i, 8), big_endian(bytes, types + 6 * type, 4));
  }
  const std::string_view rule = bytes.substr(footer);  // between two line ends
  if (const auto end = rule.find('\n', 1); rule.starts_with('\n') && end != rule.npos) zone.rule_ = PosixRule::parse(rule.substr(1, end - 1));
  return zone;
}

int64_t TimeZone::offset_at(int64_t unix_seconds) const {
  if (rule_ && (transitions_.empty() || unix_seconds >= transitions_.back().first)) return rule_->offset_at(unix_seconds);
  auto it = std::ranges::upper_bound(transitions_, unix_seconds, {}, [](const auto& t) { return t.first; });
  return it == transitions_.begin() ? first_offset_ : std::prev(it)->second;
}

}  // namespace pintle
