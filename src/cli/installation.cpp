#include "cli/installation.h"

#include "codec/json.h"

namespace pintle::cli {
namespace {

// Each text member with its name, for reading and writing alike.
template <class Visit, class Record>
void visit_texts(Record& record, Visit visit) {
  visit("nodeName", record.node_name);
  visit("nodeIP", record.node_ip);
  visit("kubeconfig", record.kubeconfig);
  visit("runtimeEndpoint", record.runtime_endpoint);
  visit("cgroupRoot", record.cgroup_root);
  visit("podsSlice", record.pods_slice);
  visit("podLogsDir", record.pod_logs_dir);
  visit("pauseImage", record.pause_image);
  visit("kubeletRootDir", record.kubelet_root_dir);
}

}  // namespace

Result<Unit> write_installation(rt::Disk& disk, const Layout& layout, const Installation& installation) {
  codec::Value out;
  out["server"] = installation.server;
  out["node"] = installation.node;
  out["proxy"] = installation.proxy;
  out["httpsPort"] = static_cast<int64_t>(installation.https_port);
  visit_texts(installation, [&](const char* name, const std::string& value) { out[name] = value; });
  return disk.replace(layout.record(), codec::to_pretty_json(out) + "\n", 0600);
}

Result<Installation> read_installation(rt::Disk& disk, const Layout& layout) {
  const auto text = disk.read(layout.record());
  if (!text) return error(Reason::NotFound, layout.data_dir + " holds no installation of pintle");
  auto value = codec::parse_json(*text);
  if (!value) return bad_request(layout.record() + ": " + value.error().message);
  Installation out;
  const auto flag = [&](const char* name) {
    const codec::Value* member = value->find(name);
    return member && member->is_bool() && member->as_bool();
  };
  out.server = flag("server");
  out.node = flag("node");
  out.proxy = flag("proxy");
  if (const codec::Value* port = value->find("httpsPort"); port && port->is_int()) out.https_port = static_cast<uint16_t>(port->as_int());
  visit_texts(out, [&](const char* name, std::string& member) { member = std::string(value->string_at(name)); });
  return out;
}

}  // namespace pintle::cli
