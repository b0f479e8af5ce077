#include "kubelet/dynamic_resources/checkpoint.h"

#include <zlib.h>

#include "codec/json.h"

namespace pintle::kubelet::dynamic_resources {

namespace {

using codec::Value;

Unexpected<Status> not_its_form(std::string_view what) { return error(Reason::BadRequest, "the checkpoint has a wrong " + std::string(what)); }

int64_t checksum_of(std::string_view data) {
  return static_cast<int64_t>(crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())));
}

// Nothing is null, as Go writes a list that was never made.
Value list_of(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  Value::Array out;
  for (const std::string& word : words) out.emplace_back(word);
  return Value(std::move(out));
}

Value value_of(const PreparedDevice& device) {
  Value out;
  out["PoolName"] = device.pool;
  out["DeviceName"] = device.device;
  out["ShareID"] = device.share_id ? Value(*device.share_id) : Value();
  out["RequestNames"] = list_of(device.requests);
  out["CDIDeviceIDs"] = list_of(device.cdi_devices);
  return out;
}

Value value_of(const ClaimInfo& claim) {
  Value out;
  out["ClaimUID"] = claim.uid;
  out["ClaimName"] = claim.name;
  out["Namespace"] = claim.namespace_name;
  Value pods(Value::Object{});
  for (const std::string& uid : claim.pods) pods[uid] = Value(Value::Object{});
  out["PodUIDs"] = std::move(pods);
  Value drivers(Value::Object{});
  for (const auto& [driver, devices] : claim.drivers) {
    Value::Array list;
    for (const PreparedDevice& device : devices) list.push_back(value_of(device));
    drivers[driver]["Devices"] = list.empty() ? Value() : Value(std::move(list));
  }
  out["DriverState"] = std::move(drivers);
  return out;
}

bool is_nothing(const Value* value) { return !value || value->is_null(); }

Result<std::vector<std::string>> words_of(const Value& of, std::string_view field) {
  std::vector<std::string> out;
  const Value* list = of.find(field);
  if (is_nothing(list)) return out;
  if (!list->is_array()) return not_its_form(field);
  for (const Value& word : list->as_array()) {
    if (!word.is_string()) return not_its_form(field);
    out.push_back(word.as_string());
  }
  return out;
}

Result<PreparedDevice> device_of(const Value& value) {
  if (!value.is_object()) return not_its_form("Devices");
  PreparedDevice out;
  out.pool = value.string_at("PoolName");
  out.device = value.string_at("DeviceName");
  if (const Value* share = value.find("ShareID"); !is_nothing(share)) out.share_id = std::string(value.string_at("ShareID"));
  TRY_ASSIGN(out.requests, words_of(value, "RequestNames"));
  TRY_ASSIGN(out.cdi_devices, words_of(value, "CDIDeviceIDs"));
  return out;
}

Result<std::vector<PreparedDevice>> devices_of_driver(const Value& state) {
  std::vector<PreparedDevice> out;
  const Value* list = state.find("Devices");
  if (is_nothing(list)) return out;
  if (!list->is_array()) return not_its_form("Devices");
  for (const Value& one : list->as_array()) {
    TRY_ASSIGN(auto device, device_of(one));
    out.push_back(std::move(device));
  }
  return out;
}

Result<ClaimInfo> claim_of(const Value& value) {
  if (!value.is_object()) return not_its_form("ClaimInfoStateList");
  ClaimInfo out;
  out.uid = value.string_at("ClaimUID");
  out.name = value.string_at("ClaimName");
  out.namespace_name = value.string_at("Namespace");
  if (const Value* pods = value.find("PodUIDs"); !is_nothing(pods)) {
    if (!pods->is_object()) return not_its_form("PodUIDs");
    for (const auto& [uid, nothing] : pods->as_object()) out.pods.insert(uid);
  }
  const Value* drivers = value.find("DriverState");
  if (is_nothing(drivers)) return out;
  if (!drivers->is_object()) return not_its_form("DriverState");
  for (const auto& [driver, state] : drivers->as_object()) {
    TRY_ASSIGN(out.drivers[driver], devices_of_driver(state));
  }
  return out;
}

}  // namespace

std::string encode_claims(const ClaimInfos& claims) {
  Value data;
  data["kind"] = "DRACheckpoint";
  data["apiVersion"] = "checkpoint.dra.kubelet.k8s.io/v1";
  Value::Array list;
  for (const auto& [key, claim] : claims.all()) list.push_back(value_of(claim));
  data["ClaimInfoStateList"] = Value(std::move(list));
  const std::string text = codec::to_json(data);
  Value out;
  out["Data"] = text;
  out["Checksum"] = checksum_of(text);
  return codec::to_json(out);
}

Result<ClaimInfos> decode_claims(std::string_view text) {
  TRY_ASSIGN(const Value file, codec::parse_json(text));
  const Value* data = file.find("Data");
  const Value* checksum = file.find("Checksum");
  if (!data || !data->is_string()) return not_its_form("Data");
  if (!checksum || !checksum->is_int()) return not_its_form("Checksum");
  if (checksum->as_int() != checksum_of(data->as_string())) return error(Reason::Conflict, "checkpoint is corrupted");
  TRY_ASSIGN(const Value inner, codec::parse_json(data->as_string()));
  ClaimInfos out;
  const Value* list = inner.find("ClaimInfoStateList");
  if (is_nothing(list)) return out;
  if (!list->is_array()) return not_its_form("ClaimInfoStateList");
  for (const Value& one : list->as_array()) {
    TRY_ASSIGN(auto claim, claim_of(one));
    out.put(std::move(claim));
  }
  return out;
}

}  // namespace pintle::kubelet::dynamic_resources
