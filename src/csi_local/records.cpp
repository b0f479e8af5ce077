#include "csi_local/records.h"

#include <algorithm>

#include "codec/bounded_json.h"
#include "codec/json.h"
#include "component/certificate/keys.h"

namespace pintle::csi_local {

namespace {

constexpr int64_t record_version = 1;
constexpr std::size_t digest_digits = 32;

std::string_view prefix_of(Kind kind) { return kind == Kind::Volume ? "vol-" : "snap-"; }

Result<codec::Value> parse_record(std::string_view text) {
  auto value = codec::parse_json_within(record_bytes_max, text);
  if (!value || !value->is_object()) return error(Reason::Invalid, "it is no JSON object");
  const codec::Value* version = value->find("version");
  if (!version || !version->is_int() || version->as_int() != record_version)
    return error(Reason::Invalid, "its version is not " + std::to_string(record_version));
  return value;
}

int64_t int_at(const codec::Value& value, std::string_view key) {
  const codec::Value* found = value.find(key);
  return found && found->is_int() ? found->as_int() : 0;
}

bool bool_at(const codec::Value& value, std::string_view key) {
  const codec::Value* found = value.find(key);
  return found && found->is_bool() && found->as_bool();
}

// What both have.
template <class Record>
codec::Value common_of(const Record& record) {
  codec::Value out;
  out["version"] = record_version;
  out["id"] = record.id;
  out["name"] = record.name;
  out["pool"] = record.pool;
  out["sizeBytes"] = record.size_bytes;
  out["fileSystemBytes"] = record.file_system_bytes;
  out["block"] = record.block;
  out["fsType"] = record.fs_type;
  return out;
}

template <class Record>
Result<Unit> read_common(const codec::Value& value, Kind kind, Record& out) {
  out.id = value.string_at("id");
  out.name = value.string_at("name");
  out.pool = value.string_at("pool");
  out.size_bytes = int_at(value, "sizeBytes");
  out.file_system_bytes = int_at(value, "fileSystemBytes");
  out.block = bool_at(value, "block");
  out.fs_type = value.string_at("fsType");
  if (!is_id(kind, out.id) || out.size_bytes <= 0) return error(Reason::Invalid, "it has no id or no size");
  return Unit{};
}

}  // namespace

std::string id_of(Kind kind, std::string_view node, std::string_view name) {
  const std::string digest = component::hex(component::sha256(std::string(node) + '\0' + std::string(name)));
  return std::string(prefix_of(kind)) + digest.substr(0, digest_digits);
}

bool is_id(Kind kind, std::string_view text) {
  const std::string_view prefix = prefix_of(kind);
  if (!text.starts_with(prefix) || text.size() != prefix.size() + digest_digits) return false;
  return std::ranges::all_of(text.substr(prefix.size()), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string to_json(const VolumeRecord& record) {
  codec::Value out = common_of(record);
  out["minSizeBytes"] = record.size_bytes_min;
  out["maxSizeBytes"] = record.size_bytes_max;
  out["source"] = record.source;
  out["fresh"] = record.fresh;
  codec::Value::Array targets;
  for (const std::string& target : record.targets) targets.emplace_back(target);
  out["targets"] = std::move(targets);
  return codec::to_json(out);
}

std::string to_json(const SnapshotRecord& record) {
  codec::Value out = common_of(record);
  out["volume"] = record.volume;
  out["createdSeconds"] = record.created_seconds;
  return codec::to_json(out);
}

Result<VolumeRecord> parse_volume(std::string_view text) {
  TRY_ASSIGN(const codec::Value value, parse_record(text));
  VolumeRecord out;
  TRY(read_common(value, Kind::Volume, out));
  out.size_bytes_min = int_at(value, "minSizeBytes");
  out.size_bytes_max = int_at(value, "maxSizeBytes");
  out.source = value.string_at("source");
  out.fresh = bool_at(value, "fresh");
  const codec::Value* targets = value.find("targets");
  if (!targets || !targets->is_array()) return out;
  for (const codec::Value& target : targets->as_array())
    if (target.is_string()) out.targets.push_back(target.as_string());
  return out;
}

Result<SnapshotRecord> parse_snapshot(std::string_view text) {
  TRY_ASSIGN(const codec::Value value, parse_record(text));
  SnapshotRecord out;
  TRY(read_common(value, Kind::Snapshot, out));
  out.volume = value.string_at("volume");
  out.created_seconds = int_at(value, "createdSeconds");
  return out;
}

}  // namespace pintle::csi_local
