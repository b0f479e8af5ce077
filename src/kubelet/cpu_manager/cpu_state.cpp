#include "kubelet/cpu_manager/cpu_state.h"

#include "codec/json.h"
#include "kubelet/types/go_checksum.h"

namespace pintle::kubelet::cpu_manager {

namespace {

using codec::Value;

// The form that is hashed: what Go's structure looks like when it is printed with sorted keys.
std::string printed(const CpuState& state, const std::map<std::string, std::map<std::string, std::string>>& entries, const std::string& shared) {
  std::string out = "(*state.CPUManagerCheckpoint){PolicyName:(string)" + state.policy + " DefaultCPUSet:(string)" + shared +
                    " Entries:(map[string]map[string]string)map[";
  for (const auto& [uid, containers] : entries) {
    if (out.back() != '[') out += ' ';
    out += uid + ":map[";
    for (const auto& [container, cpus] : containers) {
      if (out.back() != '[') out += ' ';
      out += container + ":" + cpus;
    }
    out += ']';
  }
  return out + "] Checksum:(checksum.Checksum)0}";
}

Unexpected<Status> not_its_form() { return error(Reason::BadRequest, "not the form of a CPU manager checkpoint"); }

}  // namespace

std::string encode_cpu_state(const CpuState& state) {
  std::map<std::string, std::map<std::string, std::string>> entries;
  Value out(Value::Object{});
  for (const auto& [uid, containers] : state.of_pods)
    for (const auto& [container, cpus] : containers) {
      entries[uid][container] = format_cpu_set(cpus);
      out["entries"][uid][container] = entries[uid][container];
    }
  const std::string shared = format_cpu_set(state.shared);
  out["policyName"] = state.policy;
  out["defaultCpuSet"] = shared;
  out["checksum"] = static_cast<int64_t>(go_checksum(printed(state, entries, shared)));
  return codec::to_json(out);
}

Result<CpuState> decode_cpu_state(std::string_view text) {
  TRY_ASSIGN(const Value file, codec::parse_json(text));
  const Value* checksum = file.find("checksum");
  if (!checksum || !checksum->is_int()) return not_its_form();
  CpuState out;
  out.policy = file.string_at("policyName");
  std::map<std::string, std::map<std::string, std::string>> entries;
  if (const Value* told = file.find("entries"); told && !told->is_null()) {
    if (!told->is_object()) return not_its_form();
    for (const auto& [uid, containers] : told->as_object()) {
      if (!containers.is_object()) return not_its_form();
      entries[uid];
      for (const auto& [container, cpus] : containers.as_object()) {
        if (!cpus.is_string()) return not_its_form();
        entries[uid][container] = cpus.as_string();
      }
    }
  }
  const std::string shared(file.string_at("defaultCpuSet"));
  if (checksum->as_int() != static_cast<int64_t>(go_checksum(printed(out, entries, shared))))
    return error(Reason::Conflict, "checkpoint is corrupted");
  TRY_ASSIGN(out.shared, parse_cpu_set(shared));
  for (const auto& [uid, containers] : entries)
    for (const auto& [container, cpus] : containers) {
      TRY_ASSIGN(out.of_pods[uid][container], parse_cpu_set(cpus));
    }
  return out;
}

}  // namespace pintle::kubelet::cpu_manager
