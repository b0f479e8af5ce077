#include "apimachinery/apply/managed_fields.h"

#include <algorithm>
#include <tuple>

namespace pintle::apimachinery {
namespace {

constexpr std::string_view ancient_manager = "ancient-changes";
constexpr std::size_t manager_name_bytes_max = 128;

int64_t seconds_of(const ManagerEntry& entry) { return entry.time ? entry.time->seconds : 0; }

auto order_of(const ManagerEntry& entry) {
  return std::tuple(!entry.applied, seconds_of(entry), std::string_view(entry.manager), std::string_view(entry.api_version),
                    std::string_view(entry.subresource));
}

}  // namespace

Result<ManagedFields> ManagedFields::decode(std::span<const api::meta_v1::ManagedFieldsEntry> entries) {
  if (entries.size() > managed_entries_max) return bad_request("more than " + std::to_string(managed_entries_max) + " managers");
  ManagedFields managed;
  managed.entries_.reserve(entries.size());
  for (const auto& entry : entries) {
    if (entry.operation != "Apply" && entry.operation != "Update") return bad_request("operation must be `Apply` or `Update`");
    if (entry.api_version.empty()) return bad_request("apiVersion must not be empty");
    if (entry.fields_type != "FieldsV1") return bad_request("fieldsType must be `FieldsV1`");
    TRY_ASSIGN(FieldSet fields, FieldSet::parse_fields_v1(entry.fields_v_1 ? std::string_view(entry.fields_v_1->raw) : ""));
    ManagerEntry decoded{entry.manager, entry.operation == "Apply", entry.api_version, entry.subresource, entry.time, std::move(fields)};
    if (ManagerEntry* same = managed.find(decoded)) {
      *same = std::move(decoded);  // the last of one owner stays
    } else {
      managed.entries_.push_back(std::move(decoded));
    }
  }
  return managed;
}

std::vector<api::meta_v1::ManagedFieldsEntry> ManagedFields::encode() {
  std::ranges::stable_sort(entries_, [](const ManagerEntry& a, const ManagerEntry& b) { return order_of(a) < order_of(b); });
  std::vector<api::meta_v1::ManagedFieldsEntry> encoded;
  encoded.reserve(entries_.size());
  for (const ManagerEntry& entry : entries_) {
    api::meta_v1::ManagedFieldsEntry& out = encoded.emplace_back();
    out.manager = entry.manager;
    out.operation = entry.applied ? "Apply" : "Update";
    out.api_version = entry.api_version;
    out.time = entry.time;
    out.fields_type = "FieldsV1";
    out.fields_v_1 = api::FieldsV1{entry.fields.to_fields_v1()};
    out.subresource = entry.subresource;
  }
  return encoded;
}

ManagerEntry* ManagedFields::find(const ManagerEntry& owner) {
  const auto it = std::ranges::find_if(entries_, [&](const ManagerEntry& entry) { return entry.same_owner(owner); });
  return it == entries_.end() ? nullptr : &*it;
}

void ManagedFields::drop_empty() {
  std::erase_if(entries_, [](const ManagerEntry& entry) { return entry.fields.empty(); });
}

void ManagedFields::cap_updates() {
  std::size_t updates = static_cast<std::size_t>(std::ranges::count(entries_, false, &ManagerEntry::applied));
  if (updates <= update_managers_max) return;
  std::ranges::stable_sort(entries_, {}, [](const ManagerEntry& e) { return std::tuple(!e.applied, seconds_of(e)); });
  // The oldest of a version waits until a second one comes; then both go into the version's bucket.
  std::vector<std::size_t> oldest;
  for (std::size_t i = 0; i < entries_.size() && updates > update_managers_max; ++i) {
    ManagerEntry& entry = entries_[i];
    if (entry.applied) continue;
    const auto first = std::ranges::find_if(oldest, [&](std::size_t at) { return entries_[at].api_version == entry.api_version; });
    if (first == oldest.end()) {
      oldest.push_back(i);
      continue;
    }
    ManagerEntry& bucket = entries_[*first];
    bucket.manager = ancient_manager;
    bucket.subresource.clear();
    bucket.time = entry.time;
    bucket.fields.unite(std::move(entry.fields));
    entry.fields = FieldSet();
    --updates;
  }
  drop_empty();
}

std::string manager_name(std::string_view manager, std::string_view user_agent) {
  if (!manager.empty()) return std::string(manager);
  std::string_view prefix = user_agent.substr(0, user_agent.find('/'));
  std::string name;
  for (const char c : prefix) {
    if (name.size() == manager_name_bytes_max) break;
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) name += c;
  }
  return name.empty() ? "unknown" : name;
}

}  // namespace pintle::apimachinery
