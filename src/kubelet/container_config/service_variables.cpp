#include <algorithm>

#include "kubelet/container_config/environment.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;

namespace {

using ServicePtr = std::shared_ptr<const core::Service>;

std::string variable_name(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

void add_service(const core::Service& service, EnvironmentVariables& out) {
  const std::string prefix = variable_name(service.metadata.name);
  const std::string& ip = service.spec.cluster_ip;
  const auto& ports = service.spec.ports;
  out.emplace_back(prefix + "_SERVICE_HOST", ip);
  if (ports.empty()) return;
  out.emplace_back(prefix + "_SERVICE_PORT", std::to_string(ports[0].port));
  for (const core::ServicePort& port : ports)
    if (!port.name.empty()) out.emplace_back(prefix + "_SERVICE_PORT_" + variable_name(port.name), std::to_string(port.port));
  // The variables of Docker's links.
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string protocol = ports[i].protocol.empty() ? std::string("TCP") : ports[i].protocol;
    const std::string number = std::to_string(ports[i].port);
    const std::string host = ip.find(':') == std::string::npos ? ip : "[" + ip + "]";
    const std::string url = lower(protocol) + "://" + host + ":" + number;
    if (i == 0) out.emplace_back(prefix + "_PORT", url);
    const std::string name = prefix + "_PORT_" + number + "_" + variable_name(protocol);
    out.emplace_back(name, url);
    out.emplace_back(name + "_PROTO", lower(protocol));
    out.emplace_back(name + "_PORT", number);
    out.emplace_back(name + "_ADDR", ip);
  }
}

bool has_address(const core::Service& service) { return !service.spec.cluster_ip.empty() && service.spec.cluster_ip != "None"; }

}  // namespace

EnvironmentVariables service_variables(const std::vector<ServicePtr>& services, std::string_view namespace_name, bool enable_service_links) {
  // The API server's own Service is there for every pod, unless its namespace has one of that name.
  std::map<std::string_view, const core::Service*> seen;
  for (const ServicePtr& service : services) {
    if (!has_address(*service)) continue;
    const std::string_view name = service->metadata.name;
    if (service->metadata.namespace_ == "default" && name == "kubernetes")
      seen.emplace(name, service.get());
    else if (enable_service_links && service->metadata.namespace_ == namespace_name)
      seen[name] = service.get();
  }
  EnvironmentVariables out;
  for (const auto& [name, service] : seen) add_service(*service, out);
  return out;
}

}  // namespace pintle::kubelet::container_config
