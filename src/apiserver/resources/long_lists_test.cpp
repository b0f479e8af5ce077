// Every list and map of every kind, made long: what a strategy does with it may grow with its length, not with the square of it. A new
// resource, and a new field, are in this test by themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "api/codec.h"
#include "api/defaults.h"
#include "apiserver/registry/object_validation.h"
#include "apiserver/registry/resource.h"
#include "apiserver/resources/resources.h"
#include "apiserver/types/options.h"
#include "codec/cpu_testing.h"

namespace pintle::apiserver::resources {
namespace {

using api::Field;
using api::Kind;
using api::Type;

constexpr int depth_max = 9;  // fields from the root: a container's probe's headers
constexpr std::size_t length = 4000;
constexpr double worth_a_look_s = 0.03;  // shorter than that is linear enough
constexpr double linear_factor_max = 8;  // four times the length: linear takes 4 times as long, the square of it 16 times

// The fields that lead from a root to a list or map.
using Path = std::vector<const Field*>;

const Type& inner(const Type& type) {
  const Type* at = &type;
  while (at->pointer != nullptr) at = at->elem;
  return *at;
}

// Each list and map once, where it is first met, nearest to the root first.
std::vector<Path> find_lists(const Type& root, std::set<const Field*>& seen) {
  std::vector<Path> found, level{{}};
  std::set<const Type*> entered;
  for (int depth = 0; depth < depth_max && !level.empty(); ++depth) {
    std::vector<Path> next;
    for (const Path& path : level) {
      const Type* at = &root;
      for (const Field* field : path) {
        at = &inner(*field->type);
        if (at->kind == Kind::List || at->kind == Kind::Map) at = &inner(*at->elem);
      }
      if ((at->kind != Kind::Struct && at->kind != Kind::Union) || !entered.insert(at).second) continue;
      for (const Field& field : at->fields) {
        Path below = path;
        below.push_back(&field);
        const Kind kind = inner(*field.type).kind;
        if ((kind == Kind::List || kind == Kind::Map) && seen.insert(&field).second) found.push_back(below);
        next.push_back(std::move(below));
      }
    }
    level = std::move(next);
  }
  return found;
}

void* value_at(const Type& type, void* at) {
  const Type* t = &type;
  while (t->pointer != nullptr) {
    void* there = t->pointer->get(at);
    at = there != nullptr ? there : t->pointer->emplace(at);
    t = t->elem;
  }
  return at;
}

// Strings and numbers of an element, so that no two are alike.
void tell_apart(const Type& type, void* at, std::size_t i) {
  if (type.kind == Kind::String) *static_cast<std::string*>(at) = "n" + std::to_string(i);
  if (type.kind == Kind::Int32) *static_cast<int32_t*>(at) = static_cast<int32_t>(i) + 1;
  if (type.kind == Kind::Int64) *static_cast<int64_t*>(at) = static_cast<int64_t>(i) + 1;
  if (type.kind != Kind::Struct) return;
  for (const Field& field : type.fields)
    if (field.type->kind != Kind::Struct) tell_apart(*field.type, api::field_address(at, field), i);
}

api::Object with_long(const Type& root, const Path& path, std::size_t n, bool distinct) {
  api::Object object(root);
  void* at = object.data();
  for (const Field* field : path) {
    const Type& type = inner(*field->type);
    at = value_at(*field->type, api::field_address(at, *field));
    if (field != path.back()) {
      if (type.kind == Kind::List) at = value_at(*type.elem, type.list->push_back(at));
      if (type.kind == Kind::Map) at = value_at(*type.elem, type.map->insert(at, "k"));
      continue;
    }
    for (std::size_t i = 0; i < n; ++i) {
      void* element = type.kind == Kind::List ? type.list->push_back(at) : type.map->append(at, std::to_string(100000 + i));
      element = value_at(*type.elem, element);
      if (distinct) tell_apart(inner(*type.elem), element, i);
    }
  }
  api::apply_defaults(root, object.data());
  return object;
}

// What a create and an update of it do, up to the store.
void go_through(const registry::Resource& resource, api::Object object) {
  static const ApiServerOptions options;
  RequestScope scope;
  scope.options = &options;
  const registry::Strategy& strategy = resource.strategy();
  strategy.set_defaults(object);
  const api::Object old = object;
  const auto judge = [&](const registry::Strategy& with, api::Object changed) {
    FieldErrors errors;
    with.prepare_for_update(scope, changed, old);
    with.validate_update(scope, changed, old, errors);
  };
  judge(strategy, object);
  for (const registry::PartSubresource& part : resource.definition().parts)
    if (part.strategy) judge(*part.strategy, object);
  strategy.prepare_for_create(scope, object);
  FieldErrors errors;
  registry::validate_new_metadata(resource, object, errors);
  registry::validate_changed_metadata(object, old, true, errors);
  strategy.validate(scope, object, errors);
  registry::validate_by_schema(object, &old, errors);
  std::vector<std::string> warnings;
  strategy.warnings(scope, object, nullptr, warnings);
  if (!errors.empty()) (void)errors.to_status("", "Kind", "name");
  strategy.canonicalize(object);
  registry::TableCells cells;
  strategy.table_cells(object, cells);
}

double seconds(const registry::Resource& resource, const Type& root, const Path& path, std::size_t n, bool distinct) {
  const api::Object object = with_long(root, path, n, distinct);
  return codec::cpu_seconds([&] { go_through(resource, object); });
}

std::string shown(const registry::Resource& resource, const Path& path) {
  std::string out(resource.kind());
  for (const Field* field : path) out += "." + std::string(field->name);
  return out;
}

TEST(LongLists, TakeTimeInProportion) {
  std::set<const Field*> seen;
  std::size_t lists = 0;
  for (registry::ResourceDefinition& definition : builtin_resources({})) {
    const registry::Resource resource(std::move(definition));
    if (!resource.stored()) continue;
    const Type& root = resource.storage_version().type();
    for (const Path& path : find_lists(root, seen)) {
      ++lists;
      for (const bool distinct : {false, true}) {
        double factor = 0;
        for (int attempt = 0; attempt < 3; ++attempt) {  // a busy machine may spoil one
          const double all = seconds(resource, root, path, length, distinct);
          if (all < worth_a_look_s) {
            factor = 0;
            break;
          }
          factor = all / std::max(seconds(resource, root, path, length / 4, distinct), 1e-6);
          if (factor <= linear_factor_max) break;
        }
        EXPECT_LE(factor, linear_factor_max) << shown(resource, path) << (distinct ? ", no two alike" : ", all alike");
      }
    }
  }
  EXPECT_GT(lists, 300u);
}

}  // namespace
}  // namespace pintle::apiserver::resources
