#include "kubelet/memory_manager/memory_state.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "codec/json.h"
#include "kubelet/types/go_checksum.h"

namespace pintle::kubelet::memory_manager {

namespace {

using codec::Value;

// --- the form that is hashed: what Go's structure looks like when it is printed with sorted keys -----------------------------------

std::string printed_list(const std::vector<int64_t>& numbers) { return fmt::format("([]int)[{}]", fmt::join(numbers, " ")); }

std::string printed_table(const MemoryTable& table) {
  return fmt::format("<*>{{TotalMemSize:(uint64){} SystemReserved:(uint64){} Allocatable:(uint64){} Reserved:(uint64){} Free:(uint64){}}}",
                     table.total, table.system_reserved, table.allocatable, table.reserved, table.free);
}

std::string printed_node(const NodeMemory& node) {
  std::string out = fmt::format("<*>{{NumberOfAssignments:(int){} MemoryMap:(map[v1.ResourceName]*state.MemoryTable)map[", node.assignments);
  for (const auto& [type, table] : node.of) out += (out.back() == '[' ? "" : " ") + type + ":" + printed_table(table);
  return out + "] Cells:" + printed_list(node.cells) + "}";
}

std::string printed_blocks(const Blocks& blocks) {
  std::string out = "[";
  for (const Block& block : blocks)
    out += fmt::format("{}{{NUMAAffinity:{} Type:(v1.ResourceName){} Size:(uint64){}}}", out.size() == 1 ? "" : " ", printed_list(block.nodes),
                       block.type, block.size);
  return out + "]";
}

std::string printed_state(const MemoryState& state) {
  std::string out = "(*state.MemoryManagerCheckpoint){PolicyName:(string)" + state.policy + " MachineState:(state.NUMANodeMap)map[";
  for (const auto& [node, memory] : state.machine) out += fmt::format("{}{}:{}", out.back() == '[' ? "" : " ", node, printed_node(memory));
  out += "] Entries:(state.ContainerMemoryAssignments)map[";
  for (const auto& [uid, containers] : state.of_pods) {
    out += (out.back() == '[' ? "" : " ") + uid + ":map[";
    for (const auto& [container, blocks] : containers) out += (out.back() == '[' ? "" : " ") + container + ":" + printed_blocks(blocks);
    out += "]";
  }
  return out + "] Checksum:(checksum.Checksum)0}";
}

// --- to and from Value -----------------------------------------------------------------------------------------------------------------

Value number(uint64_t value) { return Value(static_cast<int64_t>(value)); }

Value numbers_of(const std::vector<int64_t>& list) {
  Value::Array out;
  for (const int64_t one : list) out.emplace_back(one);
  return Value(std::move(out));
}

Value node_value(const NodeMemory& node) {
  Value out;
  out["numberOfAssignments"] = Value(node.assignments);
  Value& map = out["memoryMap"];
  map = Value(Value::Object{});
  for (const auto& [type, table] : node.of) {
    Value& of = map[type];
    of["total"] = number(table.total);
    of["systemReserved"] = number(table.system_reserved);
    of["allocatable"] = number(table.allocatable);
    of["reserved"] = number(table.reserved);
    of["free"] = number(table.free);
  }
  out["cells"] = numbers_of(node.cells);
  return out;
}

Value blocks_value(const Blocks& blocks) {
  Value::Array out;
  for (const Block& block : blocks) {
    Value one;
    one["numaAffinity"] = numbers_of(block.nodes);
    one["type"] = block.type;
    one["size"] = number(block.size);
    out.push_back(std::move(one));
  }
  return Value(std::move(out));
}

Unexpected<Status> no_memory_state() { return error(Reason::BadRequest, "not the form of a memory manager checkpoint"); }

Result<uint64_t> number_at(const Value& of, std::string_view field) {
  const Value* found = of.find(field);
  if (!found || !found->is_int() || found->as_int() < 0) return no_memory_state();
  return static_cast<uint64_t>(found->as_int());
}

Result<std::vector<int64_t>> nodes_at(const Value& of, std::string_view field) {
  std::vector<int64_t> out;
  const Value* list = of.find(field);
  if (!list || !list->is_array()) return no_memory_state();
  for (const Value& one : list->as_array()) {
    if (!one.is_int() || one.as_int() < 0) return no_memory_state();
    out.push_back(one.as_int());
  }
  return out;
}

Result<NodeMemory> node_of(const Value& value) {
  NodeMemory out;
  const Value* map = value.find("memoryMap");
  if (!map || !map->is_object()) return no_memory_state();
  TRY_ASSIGN(const uint64_t assignments, number_at(value, "numberOfAssignments"));
  out.assignments = static_cast<int64_t>(assignments);
  for (const auto& [type, table] : map->as_object()) {
    MemoryTable& into = out.of[type];
    TRY_ASSIGN(into.total, number_at(table, "total"));
    TRY_ASSIGN(into.system_reserved, number_at(table, "systemReserved"));
    TRY_ASSIGN(into.allocatable, number_at(table, "allocatable"));
    TRY_ASSIGN(into.reserved, number_at(table, "reserved"));
    TRY_ASSIGN(into.free, number_at(table, "free"));
  }
  TRY_ASSIGN(out.cells, nodes_at(value, "cells"));
  return out;
}

Result<Blocks> blocks_of(const Value& list) {
  if (!list.is_array()) return no_memory_state();
  Blocks out;
  for (const Value& one : list.as_array()) {
    Block& block = out.emplace_back();
    TRY_ASSIGN(block.nodes, nodes_at(one, "numaAffinity"));
    TRY_ASSIGN(block.size, number_at(one, "size"));
    block.type = one.string_at("type");
  }
  return out;
}

Result<Unit> read_machine(const Value& file, MemoryState& out) {
  const Value* machine = file.find("machineState");
  if (!machine || !machine->is_object()) return no_memory_state();
  for (const auto& [text, value] : machine->as_object()) {
    int64_t id = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (failed != std::errc() || end != text.data() + text.size() || id < 0) return no_memory_state();
    TRY_ASSIGN(out.machine[id], node_of(value));
  }
  return Unit{};
}

}  // namespace

const Blocks* MemoryState::find(std::string_view uid, std::string_view container) const {
  const auto pod = of_pods.find(uid);
  if (pod == of_pods.end()) return nullptr;
  const auto found = pod->second.find(container);
  return found == pod->second.end() ? nullptr : &found->second;
}

std::string encode_memory_state(const MemoryState& state) {
  Value out;
  out["policyName"] = state.policy;
  Value& machine = out["machineState"];
  machine = Value(Value::Object{});
  for (const auto& [node, memory] : state.machine) machine[std::to_string(node)] = node_value(memory);
  for (const auto& [uid, containers] : state.of_pods)
    for (const auto& [container, blocks] : containers) out["entries"][uid][container] = blocks_value(blocks);
  out["checksum"] = static_cast<int64_t>(go_checksum(printed_state(state)));
  return codec::to_json(out);
}

Result<MemoryState> decode_memory_state(std::string_view text) {
  TRY_ASSIGN(const Value file, codec::parse_json(text));
  const Value* checksum = file.find("checksum");
  if (!checksum || !checksum->is_int()) return no_memory_state();
  MemoryState out;
  out.policy = file.string_at("policyName");
  TRY(read_machine(file, out));
  if (const Value* entries = file.find("entries"); entries && !entries->is_null()) {
    if (!entries->is_object()) return no_memory_state();
    for (const auto& [uid, containers] : entries->as_object()) {
      if (!containers.is_object()) return no_memory_state();
      for (const auto& [container, blocks] : containers.as_object()) {
        TRY_ASSIGN(out.of_pods[uid][container], blocks_of(blocks));
      }
    }
  }
  if (checksum->as_int() != static_cast<int64_t>(go_checksum(printed_state(out)))) return error(Reason::Conflict, "checkpoint is corrupted");
  return out;
}

}  // namespace pintle::kubelet::memory_manager
