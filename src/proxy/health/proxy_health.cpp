#include "proxy/health/proxy_health.h"

#include <algorithm>

#include <fmt/format.h>

namespace pintle::proxy::health {
namespace {

// As Go writes a time in JSON: RFC 3339 in UTC, as many digits of the second as there are.
std::string go_time(rt::WallTime time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss clock(seconds - days);
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  std::string fraction = fmt::format("{:09}", (since - seconds).count());
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) out += "." + fraction;
  return out + "Z";
}

}  // namespace

void ProxyHealth::queued(Family family, rt::WallTime now) {
  ThreadLock lock(mutex_);
  oldest_queued_.emplace(family, now);
}

void ProxyHealth::updated(Family family, rt::WallTime now) {
  ThreadLock lock(mutex_);
  oldest_queued_.erase(family);
  updated_[family] = now;
}

void ProxyHealth::set_node_eligible(bool eligible) {
  ThreadLock lock(mutex_);
  node_eligible_ = eligible;
}

bool ProxyHealth::node_eligible() const {
  ThreadLock lock(mutex_);
  return node_eligible_;
}

bool ProxyHealth::healthy(rt::WallTime now) const {
  ThreadLock lock(mutex_);
  return all_keep_up(now);
}

bool ProxyHealth::keeps_up(Family family, rt::WallTime now) const {
  const auto queued = oldest_queued_.find(family);
  return queued == oldest_queued_.end() || now - queued->second < timeout_;
}

bool ProxyHealth::all_keep_up(rt::WallTime now) const {
  return std::ranges::all_of(updated_, [&](const auto& entry) REQUIRES(mutex_) { return keeps_up(entry.first, now); });
}

std::string ProxyHealth::page(rt::WallTime now, bool with_node) const {
  ThreadLock lock(mutex_);
  const bool all_well = all_keep_up(now);
  const bool answer_ok = all_well && (!with_node || node_eligible_);
  rt::WallTime last{};
  std::string status;
  for (const auto& [family, time] : updated_) {
    last = std::max(last, time);
    status += fmt::format("{}\"{}\":{{\"lastUpdated\":\"{}\",\"healthy\":{}}}", status.empty() ? "" : ",", family_name(family), go_time(time),
                          keeps_up(family, now));
  }
  // While all is well, the time of the last update is "now", as users of the page expect a recent one.
  if (answer_ok) last = now;
  std::string out =
      fmt::format("{{\"lastUpdated\":\"{}\",\"currentTime\":\"{}\"", last == rt::WallTime{} ? "0001-01-01T00:00:00Z" : go_time(last), go_time(now));
  if (with_node) out += fmt::format(",\"nodeEligible\":{}", node_eligible_);
  out += fmt::format(",\"healthy\":{}", all_well);
  if (!status.empty()) out += ",\"status\":{" + status + "}";
  return out + "}";
}

}  // namespace pintle::proxy::health
