#include "apimachinery/cel/mutation_types.h"

namespace pintle::apimachinery::cel {
namespace {

class AnyField final : public StructFields {
 public:
  Field find(std::string_view) const override { return {&types::dyn, {}}; }
};
class PatchFields final : public StructFields {
 public:
  Field find(std::string_view field) const override {
    if (field == "op" || field == "path" || field == "from") return {&types::string, {}};
    return {field == "value" ? &types::dyn : nullptr, {}};
  }
};

class MutationTypes final : public TypeSource {
 public:
  TypeRef find_type(std::string_view name, TypePool& pool) const override {
    static const AnyField any_field;
    static const PatchFields patch_fields;
    if (name == "JSONPatch") return pool.structure("JSONPatch", &patch_fields);
    if (name == "Object" || name.starts_with("Object.")) return pool.structure(std::string(name), &any_field);
    return nullptr;
  }
};

}  // namespace

const TypeSource& mutation_types() {
  static const MutationTypes types;
  return types;
}

}  // namespace pintle::apimachinery::cel
