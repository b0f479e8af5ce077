#include "controller/service_cidr/controller.h"

#include "api/values.h"
#include "client/work_queue.h"
#include "controller/objects/json_text.h"
#include "controller/service_cidr/plan.h"
#include "rules/service_addresses.h"

namespace pintle::controller::service_cidr {

using api::networking_v1::IPAddress;
using api::networking_v1::ServiceCIDR;

namespace {

constexpr std::size_t workers_default = 5;

// Those that the API server keeps for Services; of each its name alone.
client::InformerOptions service_addresses() {
  client::InformerOptions options;
  options.label_selector = std::string(rules::address_manager_label) + "=" + std::string(rules::service_address_manager);
  options.transform = [](api::Object& object) {
    IPAddress& address = object.as<IPAddress>();
    address.metadata.labels.clear();
    address.spec.parent_ref.reset();
  };
  return options;
}

class ServiceCidrController final : public Controller {
 public:
  explicit ServiceCidrController(ControllerDeps deps)
      : deps_(deps),
        cidrs_(deps.informers.of<ServiceCIDR>()),
        addresses_(deps.informers.of<IPAddress>("of services", service_addresses())),
        loop_(deps.loop("servicecidrs"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<ServiceCIDR>::Handler cidrs;
    cidrs.on_add = [this](const CidrPtr& cidr, bool) {
      loop_.queue().add(cidr->metadata.name);
      for (std::string& name : overlapping(*cidr, cidrs_.list())) loop_.queue().add(std::move(name));  // it may set another free
    };
    cidrs.on_update = [this](const CidrPtr&, const CidrPtr& cidr) { loop_.queue().add(cidr->metadata.name); };
    cidrs_.add_handler(std::move(cidrs));
    client::Informer<IPAddress>::Handler addresses;
    addresses.on_add = [this](const auto& address, bool) { look_at_ranges_of(*address); };
    addresses.on_delete = [this](const auto& address) { look_at_ranges_of(*address); };
    addresses_.add_handler(std::move(addresses));
  }
  void start() override { loop_.start(deps_.workers(workers_default)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  // Addresses hold those alone that are going, and there is mostly none.
  void look_at_ranges_of(const IPAddress& address) {
    std::vector<CidrPtr> going;
    for (const CidrPtr& cidr : cidrs_.list())
      if (cidr->metadata.deletion_timestamp) going.push_back(cidr);
    if (going.empty()) return;
    if (const auto ip = parse_address(address.metadata.name))
      for (std::string& name : containing(*ip, going)) loop_.queue().add(std::move(name));
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> patch_finalizer(rt::Context ctx, std::string name, std::string_view member);
  rt::Task<Result<Unit>> write_condition(rt::Context ctx, CidrPtr cidr, api::meta_v1::Condition condition);

  ControllerDeps deps_;
  client::Informer<ServiceCIDR> cidrs_;
  client::Informer<IPAddress> addresses_;
  client::ControlLoop loop_;
};

rt::Task<Result<Unit>> ServiceCidrController::patch_finalizer(rt::Context ctx, std::string name, std::string_view member) {
  std::string body = R"({"metadata":{)" + objects::json_string(member) + ":[" + objects::json_string(finalizer) + "]}}";
  auto done = co_await deps_.client.patch<ServiceCIDR>(std::move(ctx), "", std::move(name), client::PatchType::Strategic, std::move(body));
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> ServiceCidrController::write_condition(rt::Context ctx, CidrPtr cidr, api::meta_v1::Condition condition) {
  const auto text = [](std::string_view value) { return objects::json_string(value); };
  std::string body = R"({"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":)" + text(cidr->metadata.name) +
                     R"(},"status":{"conditions":[{"type":)" + text(condition.type) + R"(,"status":)" + text(condition.status) + R"(,"reason":)" +
                     text(condition.reason) + R"(,"message":)" + text(condition.message) + R"(,"lastTransitionTime":)" +
                     text(api::format_time(condition.last_transition_time)) + "}]}}";
  client::PatchOptions options;
  options.subresource = "status";
  options.field_manager = "service-cidr-controller";
  options.force = true;
  auto done = co_await deps_.client.patch<ServiceCIDR>(std::move(ctx), "", cidr->metadata.name, client::PatchType::Apply, std::move(body),
                                                       std::move(options));
  if (done || done.error().reason == Reason::NotFound) co_return Unit{};
  if (condition.status == "True") deps_.events.warning(*cidr, "KubernetesServiceCIDRError", "The ServiceCIDR Status can not be set to Ready=True");
  co_return Unexpected(std::move(done).error());
}

rt::Task<Result<Unit>> ServiceCidrController::sync(rt::Context ctx, std::string key) {
  const CidrPtr cidr = cidrs_.get(key);
  if (cidr == nullptr) co_return Unit{};
  Observed observed;
  observed.now = deps_.runtime.clock().wall_now();
  observed.cidrs = cidrs_.list();
  if (cidr->metadata.deletion_timestamp)
    for (const auto& address : addresses_.list())
      if (const auto ip = parse_address(address->metadata.name)) observed.addresses.push_back(*ip);
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_service_cidr(*cidr, observed); }));
  if (plan.add_finalizer) CO_TRY(co_await patch_finalizer(ctx, key, "finalizers"));
  if (plan.condition) CO_TRY(co_await write_condition(ctx, cidr, std::move(*plan.condition)));
  if (plan.remove_finalizer) CO_TRY(co_await patch_finalizer(ctx, key, "$deleteFromPrimitiveList/finalizers"));
  if (plan.look_again) loop_.queue().add_after(key, *plan.look_again);
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_service_cidr_controller(ControllerDeps deps) { return std::make_unique<ServiceCidrController>(std::move(deps)); }

}  // namespace pintle::controller::service_cidr
