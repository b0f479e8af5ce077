#include "apiserver/resources/core/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "api/codec.h"
#include "apimachinery/selectors/label_selector.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/service_addresses.h"
#include "apiserver/resources/core/service_allocator.h"
#include "apiserver/types/options.h"
#include "apiserver/types/registry.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

const GroupResource service_resource{"", "services"};
const GroupResource address_resource{"networking.k8s.io", "ipaddresses"};

constexpr int32_t affinity_seconds_default = 10800;
constexpr std::size_t external_address_chars_max = 16;

bool has_cluster_ip(std::string_view type) { return type == "ClusterIP" || type == "NodePort" || type == "LoadBalancer"; }
bool wants_node_ports(const core::ServiceSpec& spec) {
  return spec.type == "NodePort" || (spec.type == "LoadBalancer" && spec.allocate_load_balancer_node_ports.value_or(true));
}
bool wants_health_port(const core::ServiceSpec& spec) { return spec.type == "LoadBalancer" && spec.external_traffic_policy == "Local"; }
bool is_external(const core::ServiceSpec& spec) {
  return spec.type == "NodePort" || spec.type == "LoadBalancer" || (spec.type == "ClusterIP" && !spec.external_ips.empty());
}
constexpr int drawn_again_max = 8;  // addresses that turn out to be another server's

// What one request was given; handed back when the request is over (the stored Service then holds it itself).
struct Grant {
  std::vector<std::string> addresses;
  std::vector<int32_t> ports;
  std::set<std::string> drawn;              // of the addresses: nobody asked for these by name
  std::map<std::string, std::string> made;  // their IPAddresses' uids
};

void hand_back(ServiceAllocator& allocator, const Grant& grant, bool stored) {
  if (!stored)
    for (const auto& [address, uid] : grant.made) allocator.give_back(address, uid);
  allocator.release(grant.addresses, grant.ports);
}

class ServiceStrategy : public registry::TypedStrategy<core::Service> {
 public:
  explicit ServiceStrategy(std::shared_ptr<ServiceAllocator> allocator) : allocator_(std::move(allocator)) {}

  void set_defaults(core::Service& service) const override {
    core::ServiceSpec& spec = service.spec;
    for (core::ServicePort& port : spec.ports)
      if (port.target_port == api::IntOrString{}) port.target_port.int_value = port.port;
    if (spec.session_affinity == "None") {
      spec.session_affinity_config.reset();
    } else if (spec.session_affinity == "ClientIP") {
      auto& client = spec.session_affinity_config.ensure().client_ip.ensure();
      if (!client.timeout_seconds) client.timeout_seconds = affinity_seconds_default;
    }
    if (is_external(spec) && spec.external_traffic_policy.empty()) spec.external_traffic_policy = "Cluster";
    if (has_cluster_ip(spec.type) && !spec.internal_traffic_policy) spec.internal_traffic_policy = "Cluster";
    if (spec.type == "LoadBalancer") {
      if (!spec.allocate_load_balancer_node_ports) spec.allocate_load_balancer_node_ports = true;
      for (core::LoadBalancerIngress& ingress : service.status.load_balancer.ingress)
        if (!ingress.ip.empty() && !ingress.ip_mode) ingress.ip_mode = "VIP";
    }
  }

  void prepare_for_create(const RequestScope&, core::Service& service) const override {
    service.status = core::ServiceStatus();
    match_cluster_ips(service.spec);
    drop_unused(service.spec);
  }

