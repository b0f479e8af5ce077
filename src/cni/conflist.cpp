#include "cni/conflist.h"

#include "base/ip_address.h"
#include "codec/json_text.h"

namespace pintle::cni {

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  codec::append_json_string(text, out);
  return out;
}

}  // namespace

Result<std::string> conflist(const ConflistSettings& settings) {
  if (settings.pod_cidrs.empty()) return error(Reason::Invalid, "the node has no pod CIDR");
  std::string ranges, routes;
  for (const std::string& cidr : settings.pod_cidrs) {
    const auto range = parse_prefix(cidr);
    if (!range) return error(Reason::Invalid, "the node's pod CIDR is no address range: " + cidr);
    const std::string everywhere = range->address.is_v6() ? "::/0" : "0.0.0.0/0";
    if (!ranges.empty()) ranges += ',';
    ranges += "[{\"subnet\":" + quoted(cidr) + "}]";
    if (!routes.empty()) routes += ',';
    routes += "{\"dst\":" + quoted(everywhere) + "}";
  }
  // Hairpin: a pod may reach itself through its Service. Masquerading is the node's business, not the plugin's.
  std::string bridge = "{\"type\":\"bridge\",\"bridge\":" + quoted(settings.bridge) +
                       ",\"isGateway\":true,\"forceAddress\":true,\"ipMasq\":false,\"hairpinMode\":true";
  if (settings.mtu > 0) bridge += ",\"mtu\":" + std::to_string(settings.mtu);
  bridge += ",\"ipam\":{\"type\":\"host-local\",\"ranges\":[" + ranges + "],\"routes\":[" + routes + "]";
  if (!settings.data_dir.empty()) bridge += ",\"dataDir\":" + quoted(settings.data_dir);
  bridge += "}}";
  std::string plugins = std::move(bridge);
  if (settings.port_mappings) plugins += ",{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true},\"snat\":true}";
  return codec::pretty_json("{\"cniVersion\":\"0.4.0\",\"name\":" + quoted(settings.name) + ",\"plugins\":[" + plugins + "]}") + "\n";
}

}  // namespace pintle::cni
