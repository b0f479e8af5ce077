#include "apiserver/published/merge_v2.h"

#include <map>
#include <set>

#include "codec/json.h"

namespace pintle::apiserver::published {
namespace {

using apimachinery::openapi::FurtherKinds;
using apimachinery::openapi::kinds_key;
using codec::Value;

constexpr std::string_view definition_prefix = "#/definitions/", parameter_prefix = "#/parameters/";

// Calls visit(reference) for each "$ref" of text.
template <class V, class Visit>
void for_each_reference(V& value, Visit&& visit) {
  if (value.is_array()) {
    for (auto& item : value.as_array()) for_each_reference(item, visit);
  } else if (value.is_object()) {
    for (auto& [key, member] : value.as_object()) {
      if (key == "$ref" && member.is_string())
        visit(member);
      else
        for_each_reference(member, visit);
    }
  }
}

// What counts of a definition.
Value essence(const Value& value) {
  if (value.is_array()) {
    Value::Array out;
    for (const Value& item : value.as_array()) out.push_back(essence(item));
    return out;
  }
  if (!value.is_object()) return value;
  Value out = Value::Object{};
  for (const auto& [key, member] : value.as_object()) {
    const bool text = key == "description" && member.is_string();
    if (!text && key != kinds_key) out[key] = essence(member);
  }
  return out;
}

bool same(const Value& a, const Value& b) { return codec::to_json(essence(a)) == codec::to_json(essence(b)); }

class Merger {
 public:
  Merger(const Value& document, const Taken& taken) : document_(document), taken_(taken) {}

  Merged merge(std::string_view prefix) {
    Merged out{Value::Object{}, Value::Object{}, Value::Object{}};
    const Value* paths = document_.find("paths");
    if (paths == nullptr || !paths->is_object()) return out;
    for (const auto& [path, item] : paths->as_object()) {
      if (!std::string_view(path).starts_with(prefix) || !item.is_object() || taken_.path(path)) continue;
      if (++members_ > merged_members_max) break;
      out.paths[path] = item;
      reach(item);
    }
    name("definitions", definition_prefix, reached_definitions_, taken_.definition, &out.kinds);
    name("parameters", parameter_prefix, reached_parameters_, taken_.parameter, nullptr);
    rename(out.paths);
    copy("definitions", definition_prefix, reached_definitions_, out.definitions);
    copy("parameters", parameter_prefix, reached_parameters_, out.parameters);
    return out;
  }

 private:
  const Value* find(std::string_view section, std::string_view name) const {
    const Value* members = document_.find(section);
    return members ? members->find(name) : nullptr;
  }

  void reach(const Value& from) {
    std::vector<const Value*> todo{&from};
    while (!todo.empty()) {
      const Value* at = todo.back();
      todo.pop_back();
      for_each_reference(*at, [&](const Value& reference) {
        std::string_view name = reference.as_string();
        const bool definition = name.starts_with(definition_prefix);
        if (!definition && !name.starts_with(parameter_prefix)) return;
        name.remove_prefix(definition ? definition_prefix.size() : parameter_prefix.size());
        const Value* target = find(definition ? "definitions" : "parameters", name);
        if (target == nullptr || members_ >= merged_members_max) return;
        if (!(definition ? reached_definitions_ : reached_parameters_).emplace(name).second) return;
        ++members_;
        todo.push_back(target);
      });
    }
  }

  void name(std::string_view section, std::string_view prefix, const std::set<std::string>& reached,
            const std::function<Value(std::string_view)>& taken, FurtherKinds* kinds) {
    for (const std::string& name : reached) {
      const Value& mine = *find(section, name);
      std::string wanted = name;
      for (int i = 2;; ++i) {
        const Value there = taken(wanted);
        const bool other_of_mine = wanted != name && find(section, wanted) != nullptr;
        if (there.is_null() && !other_of_mine) break;
        if (!there.is_null() && same(there, mine)) {
          left_out_.insert(std::string(prefix) + name);
          if (kinds) note_kinds(mine, (*kinds)[wanted]);
          break;
        }
        wanted = name + "_v" + std::to_string(i);
      }
      if (wanted != name) renamed_[std::string(prefix) + name] = std::string(prefix) + wanted;
    }
  }

  static void note_kinds(const Value& definition, Value::Array& kinds) {
    const Value* mine = definition.find(kinds_key);
    if (mine == nullptr || !mine->is_array()) return;
    for (const Value& kind : mine->as_array())
      if (kinds.size() < merged_kinds_max) kinds.push_back(kind);
  }

  void rename(Value& value) const {
    if (renamed_.empty()) return;
    for_each_reference(value, [&](Value& reference) {
      if (const auto it = renamed_.find(reference.as_string()); it != renamed_.end()) reference = it->second;
    });
  }

  void copy(std::string_view section, std::string_view prefix, const std::set<std::string>& reached, Value& out) const {
    for (const std::string& name : reached) {
      const std::string reference = std::string(prefix) + name;
      if (left_out_.contains(reference)) continue;
      Value made = *find(section, name);
      rename(made);
      const auto it = renamed_.find(reference);
      out[it == renamed_.end() ? name : it->second.substr(prefix.size())] = std::move(made);
    }
  }

  const Value& document_;
  const Taken& taken_;
  std::size_t members_ = 0;
  std::set<std::string> reached_definitions_, reached_parameters_;
  std::map<std::string, std::string, std::less<>> renamed_;  // whole references
  std::set<std::string, std::less<>> left_out_;
};

}  // namespace

Merged merge_v2(const Value& document, std::string_view prefix, const Taken& taken) { return Merger(document, taken).merge(prefix); }

}  // namespace pintle::apiserver::published
