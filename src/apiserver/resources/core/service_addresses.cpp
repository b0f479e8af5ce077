#include "apiserver/resources/core/service_addresses.h"

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "base/check.h"
#include "component/log.h"
#include "rules/service_addresses.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
namespace networking = api::networking_v1;

const GroupResource addresses_resource{"networking.k8s.io", "ipaddresses"};
const GroupResource services_resource{"", "services"};

bool is_managed(const networking::IPAddress& address) {
  const std::string* manager = address.metadata.labels.get(rules::address_manager_label);
  return manager != nullptr && *manager == rules::service_address_manager;
}

bool is_of_service(const networking::IPAddress& address) {
  return address.spec.parent_ref && address.spec.parent_ref->group.empty() && address.spec.parent_ref->resource == "services";
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
  return address.spec.parent_ref->namespace_ + "/" + address.spec.parent_ref->name;
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

AddressPlan plan_address(const AddressFacts& facts) {
  AddressPlan plan;
  if (facts.seen.in_flight) return plan;
  const auto& services = facts.seen.services;
  if (!services.empty()) {
    if (!facts.seen.in_range) return plan;  // nobody's to keep
    if (facts.stored != nullptr && std::ranges::find(services, service_of(*facts.stored)) != services.end()) return plan;
    plan.remove = facts.stored != nullptr;
    plan.make_for = services.front();
    return plan;
  }
  if (facts.stored == nullptr || !is_managed(*facts.stored)) return plan;
  plan.remove = true;
  if (!is_of_service(*facts.stored) || facts.stored->metadata.uid == facts.seen.given_back) return plan;
  if (const rt::Duration left = still_open(facts); left > rt::Duration::zero()) {
    plan.remove = false;
    plan.look_again = left;
  }
  return plan;
}

rt::Task<Result<std::optional<rt::Duration>>> settle_address(RequestScope& scope, ServiceAllocator& allocator, std::string address) {
  const ResourceReader& reader = scope.registry->reader();
  const auto stored = reader.get_as<networking::IPAddress>(addresses_resource, "", address);
  std::optional<core::Service> parent;
  if (stored && is_of_service(*stored)) {
    auto found = reader.get_as<core::Service>(services_resource, stored->spec.parent_ref->namespace_, stored->spec.parent_ref->name);
    if (found) parent = std::move(*found);
  }
  const AddressFacts facts{allocator.look_at(address), stored ? &*stored : nullptr, parent ? &*parent : nullptr, scope.now};
  AddressPlan plan = plan_address(facts);
  if (plan.remove) {
    Registry::RemoveOptions options;
    options.uid = stored->metadata.uid;
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
  }
  co_return plan.look_again;
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
  CO_TRY_ASSIGN(const auto wait, co_await settle_address(scope, *allocator_, address));
  if (wait && waiting_.insert(address).second) loops_.spawn(look_again(std::move(ctx), std::move(address), *wait));
  co_return Unit{};
}

rt::Task<void> ServiceAddresses::look_again(rt::Context ctx, std::string address, rt::Duration wait) {
  auto slept = co_await rt::sleep_for(std::move(ctx), wait);
  waiting_.erase(address);
  if (slept) allocator_->unsettled().add(address);
}

}  // namespace pintle::apiserver::resources