  void prepare_for_update(const RequestScope&, core::Service& service, const core::Service& old) const override {
    service.status = old.status;
    match_cluster_ips(service.spec);
    keep_allocated(service.spec, old.spec);
    // A changed type gives back what only the old one had.
    core::ServiceSpec& spec = service.spec;
    if (has_cluster_ip(old.spec.type) && spec.type == "ExternalName") {
      if (spec.cluster_ips == old.spec.cluster_ips) {
        spec.cluster_ip.clear();
        spec.cluster_ips.clear();
      }
      if (spec.ip_families == old.spec.ip_families) spec.ip_families.clear();
      if (spec.ip_family_policy == old.spec.ip_family_policy) spec.ip_family_policy.reset();
    }
    if (wants_node_ports(old.spec) && !wants_node_ports(spec) && spec.type != "LoadBalancer")
      for (std::size_t i = 0; i < spec.ports.size() && i < old.spec.ports.size(); ++i)
        if (spec.ports[i].node_port == old.spec.ports[i].node_port) spec.ports[i].node_port = 0;
    if (wants_health_port(old.spec) && !wants_health_port(spec) && spec.health_check_node_port == old.spec.health_check_node_port)
      spec.health_check_node_port = 0;
    if (old.spec.type == "LoadBalancer" && spec.type != "LoadBalancer") {
      if (spec.allocate_load_balancer_node_ports == old.spec.allocate_load_balancer_node_ports) spec.allocate_load_balancer_node_ports.reset();
      if (spec.load_balancer_class == old.spec.load_balancer_class) spec.load_balancer_class.reset();
      service.status.load_balancer = core::LoadBalancerStatus();
    }
    if (is_external(old.spec) && !is_external(spec) && spec.external_traffic_policy == old.spec.external_traffic_policy)
      spec.external_traffic_policy.clear();
    drop_unused(spec);
  }

  void validate(const RequestScope&, const core::Service& service, FieldErrors& errors) const override { validate_service(service, errors); }
  void validate_update(const RequestScope&, const core::Service& service, const core::Service& old, FieldErrors& errors) const override {
    validate_service_update(service, old, errors);
  }

  bool has_begin() const override { return true; }
  rt::Task<Result<registry::Finish>> begin_create(RequestScope& scope, api::Object& object) const override {
    co_return co_await allocate(scope, object.as<core::Service>(), nullptr);
  }
  rt::Task<Result<registry::Finish>> begin_update(RequestScope& scope, api::Object& object, const api::Object& old) const override {
    co_return co_await allocate(scope, object.as<core::Service>(), &old.as<core::Service>());
  }

  void table_cells(const core::Service& service, registry::TableCells& cells) const override {
    cells.emplace_back(service.metadata.name);
    cells.emplace_back(service.spec.type);
    cells.emplace_back(service.spec.cluster_ips.empty() ? "<none>" : service.spec.cluster_ips[0]);
    cells.emplace_back(external_addresses(service));
    cells.emplace_back(ports_text(service.spec.ports));
    cells.push_back(registry::TableCell::age(service.metadata.creation_timestamp));
    std::string selector = apimachinery::LabelSelector::from_set(service.spec.selector).to_string();
    cells.emplace_back(selector.empty() ? "<none>" : selector);
  }

 private:
  // The two forms of the cluster IP follow each other. No default: who gives one does not own the other.
  static void match_cluster_ips(core::ServiceSpec& spec) {
    if (!spec.cluster_ip.empty() && spec.cluster_ips.empty()) spec.cluster_ips = {spec.cluster_ip};
    if (spec.cluster_ip.empty() && !spec.cluster_ips.empty()) spec.cluster_ip = spec.cluster_ips[0];
  }
  static void drop_unused(core::ServiceSpec& spec) {
    if (spec.type == "ExternalName") spec.internal_traffic_policy.reset();
  }

