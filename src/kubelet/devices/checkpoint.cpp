#include "kubelet/devices/checkpoint.h"

#include <charconv>
#include <optional>

#include "codec/base64.h"
#include "codec/json.h"
#include "kubelet/types/go_checksum.h"
#include "rpc/typed_call.h"

namespace pintle::kubelet::devices {

namespace {

using codec::Value;
using Answer = api::deviceplugin_v1beta1::ContainerAllocateResponse;

Unexpected<Status> malformed(std::string_view what) { return error(Reason::BadRequest, "the checkpoint has a wrong " + std::string(what)); }

std::optional<int64_t> number_of(std::string_view text) {
  int64_t out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// --- the form that is hashed: what Go's structures look like when they are printed with sorted keys; nothing is not the same as empty ---

bool is_absent(const Value* value) { return !value || value->is_null(); }

bool print_list(const Value* value, std::string& out) {
  if (is_absent(value)) {
    out += "<nil>";
    return true;
  }
  if (!value->is_array()) return false;
  out += '[';
  for (const Value& one : value->as_array()) {
    if (!one.is_string()) return false;
    if (out.back() != '[') out += ' ';
    out += one.as_string();
  }
  out += ']';
  return true;
}

bool print_bytes(const Value* value, std::string& out) {
  if (is_absent(value)) {
    out += "<nil>";
    return true;
  }
  if (!value->is_string()) return false;
  const auto bytes = codec::decode_base64(value->as_string());
  if (!bytes) return false;
  out += '[';
  for (const char byte : *bytes) {
    if (out.back() != '[') out += ' ';
    out += std::to_string(static_cast<unsigned char>(byte));
  }
  out += ']';
  return true;
}

// Keys are numbers or texts, each in its own order.
template <class Key, class ToKey>
bool print_map(const Value* value, ToKey to_key, std::string& out) {
  if (is_absent(value)) {
    out += "<nil>";
    return true;
  }
  if (!value->is_object()) return false;
  std::map<Key, const Value*> sorted;
  for (const auto& [text, list] : value->as_object()) {
    const std::optional<Key> key = to_key(text);
    if (!key) return false;
    sorted[*key] = &list;
  }
  out += "map[";
  for (const auto& [key, list] : sorted) {
    if (out.back() != '[') out += ' ';
    if constexpr (std::is_same_v<Key, int64_t>) {
      out += std::to_string(key);
    } else {
      out += key;
    }
    out += ':';
    if (!print_list(list, out)) return false;
  }
  out += ']';
  return true;
}

bool print_entry(const Value& entry, std::string& out) {
  if (!entry.is_object()) return false;
  out += '{';
  for (const std::string_view name : {"PodUID", "ContainerName", "ResourceName"}) {
    out.append(name).append(":(string)").append(entry.string_at(name)) += ' ';
  }
  out += "DeviceIDs:(checkpoint.DevicesPerNUMA)";
  if (!print_map<int64_t>(entry.find("DeviceIDs"), number_of, out)) return false;
  out += " AllocResp:([]uint8)";
  if (!print_bytes(entry.find("AllocResp"), out)) return false;
  out += '}';
  return true;
}

// nullopt: `data` has another form.
std::optional<std::string> printed(const Value& data) {
  std::string out = "(checkpoint.checkpointData){PodDeviceEntries:([]checkpoint.PodDevicesEntry)";
  const Value* entries = data.find("PodDeviceEntries");
  if (is_absent(entries)) {
    out += "<nil>";
  } else {
    if (!entries->is_array()) return std::nullopt;
    out += '[';
    bool first = true;
    for (const Value& entry : entries->as_array()) {
      if (!std::exchange(first, false)) out += ' ';
      if (!print_entry(entry, out)) return std::nullopt;
    }
    out += ']';
  }
  out += " RegisteredDevices:(map[string][]string)";
  const auto as_text = [](std::string_view text) { return std::optional(std::string(text)); };
  if (!print_map<std::string>(data.find("RegisteredDevices"), as_text, out)) return std::nullopt;
  return out + "}";
}

// --- to and from Value -------------------------------------------------------------------------------------------------------

template <class List>
Value list_value(const List& list) {
  Value::Array out;
  for (const std::string& one : list) out.emplace_back(one);
  return Value(std::move(out));
}

Value entry_value(const std::string& uid, const std::string& container, const std::string& resource, const Allocation& allocation) {
  Value out;
  out["PodUID"] = uid;
  out["ContainerName"] = container;
  out["ResourceName"] = resource;
  Value& ids = out["DeviceIDs"];
  ids = Value(Value::Object());
  for (const auto& [node, list] : allocation.by_numa_node) ids[std::to_string(node)] = list_value(list);
  out["AllocResp"] = codec::base64(rpc::encode(allocation.answer));
  return out;
}

std::vector<std::string> texts_of(const Value& list) {
  std::vector<std::string> out;
  if (list.is_array())
    for (const Value& one : list.as_array()) out.push_back(one.as_string());  // print_list() has seen that they are texts
  return out;
}

void read_entry(const Value& entry, Allocations& out) {
  const auto bytes = codec::decode_base64(entry.string_at("AllocResp"));
  auto answer = rpc::decode<Answer>(*bytes);
  if (!answer) return;
  Allocation allocation;
  allocation.answer = std::move(*answer);
  if (const Value* ids = entry.find("DeviceIDs"); ids && ids->is_object())
    for (const auto& [node, list] : ids->as_object()) allocation.by_numa_node[*number_of(node)] = texts_of(list);
  out.put(std::string(entry.string_at("PodUID")), std::string(entry.string_at("ContainerName")), std::string(entry.string_at("ResourceName")),
          std::move(allocation));
}

}  // namespace

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  Value data(Value::Object{});
  Value::Array entries;
  for (const auto& [uid, containers] : checkpoint.allocations.all())
    for (const auto& [container, resources] : containers)
      for (const auto& [resource, allocation] : resources) entries.push_back(entry_value(uid, container, resource, allocation));
  data["PodDeviceEntries"] = entries.empty() ? Value() : Value(std::move(entries));
  Value& registered = data["RegisteredDevices"];
  registered = Value(Value::Object());
  for (const auto& [resource, ids] : checkpoint.registered) registered[resource] = list_value(ids);
  Value out;
  out["Checksum"] = static_cast<int64_t>(go_checksum(printed(data).value()));
  out["Data"] = std::move(data);
  return codec::to_json(out);
}

Result<Checkpoint> decode_checkpoint(std::string_view text) {
  TRY_ASSIGN(const Value file, codec::parse_json(text));
  const Value* data = file.find("Data");
  const Value* checksum = file.find("Checksum");
  if (!data || !data->is_object()) return malformed("Data");
  if (!checksum || !checksum->is_int()) return malformed("Checksum");
  const auto form = printed(*data);
  if (!form) return malformed("form");
  if (checksum->as_int() != static_cast<int64_t>(go_checksum(*form))) return error(Reason::Conflict, "checkpoint is corrupted");
  Checkpoint out;
  if (const Value* entries = data->find("PodDeviceEntries"); !is_absent(entries))
    for (const Value& entry : entries->as_array()) read_entry(entry, out.allocations);
  if (const Value* registered = data->find("RegisteredDevices"); !is_absent(registered)) {
    for (const auto& [resource, list] : registered->as_object()) {
      const auto ids = texts_of(list);
      out.registered[resource] = DeviceIds(ids.begin(), ids.end());
    }
  }
  return out;
}

}  // namespace pintle::kubelet::devices
