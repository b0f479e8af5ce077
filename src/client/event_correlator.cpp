#include "client/event_correlator.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "codec/json.h"
#include "codec/value.h"

namespace pintle::client {

namespace {

using api::core_v1::Event;

constexpr std::size_t object_name_bytes_max = 253;  // of any object's name

EventHash about(const Event& event) {
  const auto& object = event.involved_object;
  EventHash hash;
  hash.add(event.source.component)
      .add(event.source.host)
      .add(object.kind)
      .add(object.namespace_)
      .add(object.name)
      .add(object.uid)
      .add(object.api_version);
  return hash;
}

EventHash without_message(const Event& event) {
  EventHash hash = about(event);
  hash.add(event.involved_object.field_path).add(event.type).add(event.reason).add(event.reporting_component).add(event.reporting_instance);
  return hash;
}

}  // namespace

api::Time to_time(rt::WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  return api::time_from_unix(seconds.count(), static_cast<int32_t>((time.time_since_epoch() - seconds).count()));
}

std::string event_name(std::string_view object_name, rt::WallTime now) {
  const std::string suffix = fmt::format(".{:x}", now.time_since_epoch().count());
  return std::string(object_name.substr(0, object_name_bytes_max - suffix.size())) + suffix;
}

std::string EventCorrelator::Verdict::patch() const {
  codec::Value body;
  body["count"] = static_cast<int64_t>(event.count);
  body["lastTimestamp"] = api::format_time(event.last_timestamp);
  body["message"] = event.message;
  return codec::to_json(body);
}

// Makes one of the tenth similar event and those after it; the key under which its count is kept.
uint64_t EventCorrelator::combine(Event& event, rt::WallTime now) {
  EventHash base = without_message(event);
  const uint64_t group = base.value();
  const uint64_t whole = base.add(event.message).value();
  Similar* similar = similar_.find(group);
  if (similar == nullptr || now - similar->last > similar_events_interval) similar = &similar_.put(group, Similar{});
  similar->last = now;
  const auto place = std::ranges::lower_bound(similar->messages, whole);
  if (place == similar->messages.end() || *place != whole) similar->messages.insert(place, whole);
  if (similar->messages.size() < similar_events_max) return whole;
  similar->messages.erase(similar->messages.begin());
  event.message.insert(0, combined_prefix);
  // Upstream makes the combined one anew, and of the source it fills in the old form alone.
  event.reporting_component.clear();
  event.reporting_instance.clear();
  return group;
}

std::optional<EventCorrelator::Verdict> EventCorrelator::observe(Event event, rt::WallTime now) {
  Verdict verdict;
  verdict.key = combine(event, now);
  if (const Seen* seen = seen_.find(verdict.key)) {
    event.count = seen->count + 1;
    event.first_timestamp = seen->first;
    event.metadata.name = seen->name;
  }
  seen_.put(verdict.key, Seen{event.metadata.name, event.count, event.first_timestamp});
  if (!allowed(event, now)) return std::nullopt;
  verdict.event = std::move(event);
  return verdict;
}

void EventCorrelator::sent(uint64_t key, const Event& stored) { seen_.put(key, Seen{stored.metadata.name, stored.count, stored.first_timestamp}); }

bool EventCorrelator::allowed(const Event& event, rt::WallTime now) {
  const uint64_t key = about(event).value();
  Allowance* allowance = allowances_.find(key);
  if (allowance == nullptr) {
    allowance = &allowances_.put(key, Allowance{});
    allowance->refilled = now;
  }
  const auto passed = std::max(now - allowance->refilled, rt::Duration::zero());
  allowance->tokens = std::min(event_burst, allowance->tokens + static_cast<double>(passed.count()) / static_cast<double>(event_refill.count()));
  allowance->refilled = now;
  if (allowance->tokens < 1) return false;
  allowance->tokens -= 1;
  return true;
}

}  // namespace pintle::client