  // What the client left out of an update and the server had given stays.
  static void keep_allocated(core::ServiceSpec& spec, const core::ServiceSpec& old) {
    if (has_cluster_ip(old.type) && has_cluster_ip(spec.type)) {
      if (spec.cluster_ip.empty()) spec.cluster_ip = old.cluster_ip;
      if (spec.cluster_ips.empty() && spec.cluster_ip == old.cluster_ip) spec.cluster_ips = old.cluster_ips;
      if (spec.ip_families.empty()) spec.ip_families = old.ip_families;
      if (!spec.ip_family_policy) spec.ip_family_policy = old.ip_family_policy;
    }
    if (wants_node_ports(old) && wants_node_ports(spec)) {
      std::set<int32_t> taken;
      for (const core::ServicePort& port : spec.ports) taken.insert(port.node_port);
      for (core::ServicePort& port : spec.ports) {
        if (port.node_port != 0) continue;
        for (const core::ServicePort& before : old.ports)
          if (before.port == port.port && before.protocol == port.protocol && before.node_port != 0 && taken.insert(before.node_port).second) {
            port.node_port = before.node_port;
            break;
          }
      }
    }
    if (wants_health_port(old) && wants_health_port(spec) && spec.health_check_node_port == 0)
      spec.health_check_node_port = old.health_check_node_port;
  }

  Status invalid(const core::Service& service, const FieldPath& path, const apimachinery::BadValue& value, const Status& why) const {
    FieldErrors errors;
    errors.invalid(path, value, why.message);
    return errors.to_status("", "Service", service.metadata.name);
  }

  rt::Task<Result<registry::Finish>> allocate(RequestScope& scope, core::Service& service, const core::Service* old) const {
    CO_TRY(allocator_->attach(scope.registry->reader(), scope.options->service_cluster_ip_range, scope.options->service_node_port_range));
    if (!scope.dry_run) CO_TRY(co_await clear_left_over(scope, service));
    auto grant = std::make_shared<Grant>();
    Result<Unit> done = allocate_addresses(scope, service, old, *grant);
    if (done) done = allocate_ports(scope, service, old, *grant);
    if (done && !scope.dry_run) done = co_await make_addresses(scope, service, old, *grant);
    if (!done) {
      hand_back(*allocator_, *grant, false);
      co_return Unexpected(done.error());
    }
    co_return registry::Finish([allocator = allocator_, grant](bool stored) { hand_back(*allocator, *grant, stored); });
  }

  // An address that is asked for by name may be one whose Service is gone, while its IPAddress is still to go.
  rt::Task<Result<Unit>> clear_left_over(RequestScope& scope, const core::Service& service) const {
    for (const std::string& address : service.spec.cluster_ips) {
      if (!allocator_->is_left_over(address)) continue;
      CO_TRY(co_await settle_address(scope, *allocator_, address));
    }
    co_return Unit{};
  }

  // Whoever makes the IPAddress has the address. A create whose name is taken is refused by the store, without a write before it.
  rt::Task<Result<Unit>> make_addresses(RequestScope& scope, core::Service& service, const core::Service* old, Grant& grant) const {
    if (grant.addresses.empty()) co_return Unit{};
    const std::string& ns = service.metadata.namespace_;
    if (old == nullptr && scope.registry->reader().get(service_resource, ns, service.metadata.name)) co_return Unit{};
    for (std::size_t i = 0; i < grant.addresses.size(); ++i) {
      for (int attempt = 0;; ++attempt) {
        const std::string address = grant.addresses[i];
        api::Object object = api::Object::of(address_for(address, ns, service.metadata.name));
        auto made = co_await scope.registry->create(scope, address_resource, "", std::move(object));
        if (made) {
          grant.made[address] = made->as<api::networking_v1::IPAddress>().metadata.uid;
          break;
        }
        if (made.error().reason != Reason::AlreadyExists) co_return Unexpected(std::move(made.error()));
        if (!grant.drawn.contains(address) || attempt == drawn_again_max)
          co_return Unexpected(invalid(service, FieldPath("spec", "clusterIPs"), apimachinery::BadValue::raw("[\"" + address + "\"]"),
                                       Status{.message = "failed to allocate IP " + address + ": provided IP is already allocated"}));
        CO_TRY(draw_instead(scope, service.spec, grant, i));
      }
    }
    co_return Unit{};
  }

