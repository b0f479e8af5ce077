#include "apiserver/resources/core/service_addresses.h"

#include <algorithm>

#include <fmt/format.h>

#include "apimachinery/clock_time.h"
#include "base/check.h"
#include "client/event_correlator.h"
#include "client/event_recorder.h"
#include "component/log.h"
#include "os/machine.h"
#include "rules/service_addresses.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
namespace networking = api::networking_v1;

const GroupResource addresses_resource{"networking.k8s.io", "ipaddresses"};
const GroupResource services_resource{"", "services"};
const GroupResource events_resource{"", "events"};
constexpr std::string_view repairer = "ipallocator-repair-controller";

bool is_managed(const networking::IPAddress& address) {
  const std::string* manager = address.metadata.labels.get(rules::address_manager_label);
  return manager != nullptr && *manager == rules::service_address_manager;
}

bool is_of_service(const networking::IPAddress& address) {
  return address.spec.parent_ref && address.spec.parent_ref->group.empty() && address.spec.parent_ref->resource == "services";
}

std::string parent_of(const networking::IPAddress& address) { return address.spec.parent_ref->namespace_ + "/" + address.spec.parent_ref->name; }

core::Event event_of(const AddressEvent& told, const core::ObjectReference& about, rt::WallTime now) {
  core::Event out;
  out.metadata.namespace_ = about.namespace_.empty() ? "default" : about.namespace_;
  out.metadata.name = client::event_name(about.name, now);
  out.involved_object = about;
  out.type = "Warning";
  out.reason = told.reason;
  out.action = told.service.empty() ? "IPAddressAllocation" : "ClusterIPAllocation";
  out.message = told.note;
  out.event_time = apimachinery::to_micro_time(now);
  out.reporting_component = repairer;
  out.reporting_instance = std::string(repairer) + "-" + os::host_name();
  return out;
}

// How long yet the request may last that made the IPAddress; zero: it is over.
rt::Duration still_open(const AddressFacts& facts) {
  const rt::Duration age = facts.now - apimachinery::to_wall_time(facts.stored->metadata.creation_timestamp);
  if (facts.parent == nullptr || facts.parent->spec.type == "ExternalName") return std::max(service_to_come - age, rt::Duration::zero());
  const bool younger = facts.parent->metadata.creation_timestamp.seconds < facts.stored->metadata.creation_timestamp.seconds;
  return younger ? std::max(request_to_end - age, rt::Duration::zero()) : rt::Duration::zero();
}

}  // namespace

std::string_view family_of(std::string_view address) { return address.find(':') == std::string_view::npos ? "IPv4" : "IPv6"; }

std::string service_of(const networking::IPAddress& address) {
  const std::string* family = address.metadata.labels.get(rules::address_family_label);
  if (!is_managed(address) || !is_of_service(address) || family == nullptr || *family != family_of(address.metadata.name)) return {};
  return parent_of(address);
}

networking::IPAddress address_for(const std::string& address, const std::string& ns, const std::string& name) {
  networking::IPAddress out;
  out.metadata.name = address;
  out.metadata.labels[rules::address_family_label] = family_of(address);
  out.metadata.labels[rules::address_manager_label] = rules::service_address_manager;
  auto& parent = out.spec.parent_ref.emplace();
  parent.resource = "services";
  parent.namespace_ = ns;
  parent.name = name;
  return out;
}

namespace {

constexpr std::string_view not_allocated = "ClusterIPNotAllocated", leaked = "IPAddressNotAllocated";

AddressPlan plan_held(const AddressFacts& facts) {
  AddressPlan plan;
  const auto& services = facts.seen.services;
  const std::string family(family_of(facts.address));
  if (!facts.seen.in_range) {  // nobody's to keep
    for (const std::string& service : services)
      plan.events.push_back(
          {service, "ClusterIPOutOfRange",
           fmt::format("Cluster IP [{}]: {} is not within any configured Service CIDR; please recreate service", family, facts.address)});
    return plan;
  }
  const std::string owner = facts.stored != nullptr ? service_of(*facts.stored) : "";
  if (std::ranges::find(services, owner) != services.end()) {
    for (const std::string& service : services)
      if (service != owner)
        plan.events.push_back({service, "ClusterIPAlreadyAllocated",
                               fmt::format("Cluster IP [{}]:{} was assigned to multiple services; please recreate service", family, facts.address)});
    return plan;
  }
  plan.remove = facts.stored != nullptr;
  plan.make_for = services.front();
  const bool wrong_labels = facts.stored != nullptr && is_of_service(*facts.stored) && parent_of(*facts.stored) == plan.make_for;
  if (facts.stored == nullptr)
    plan.events.push_back({plan.make_for, not_allocated, fmt::format("Cluster IP [{}]: {} is not allocated; repairing", family, facts.address)});
  else if (!wrong_labels)
    plan.events.push_back(
        {plan.make_for, not_allocated,
         fmt::format("the ClusterIP [{}]: {} for Service {} has a wrong reference; repairing", family, facts.address, plan.make_for)});
  return plan;
}

}  // namespace

