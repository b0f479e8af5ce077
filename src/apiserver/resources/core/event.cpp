#include <algorithm>
#include <chrono>

#include "api/gen/core_v1.h"
#include "api/gen/events_v1.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/types/options.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
namespace events = api::events_v1;

template <class From, class To>
void move_series(const From& from, To& to) {
  if (!from) return;
  to.emplace();
  to->count = from->count;
  to->last_observed_time = from->last_observed_time;
}

Result<api::Object> to_storage(const api::Object& object) {
  const auto& from = object.as<events::Event>();
  core::Event to;
  to.metadata = from.metadata;
  to.event_time = from.event_time;
  move_series(from.series, to.series);
  to.reporting_component = from.reporting_controller;
  to.reporting_instance = from.reporting_instance;
  to.action = from.action;
  to.reason = from.reason;
  to.involved_object = from.regarding;
  to.related = from.related;
  to.message = from.note;
  to.type = from.type;
  to.source = from.deprecated_source;
  to.first_timestamp = from.deprecated_first_timestamp;
  to.last_timestamp = from.deprecated_last_timestamp;
  to.count = from.deprecated_count;
  return api::Object::of(std::move(to));
}

Result<api::Object> from_storage(const api::Object& object) {
  const auto& from = object.as<core::Event>();
  events::Event to;
  to.metadata = from.metadata;
  to.event_time = from.event_time;
  move_series(from.series, to.series);
  to.reporting_controller = from.reporting_component;
  to.reporting_instance = from.reporting_instance;
  to.action = from.action;
  to.reason = from.reason;
  to.regarding = from.involved_object;
  to.related = from.related;
  to.note = from.message;
  to.type = from.type;
  to.deprecated_source = from.source;
  to.deprecated_first_timestamp = from.first_timestamp;
  to.deprecated_last_timestamp = from.last_timestamp;
  to.deprecated_count = from.count;
  return api::Object::of(std::move(to));
}

class EventStrategy : public registry::TypedStrategy<core::Event> {
 public:
  void validate(const RequestScope& scope, const core::Event& event, FieldErrors& errors) const override {
    const std::string& ns = event.involved_object.namespace_;
    const bool fits = ns.empty()
                          ? event.metadata.namespace_ == "default" || event.metadata.namespace_ == "kube-system" || event.metadata.namespace_.empty()
                          : ns == event.metadata.namespace_;
    if (!fits) errors.invalid(FieldPath("involvedObject", "namespace"), ns, "does not match event.namespace");
    if (scope.group == "events.k8s.io" && event.event_time.zero()) errors.required(FieldPath("eventTime"));
  }
  int64_t ttl_seconds(const RequestScope& scope, const core::Event&) const override {
    return scope.options ? std::chrono::duration_cast<std::chrono::seconds>(scope.options->event_ttl).count() : 0;
  }
  void table_cells(const core::Event& event, registry::TableCells& cells) const override {
    api::Time first = event.first_timestamp;
    if (first.zero() && !event.event_time.zero()) first = event.event_time;
    api::Time last = event.last_timestamp.zero() ? first : event.last_timestamp;
    int64_t count = event.count;
    if (event.series) {
      last = event.series->last_observed_time;
      count = event.series->count;
    } else if (count == 0) {
      count = 1;
    }
    const std::string component = event.source.component.empty() ? event.reporting_component : event.source.component;
    const std::string host = event.source.host.empty() ? event.reporting_instance : event.source.host;
    const std::string kind = to_lower(event.involved_object.kind);
    cells.push_back(registry::TableCell::age(last));
    cells.emplace_back(event.type);
    cells.emplace_back(event.reason);
    cells.emplace_back(kind.empty() ? event.involved_object.name : kind + "/" + event.involved_object.name);
    cells.emplace_back(event.involved_object.field_path);
    cells.emplace_back(host.empty() ? component : component + ", " + host);
    std::string_view message = event.message;
    while (!message.empty() && std::isspace(static_cast<unsigned char>(message.back()))) message.remove_suffix(1);
    while (!message.empty() && std::isspace(static_cast<unsigned char>(message.front()))) message.remove_prefix(1);
    cells.emplace_back(message);
    cells.push_back(registry::TableCell::age(first));
    cells.emplace_back(count);
    cells.emplace_back(event.metadata.name);
  }
};

}  // namespace

registry::ResourceDefinition events() {
  registry::ResourceDefinition out;
  out.resource = {"", "events"};
  out.versions = {{"", "v1"},
                  {"events.k8s.io",
                   "v1",
                   to_storage,
                   from_storage,
                   {{"regarding.kind", "involvedObject.kind"},
                    {"regarding.namespace", "involvedObject.namespace"},
                    {"regarding.name", "involvedObject.name"},
                    {"regarding.uid", "involvedObject.uid"},
                    {"regarding.apiVersion", "involvedObject.apiVersion"},
                    {"regarding.resourceVersion", "involvedObject.resourceVersion"},
                    {"regarding.fieldPath", "involvedObject.fieldPath"},
                    {"reportingController", "reportingComponent"}}}};
  out.strategy = std::make_shared<EventStrategy>();
  out.name_rule = registry::NameRule::Any;
  out.allow_create_on_update = true;
  out.no_garbage_collection = true;
  out.selectable_fields = {{"involvedObject.kind"},
                           {"involvedObject.namespace"},
                           {"involvedObject.name"},
                           {"involvedObject.uid"},
                           {"involvedObject.apiVersion"},
                           {"involvedObject.resourceVersion"},
                           {"involvedObject.fieldPath"},
                           {"reason"},
                           {"reportingComponent"},
                           {"source", "source.component", "reportingComponent"},
                           {"type"}};
  return out;
}

}  // namespace pintle::apiserver::resources