  // Another address in the place of the i-th that was granted.
  Result<Unit> draw_instead(RequestScope& scope, core::ServiceSpec& spec, Grant& grant, std::size_t i) const {
    const std::string before = grant.addresses[i];
    TRY_ASSIGN(std::string address, allocator_->draw_ip(family_of(before), scope.runtime->random()));
    allocator_->release({before}, {});
    std::replace(spec.cluster_ips.begin(), spec.cluster_ips.end(), before, address);
    spec.cluster_ip = spec.cluster_ips[0];
    grant.drawn.insert(address);
    grant.addresses[i] = std::move(address);
    return Unit{};
  }

  // The families that the Service gets, in order.
  Result<Unit> choose_families(core::Service& service) const {
    core::ServiceSpec& spec = service.spec;
    const std::vector<std::string>& configured = allocator_->families();
    for (std::size_t i = 0; i < spec.cluster_ips.size() && spec.cluster_ips[i] != "None"; ++i)
      if (i >= spec.ip_families.size()) spec.ip_families.emplace_back(family_of(spec.cluster_ips[i]));
    if (!spec.ip_family_policy) spec.ip_family_policy = spec.ip_families.size() == 2 ? "RequireDualStack" : "SingleStack";
    for (std::size_t i = 0; i < spec.ip_families.size(); ++i)
      if (std::find(configured.begin(), configured.end(), spec.ip_families[i]) == configured.end() && !(is_headless(spec) && spec.selector.empty()))
        return Unexpected(
            invalid(service, FieldPath("spec", "ipFamilies").index(i), spec.ip_families[i], Status{.message = "not configured on this cluster"}));
    const bool headless_without_selector = is_headless(spec) && spec.selector.empty();
    if (spec.ip_families.empty()) spec.ip_families.push_back(configured[0]);
    if (*spec.ip_family_policy == "RequireDualStack" && configured.size() < 2 && !headless_without_selector)
      return Unexpected(invalid(service, FieldPath("spec", "ipFamilyPolicy"), *spec.ip_family_policy,
                                Status{.message = "this cluster is not configured for dual-stack services"}));
    if (*spec.ip_family_policy != "SingleStack" && spec.ip_families.size() == 1 && configured.size() == 2)
      spec.ip_families.emplace_back(spec.ip_families[0] == "IPv4" ? "IPv6" : "IPv4");
    return Unit{};
  }

  Result<Unit> allocate_addresses(RequestScope& scope, core::Service& service, const core::Service* old, Grant& grant) const {
    core::ServiceSpec& spec = service.spec;
    if (!has_cluster_ip(spec.type)) return Unit{};
    TRY(choose_families(service));
    if (is_headless(spec)) {
      spec.cluster_ip = "None";
      if (spec.cluster_ips.empty()) spec.cluster_ips = {"None"};
      return Unit{};
    }
    const auto held = [&](const std::string& address) {
      return old && has_cluster_ip(old->spec.type) &&
             std::find(old->spec.cluster_ips.begin(), old->spec.cluster_ips.end(), address) != old->spec.cluster_ips.end();
    };
    for (std::size_t i = 0; i < spec.ip_families.size(); ++i) {
      if (i < spec.cluster_ips.size() && !spec.cluster_ips[i].empty()) {
        if (held(spec.cluster_ips[i])) continue;
        if (auto reserved = allocator_->reserve_ip(spec.cluster_ips[i]); !reserved)
          return Unexpected(
              invalid(service, FieldPath("spec", "clusterIPs"), apimachinery::BadValue::raw("[\"" + spec.cluster_ips[i] + "\"]"), reserved.error()));
        grant.addresses.push_back(spec.cluster_ips[i]);
      } else {
        TRY_ASSIGN(std::string address, allocator_->draw_ip(spec.ip_families[i], scope.runtime->random()));
        grant.addresses.push_back(address);
        grant.drawn.insert(address);
        if (i < spec.cluster_ips.size()) {
          spec.cluster_ips[i] = std::move(address);
        } else {
          spec.cluster_ips.push_back(std::move(address));
        }
      }
    }
    spec.cluster_ip = spec.cluster_ips[0];
    return Unit{};
  }

