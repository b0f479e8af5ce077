#include "client/event_series.h"

#include <algorithm>

#include "api/codec.h"
#include "codec/json.h"
#include "codec/value.h"

namespace pintle::client {

namespace {

using api::core_v1::Event;
using api::core_v1::ObjectReference;

EventHash& add(EventHash& hash, const ObjectReference& object) {
  return hash.add(object.kind)
      .add(object.namespace_)
      .add(object.name)
      .add(object.uid)
      .add(object.api_version)
      .add(object.resource_version)
      .add(object.field_path);
}

// The same event again: all of it but the message and the time.
uint64_t key_of(const Event& event) {
  EventHash hash;
  hash.add(event.type).add(event.action).add(event.reason).add(event.reporting_component).add(event.reporting_instance);
  add(hash, event.involved_object);
  if (event.related) add(hash, *event.related);
  return hash.value();
}

api::MicroTime micro(rt::WallTime time) {
  api::MicroTime out;
  static_cast<api::Time&>(out) = to_time(time);
  return out;
}

}  // namespace

std::string EventSeries::Send::patch() const {
  codec::Value series;
  series["count"] = static_cast<int64_t>(event.series->count);
  series["lastObservedTime"] = api::format_micro_time(event.series->last_observed_time);
  codec::Value body;
  body["series"] = std::move(series);
  return codec::to_json(body);
}

std::optional<EventSeries::Send> EventSeries::observe(Event event, rt::WallTime now) {
  event.event_time = micro(now);
  const uint64_t key = key_of(event);
  if (const auto open = open_.find(key); open != open_.end()) {
    ++open->second.event.series->count;
    open->second.event.series->last_observed_time = micro(now);
    open->second.last = now;
    return std::nullopt;
  }
  const First* first = firsts_.find(key);
  if (first == nullptr || now - first->at > series_end_after || open_.size() == open_series_max) {
    firsts_.put(key, First{event.metadata.name, now});
    return Send{std::move(event), false};
  }
  event.metadata.name = first->name;
  event.event_time = micro(first->at);
  auto& series = event.series.ensure();
  series.count = 2;
  series.last_observed_time = micro(now);
  open_.emplace(key, Open{event, now, now});
  return Send{std::move(event), true};
}

std::vector<EventSeries::Send> EventSeries::due(rt::WallTime now) {
  std::vector<Send> out;
  for (auto it = open_.begin(); it != open_.end();) {
    Open& open = it->second;
    const bool ended = now - open.last >= series_end_after;
    if (ended || now - open.sent >= series_refresh_after) {
      out.push_back(Send{open.event, true});
      open.sent = now;
    }
    it = ended ? open_.erase(it) : std::next(it);
  }
  return out;
}

std::optional<rt::WallTime> EventSeries::next_due() const {
  std::optional<rt::WallTime> next;
  for (const auto& [key, open] : open_) {
    const rt::WallTime at = std::min(open.last + series_end_after, open.sent + series_refresh_after);
    next = next ? std::min(*next, at) : at;
  }
  return next;
}

}  // namespace pintle::client
