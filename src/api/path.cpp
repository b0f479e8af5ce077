#include "api/path.h"

#include <algorithm>

#include "api/codec.h"
#include "api/json_encode.h"
#include "api/object.h"
#include "api/type_plan.h"
#include "api/values.h"
#include "codec/json_text.h"
#include "codec/proto_wire.h"

namespace pintle::api {
namespace {

Unexpected<Status> no_path(std::string_view path) { return bad_request("no such field: " + codec::go_quote(path)); }

// "[0]", "['key']" or "["key"]" at the front of `rest`.
bool take_bracket(std::string_view& rest, PathStep& step) {
  rest.remove_prefix(1);
  if (rest.empty()) return false;
  if (rest.front() == '\'' || rest.front() == '"') {
    const std::size_t end = rest.find(rest.front(), 1);
    if (end == rest.npos || end + 1 >= rest.size() || rest[end + 1] != ']') return false;
    step.key = rest.substr(1, end - 1);
    rest.remove_prefix(end + 2);
    return true;
  }
  std::size_t n = 0;
  step.index = 0;
  for (; n < rest.size() && rest[n] >= '0' && rest[n] <= '9' && n < 9; ++n) step.index = step.index * 10 + (rest[n] - '0');
  if (n == 0 || n >= rest.size() || rest[n] != ']') return false;
  rest.remove_prefix(n + 1);
  return true;
}

enum class Missing { Stop, Make };

// One step down from a value that is there. False: the type has no such step. `at` becomes null where nothing is there.
bool step_into(const Type*& type, void*& at, const PathStep& step, Missing missing) {
  while (type->kind == Kind::Box || type->kind == Kind::Optional) {
    if (at != nullptr) {
      void* inner = type->pointer->get(at);
      at = inner == nullptr && missing == Missing::Make ? type->pointer->emplace(at) : inner;
    }
    type = type->elem;
  }
  switch (type->kind) {
    case Kind::Struct:
    case Kind::Union: {
      const int index = step.index >= 0 ? -1 : plan_of(*type).find(step.key);
      if (index < 0) return false;
      const PlanField& field = plan_of(*type).fields[static_cast<std::size_t>(index)];
      if (at != nullptr) at = static_cast<char*>(at) + field.offset;
      type = field.type;
      return true;
    }
    case Kind::List: {
      if (step.index < 0) return false;
      const auto index = static_cast<std::size_t>(step.index);
      if (at != nullptr) {
        if (index == type->list->size(at) && missing == Missing::Make) type->list->push_back(at);
        at = index < type->list->size(at) ? type->list->at(at, index) : nullptr;
      }
      type = type->elem;
      return true;
    }
    case Kind::Map:
      if (step.index >= 0) return false;
      if (at != nullptr) at = missing == Missing::Make ? type->map->insert(at, step.key) : type->map->find(at, step.key);
      type = type->elem;
      return true;
    default: return false;
  }
}

Result<Located> locate(const Type& type, void* object, std::string_view path, Missing missing) {
  TRY_ASSIGN(const std::vector<PathStep> steps, parse_path(path));
  Located found{&type, object};
  for (const PathStep& step : steps)
    if (!step_into(found.type, found.at, step, missing)) return no_path(path);
  return found;
}

}  // namespace

Result<std::vector<PathStep>> parse_path(std::string_view path) {
  std::vector<PathStep> steps;
  std::string_view rest = path;
  while (!rest.empty()) {
    PathStep step;
    if (steps.size() == path_steps_max) return bad_request("field path too long: " + codec::go_quote(path));
    if (rest.front() == '[') {
      if (!take_bracket(rest, step)) return bad_request("malformed field path: " + codec::go_quote(path));
    } else {
      if (!steps.empty()) {
        if (rest.front() != '.') return bad_request("malformed field path: " + codec::go_quote(path));
        rest.remove_prefix(1);
      }
      const std::size_t n = std::min(rest.find_first_of(".["), rest.size());
      if (n == 0) return bad_request("malformed field path: " + codec::go_quote(path));
      step.key = rest.substr(0, n);
      rest.remove_prefix(n);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<Located> find_path(const Type& type, void* object, std::string_view path) { return locate(type, object, path, Missing::Stop); }
Result<Located> make_path(const Type& type, void* object, std::string_view path) { return locate(type, object, path, Missing::Make); }

Result<Unit> set_path(const Type& type, void* object, std::string_view path, std::string_view json) {
  TRY_ASSIGN(const Located target, make_path(type, object, path));
  if (target.at == nullptr) return bad_request("index past the end of the list: " + codec::go_quote(path));
  return decode_json(json, *target.type, target.at);
}

std::string scalar_text(const Type& type, const void* at) {
  switch (type.kind) {
    case Kind::String: return *static_cast<const std::string*>(at);
    case Kind::Optional:
    case Kind::Box: {
      const void* inner = type.pointer->get(const_cast<void*>(at));
      return inner == nullptr ? std::string() : scalar_text(*type.elem, inner);
    }
    case Kind::Time: return static_cast<const Time*>(at)->zero() ? std::string() : format_time(*static_cast<const Time*>(at));
    case Kind::MicroTime: return static_cast<const MicroTime*>(at)->zero() ? std::string() : format_micro_time(*static_cast<const MicroTime*>(at));
    case Kind::Quantity: return static_cast<const Quantity*>(at)->text();
    case Kind::IntOrString: {
      const auto& v = *static_cast<const IntOrString*>(at);
      return v.is_string ? v.string_value : std::to_string(v.int_value);
    }
    case Kind::Duration: return format_duration(*static_cast<const Duration*>(at));
    default: break;
  }
  if (type.kind > Kind::Float64) return {};
  std::string out;
  write_json(type, at, out);
  return out;
}

namespace {

using codec::ProtoReader;
using codec::WireType;

// What a message holds under one number: the last value, or the one of an index; whole fields, tag included.
struct Found {
  bool there = false;
  WireType wire = WireType::Varint;
  uint64_t number = 0;
  std::string_view bytes;
};

// False: malformed. index < 0: the last one.
bool find_number(std::string_view message, uint32_t wanted, int64_t index, Found& out) {
  ProtoReader reader(message);
  uint32_t number = 0, fixed = 0;
  for (int64_t i = 0; !reader.at_end();) {
    Found f{true, {}, 0, {}};
    if (!reader.tag(number, f.wire)) return false;
    if (number != wanted) {
      if (!reader.skip(number, f.wire)) return false;
      continue;
    }
    bool read = true;
    switch (f.wire) {
      case WireType::Varint: read = reader.varint(f.number); break;
      case WireType::Fixed64: read = reader.fixed64(f.number); break;
      case WireType::Fixed32:
        read = reader.fixed32(fixed);
        f.number = fixed;
        break;
      case WireType::Bytes: read = reader.bytes(f.bytes); break;
      default: read = false;
    }
    if (!read) return false;
    if (index < 0 || i == index) out = f;
    ++i;
  }
  return true;
}

// The entry with a key in a map field.
bool find_key(std::string_view message, uint32_t wanted, std::string_view key, Found& out) {
  ProtoReader reader(message);
  uint32_t number = 0;
  WireType wire{};
  std::string_view entry;
  while (!reader.at_end()) {
    if (!reader.tag(number, wire)) return false;
    if (number != wanted || wire != WireType::Bytes) {
      if (!reader.skip(number, wire)) return false;
      continue;
    }
    Found found_key, value;
    if (!reader.bytes(entry) || !find_number(entry, 1, -1, found_key) || !find_number(entry, 2, -1, value)) return false;
    if (found_key.bytes == key) out = value;
  }
  return true;
}

// The field of a JSON name and the message that holds it: one further down if the struct is inlined.
const PlanField* find_field(const TypePlan& plan, std::string_view name, std::string_view& message, bool& malformed) {
  const int index = plan.find(name);
  if (index < 0) return nullptr;
  for (const PlanField& field : plan.proto) {
    if (field.json_index == index) return &field;
    if (field.json_index >= 0) continue;
    for (std::size_t i = 0; i < field.inlined.size(); ++i) {
      if (field.inlined[i] != index) continue;
      Found inner;
      malformed = !find_number(message, field.proto, -1, inner);
      message = inner.bytes;
      return find_field(plan_of(*field.type), name, message, malformed);
    }
  }
  return nullptr;
}

std::string text_of(const Type& type, const Found& found) {
  if (type.kind == Kind::Box || type.kind == Kind::Optional) return found.there ? text_of(*type.elem, found) : std::string();
  if (type.kind == Kind::String) return std::string(found.bytes);
  if (!found.there && (type.kind == Kind::Time || type.kind == Kind::MicroTime)) return {};
  // A message of one field, read by the decoder proper.
  std::string one;
  Object value(type);
  switch (type.kind) {
    case Kind::Bool: *static_cast<bool*>(value.data()) = found.number != 0; break;
    case Kind::Int32: *static_cast<int32_t*>(value.data()) = static_cast<int32_t>(found.number); break;
    case Kind::Int64:
    case Kind::Uint64: *static_cast<uint64_t*>(value.data()) = found.number; break;
    case Kind::Quantity:
    case Kind::IntOrString:
    case Kind::Time:
    case Kind::MicroTime:
    case Kind::Duration:
      if (!decode_proto(found.bytes, type, value.data())) return {};
      break;
    default: return {};
  }
  return scalar_text(type, value.data());
}

}  // namespace

std::optional<std::string> proto_field(const Type& root, std::string_view message, std::string_view path) {
  const auto steps = parse_path(path);
  if (!steps || steps->empty()) return std::nullopt;
  const Type* type = &root;
  Found found{true, WireType::Bytes, 0, message};
  for (std::size_t i = 0; i < steps->size(); ++i) {
    while (type->kind == Kind::Box || type->kind == Kind::Optional) type = type->elem;
    if (type->kind != Kind::Struct || (*steps)[i].index >= 0) return std::nullopt;
    std::string_view holder = found.bytes;
    bool malformed = false;
    const PlanField* field = find_field(plan_of(*type), (*steps)[i].key, holder, malformed);
    if (field == nullptr || malformed) return std::nullopt;
    type = field->type;
    Found next;
    const PathStep* below = i + 1 < steps->size() ? &(*steps)[i + 1] : nullptr;
    if (type->kind == Kind::Map && below != nullptr && below->index < 0) {
      if (!find_key(holder, field->proto, below->key, next)) return std::nullopt;
      type = type->elem;
      ++i;
    } else if (type->kind == Kind::List && !type->proto_wrapped && below != nullptr && below->index >= 0) {
      if (!find_number(holder, field->proto, below->index, next)) return std::nullopt;
      type = type->elem;
      ++i;
    } else if (!find_number(holder, field->proto, -1, next)) {
      return std::nullopt;
    }
    found = next;
  }
  return text_of(*type, found);
}

}  // namespace pintle::api