  Result<Unit> allocate_ports(RequestScope& scope, core::Service& service, const core::Service* old, Grant& grant) const {
    core::ServiceSpec& spec = service.spec;
    std::set<int32_t> own;  // numbers that this Service holds already: TCP and UDP may share one
    if (old) {
      for (const core::ServicePort& port : old->spec.ports) own.insert(port.node_port);
      own.insert(old->spec.health_check_node_port);
    }
    const auto reserve = [&](int32_t port, const FieldPath& path) -> Result<Unit> {
      if (own.contains(port)) return Unit{};
      if (auto reserved = allocator_->reserve_port(port, own); !reserved) return Unexpected(invalid(service, path, port, reserved.error()));
      grant.ports.push_back(port);
      own.insert(port);
      return Unit{};
    };
    for (std::size_t i = 0; i < spec.ports.size(); ++i)
      if (spec.ports[i].node_port != 0 && has_cluster_ip(spec.type))
        TRY(reserve(spec.ports[i].node_port, FieldPath("spec", "ports").index(i).child("nodePort")));
    if (wants_node_ports(spec))
      for (core::ServicePort& port : spec.ports) {
        if (port.node_port != 0) continue;
        TRY_ASSIGN(port.node_port, allocator_->draw_port(scope.runtime->random()));
        grant.ports.push_back(port.node_port);
      }
    if (wants_health_port(spec)) {
      if (spec.health_check_node_port != 0) return reserve(spec.health_check_node_port, FieldPath("spec", "healthCheckNodePort"));
      TRY_ASSIGN(spec.health_check_node_port, allocator_->draw_port(scope.runtime->random()));
      grant.ports.push_back(spec.health_check_node_port);
    }
    return Unit{};
  }

  static std::string ports_text(const std::vector<core::ServicePort>& ports) {
    std::string out;
    for (const core::ServicePort& port : ports) {
      if (!out.empty()) out += ',';
      out += port.node_port > 0 ? fmt::format("{}:{}/{}", port.port, port.node_port, port.protocol) : fmt::format("{}/{}", port.port, port.protocol);
    }
    return out.empty() ? "<none>" : out;
  }

  static std::string join(const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items) out += (out.empty() ? "" : ",") + item;
    return out;
  }

  static std::string external_addresses(const core::Service& service) {
    const core::ServiceSpec& spec = service.spec;
    if (spec.type == "ExternalName") return spec.external_name;
    if (spec.type != "LoadBalancer") return spec.external_ips.empty() ? "<none>" : join(spec.external_ips);
    std::vector<std::string> addresses;
    for (const core::LoadBalancerIngress& ingress : service.status.load_balancer.ingress)
      addresses.push_back(ingress.ip.empty() ? ingress.hostname : ingress.ip);
    std::string text = join(addresses);
    if (text.size() > external_address_chars_max) text = text.substr(0, external_address_chars_max - 3) + "...";
    if (!spec.external_ips.empty()) text += (text.empty() ? "" : ",") + join(spec.external_ips);
    return text.empty() ? "<pending>" : text;
  }

  const std::shared_ptr<ServiceAllocator> allocator_;
};

}  // namespace

registry::ResourceDefinition services(std::shared_ptr<ServiceAllocator> allocator) {
  registry::ResourceDefinition out;
  out.resource = {"", "services"};
  out.key_prefix = "services/specs";
  out.strategy = std::make_shared<ServiceStrategy>(allocator ? std::move(allocator) : std::make_shared<ServiceAllocator>());
  out.has_status = true;
  out.name_rule = registry::NameRule::Dns1035Label;
  out.allow_create_on_update = true;
  out.return_deleted_object = true;
  out.selectable_fields = {{"spec.clusterIP"}, {"spec.type"}};
  return out;
}

}  // namespace pintle::apiserver::resources