AddressPlan plan_address(const AddressFacts& facts) {
  AddressPlan plan;
  if (facts.seen.in_flight) return plan;
  if (!facts.seen.services.empty()) return plan_held(facts);
  if (facts.stored == nullptr || !is_managed(*facts.stored)) return plan;
  plan.remove = true;
  if (!is_of_service(*facts.stored)) {
    const auto& parent = *facts.stored->spec.parent_ref;
    plan.events.push_back({"", leaked,
                           fmt::format("IPAddress {} appears to have been modified, not referencing a Service &{{{} {} {} {}}}: cleaning up",
                                       facts.address, parent.group, parent.resource, parent.namespace_, parent.name)});
    return plan;
  }
  if (facts.stored->metadata.uid == facts.seen.given_back) return plan;
  if (const rt::Duration left = still_open(facts); left > rt::Duration::zero()) {
    plan.remove = false;
    plan.look_again = left;
    return plan;
  }
  const std::string about = fmt::format("IPAddress: {} for Service {}", facts.address, parent_of(*facts.stored));
  if (facts.parent == nullptr)
    plan.events.push_back({"", leaked, about + " appears to have leaked: cleaning up"});
  else
    plan.events.push_back({"", "IPAddressWrongReference", about + " has a wrong reference; cleaning up"});
  return plan;
}

rt::Task<Result<SettledAddress>> settle_address(RequestScope& scope, ServiceAllocator& allocator, std::string address) {
  const ResourceReader& reader = scope.registry->reader();
  SettledAddress out;
  if (auto stored = reader.get_as<networking::IPAddress>(addresses_resource, "", address)) out.stored = std::move(*stored);
  std::optional<core::Service> parent;
  if (out.stored && is_of_service(*out.stored)) {
    auto found = reader.get_as<core::Service>(services_resource, out.stored->spec.parent_ref->namespace_, out.stored->spec.parent_ref->name);
    if (found) parent = std::move(*found);
  }
  const AddressFacts facts{address, allocator.look_at(address), out.stored ? &*out.stored : nullptr, parent ? &*parent : nullptr, scope.now};
  AddressPlan plan = plan_address(facts);
  if (plan.remove) {
    Registry::RemoveOptions options;
    options.uid = out.stored->metadata.uid;
    auto removed = co_await scope.registry->remove(scope, addresses_resource, "", address, std::move(options));
    if (!removed && removed.error().reason != Reason::NotFound && removed.error().reason != Reason::Conflict)
      co_return Unexpected(std::move(removed.error()));
  }
  if (!plan.make_for.empty()) {
    component::log::info(0, "A cluster IP is not allocated to its Service; repairing", {{"address", address}, {"service", plan.make_for}});
    const auto slash = plan.make_for.find('/');
    api::Object object =
        api::Object::of<networking::IPAddress>(address_for(address, plan.make_for.substr(0, slash), plan.make_for.substr(slash + 1)));
    auto made = co_await scope.registry->create(scope, addresses_resource, "", std::move(object));
    if (!made && made.error().reason != Reason::AlreadyExists) co_return Unexpected(std::move(made.error()));
    if (!made) plan.events.clear();  // it was there already, and had not been heard of
  }
  out.look_again = plan.look_again;
  out.events = std::move(plan.events);
  co_return out;
}

ServiceAddresses::ServiceAddresses(std::shared_ptr<ServiceAllocator> allocator, MakeScope make_scope)
    : allocator_(std::move(allocator)), make_scope_(std::move(make_scope)) {}

void ServiceAddresses::start() {
  registry::ChangedNames::Look look = [this, ctx = loops_.start()](const std::string& address) { return look_at(ctx, address); };
  loops_.follow(allocator_->unsettled(), std::move(look), {"The IPAddress of a cluster IP could not be settled, which is tried again", "address"},
                settled_at_once);
}

rt::Task<Result<Unit>> ServiceAddresses::look_at(rt::Context ctx, std::string address) {
  RequestScope scope = make_scope_(ctx);
  CO_TRY_ASSIGN(SettledAddress settled, co_await settle_address(scope, *allocator_, address));
  const auto wait = settled.look_again;
  if (settled.events.empty()) {
    told_.erase(address);
  } else if (auto& told = told_[address]; told != settled.events) {
    told = settled.events;
    co_await tell(std::move(scope), address, std::move(settled));
  }
  if (wait && waiting_.insert(address).second) loops_.spawn(look_again(std::move(ctx), std::move(address), *wait));
  co_return Unit{};
}

// An event that cannot be written is logged: nothing rests on it.
rt::Task<void> ServiceAddresses::tell(RequestScope scope, std::string address, SettledAddress settled) {
  const ResourceReader& reader = scope.registry->reader();
  for (const AddressEvent& event : settled.events) {
    core::ObjectReference about;
    if (event.service.empty()) {
      about = client::reference_to(*settled.stored);
    } else {
      const auto slash = event.service.find('/');
      const auto service = reader.get_as<core::Service>(services_resource, event.service.substr(0, slash), event.service.substr(slash + 1));
      if (!service) continue;  // gone meanwhile
      about = client::reference_to(*service);
    }
    core::Event made = event_of(event, about, scope.now);
    const std::string ns = made.metadata.namespace_;
    api::Object object = api::Object::of<core::Event>(std::move(made));
    const auto written = co_await scope.registry->create(scope, events_resource, ns, std::move(object));
    if (!written)
      component::log::info(0, "An event of a cluster IP could not be written", {{"address", address}, {"error", written.error().message}});
  }
}

rt::Task<void> ServiceAddresses::look_again(rt::Context ctx, std::string address, rt::Duration wait) {
  auto slept = co_await rt::sleep_for(std::move(ctx), wait);
  waiting_.erase(address);
  if (slept) allocator_->unsettled().add(address);
}

}  // namespace pintle::apiserver::resources
