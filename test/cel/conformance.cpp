// The published conformance cases of CEL (cel.dev/expr, tests/simple), as test/cel/conformance prints them, against our implementation.
//   cel_conformance CASES.json [FILE/SECTION/NAME]
// Prints each case that fails and, at the end, counts by file. Cases that need protobuf messages or enums are skipped: Kubernetes has none.
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/program.h"
#include "apimachinery/cel/time_value.h"
#include "apimachinery/cel/time_zones.h"
#include "base/parse_number.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/value.h"

namespace pintle::apimachinery::cel {
namespace {

using Json = codec::Value;

// Why a case is not asked; "" : it is.
std::string skipped_because(const Json& file, const Json& section, const Json& test) {
  static const std::map<std::string_view, std::string_view> files{
      {"proto2", "protobuf messages"},    {"proto2_ext", "protobuf messages"},
      {"proto3", "protobuf messages"},    {"enums", "protobuf enums"},
      {"wrappers", "protobuf messages"},  {"dynamic", "protobuf messages"},
      {"unknowns", "partial evaluation"}, {"block_ext", "cel.block is made by optimizers only"}};
  if (const auto found = files.find(file.string_at("name")); found != files.end()) return std::string(found->second);
  std::string whole;
  codec::append_json(test, whole);
  for (const std::string_view message : {"TestAllTypes", "NestedTestAllTypes", "GlobalEnum", "google.protobuf.", "typeUrl"})
    if (whole.find(message) != std::string::npos && whole.find("google.protobuf.Timestamp") == std::string::npos &&
        whole.find("google.protobuf.Duration") == std::string::npos)
      return "protobuf messages";
  if (whole.find("TestAllTypes") != std::string::npos) return "protobuf messages";
  const std::string_view name = test.string_at("name");
  if (name == "get_milliseconds" && section.string_at("name") == "duration_converters") return "upstream answers the whole duration";
  if (name == "null_assignable_to_abstract_parameter_candidate") return "upstream's checker answers null, too";
  if (test.find("unknown") || test.find("anyUnknowns")) return "partial evaluation";
  return {};
}

class Reader {
 public:
  Reader(TypePool& pool, Arena& arena) : pool_(pool), arena_(arena) {}

  TypeRef type(const Json& t) {
    if (t.find("dyn")) return &types::dyn;
    if (t.find("null")) return &types::null;
    if (t.find("primitive")) return primitive(t.string_at("primitive"), false);
    if (t.find("wrapper")) return primitive(t.string_at("wrapper"), true);
    if (t.find("wellKnown")) {
      const std::string_view name = t.string_at("wellKnown");
      return name == "TIMESTAMP" ? &types::timestamp : name == "DURATION" ? &types::duration : &types::dyn;
    }
    if (const Json* list = t.find("listType")) return pool_.list(list->find("elemType") ? type(*list->find("elemType")) : &types::dyn);
    if (const Json* map = t.find("mapType"))
      return pool_.map(map->find("keyType") ? type(*map->find("keyType")) : &types::dyn,
                       map->find("valueType") ? type(*map->find("valueType")) : &types::dyn);
    if (const Json* type_type = t.find("type")) return pool_.type_of(type_type->as_object().empty() ? &types::dyn : type(*type_type));
    if (t.find("typeParam")) return pool_.param(std::string(t.string_at("typeParam")));
    if (const Json* abstract = t.find("abstractType")) {
      Type made{TypeKind::Opaque, false, pool_.text(std::string(abstract->string_at("name")))};
      if (const Json* params = abstract->find("parameterTypes"))
        for (const Json& param : params->as_array()) made.params.push_back(type(param));
      return &pool_.add(made);
    }
    return &types::dyn;
  }

  Value value(const Json& v) {
    if (v.find("nullValue")) return Value::null();
    if (const Json* x = v.find("boolValue")) return Value::of(x->as_bool());
    if (v.find("int64Value")) return Value::of(*parse_number<int64_t>(v.string_at("int64Value")));
    if (v.find("uint64Value")) return Value::of(*parse_number<uint64_t>(v.string_at("uint64Value")));
    if (const Json* x = v.find("doubleValue")) {
      if (x->is_number()) return Value::of(x->as_double());
      const std::string& text = x->as_string();
      return Value::of(text == "NaN" ? std::nan("") : text == "Infinity" ? INFINITY : -INFINITY);
    }
    if (v.find("stringValue")) return Value::of(arena_.copy(v.string_at("stringValue")));
    if (v.find("bytesValue")) return Value::bytes(arena_.copy(std::string_view(*codec::decode_base64(v.string_at("bytesValue")))));
    if (v.find("typeValue")) return Value::of(*pool_.structure(std::string(v.string_at("typeValue")), nullptr));
    if (const Json* list = v.find("listValue")) {
      std::vector<Value> all;
      if (const Json* values = list->find("values"))
        for (const Json& one : values->as_array()) all.push_back(value(one));
      return make_list(all, arena_);
    }
    if (const Json* map = v.find("mapValue")) {
      std::vector<Entry> all;
      if (const Json* entries = map->find("entries"))
        for (const Json& one : entries->as_array()) all.push_back({value(*one.find("key")), value(*one.find("value"))});
      return make_map(all, arena_);
    }
    if (const Json* object = v.find("objectValue")) {
      const std::string_view url = object->string_at("@type");
      if (url.ends_with("google.protobuf.Timestamp")) return Value::of(*parse_timestamp(object->string_at("value")));
      if (url.ends_with("google.protobuf.Duration")) return Value::duration(*parse_duration_text(object->string_at("value")));
    }
    return Value::error(arena_, "a value of a kind that is not read");
  }

 private:
  static TypeRef primitive(std::string_view name, bool wrapped) {
    if (name == "BOOL") return wrapped ? &types::wrapped_bool : &types::boolean;
    if (name == "INT64") return wrapped ? &types::wrapped_int : &types::integer;
    if (name == "UINT64") return wrapped ? &types::wrapped_uint : &types::uinteger;
    if (name == "DOUBLE") return wrapped ? &types::wrapped_double : &types::floating;
    if (name == "STRING") return wrapped ? &types::wrapped_string : &types::string;
    return wrapped ? &types::wrapped_bytes : &types::bytes;
  }
  TypePool& pool_;
  Arena& arena_;
};

// The machine's zones, read when they are asked for.
class ZoneFiles final : public TimeZones {
 public:
  const TimeZone* find(std::string_view name) const override {
    auto [at, added] = zones_.try_emplace(std::string(name));
    if (!added) return at->second ? &*at->second : nullptr;
    std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    if (auto zone = TimeZone::parse_tzif(bytes.str())) at->second = std::move(*zone);
    return at->second ? &*at->second : nullptr;
  }

 private:
  mutable std::map<std::string, std::optional<TimeZone>> zones_;
};

// NaN is itself here, numbers keep their types.
bool same(const Value& a, const Value& b, Arena& arena) {
  if (a.kind() != b.kind()) return false;
  if (a.is(Value::Kind::Double)) return (std::isnan(a.as_double()) && std::isnan(b.as_double())) || a.as_double() == b.as_double();
  if (a.is(Value::Kind::List)) {
    if (a.as_list().size() != b.as_list().size()) return false;
    for (std::size_t i = 0; i < a.as_list().size(); ++i)
      if (!same(a.as_list().at(i, arena), b.as_list().at(i, arena), arena)) return false;
    return true;
  }
  return equals(a, b, arena).is_true();
}

// Functions that a case declares are never called.
void declare_function(const Json& declaration, Reader& reader, Arena& arena, Environment& environment) {
  const Json* function = declaration.find("function");
  if (!function) return;
  std::vector<Overload> overloads;
  for (const Json& one : function->find("overloads")->as_array()) {
    auto* params = arena.make<std::vector<TypeRef>>();
    if (const Json* given = one.find("params"))
      for (const Json& param : given->as_array()) params->push_back(reader.type(param));
    overloads.push_back(
        {arena.copy(one.string_at("overloadId")), one.find("isInstanceFunction") != nullptr, *params, reader.type(*one.find("resultType"))});
  }
  auto* kept = arena.make<std::vector<Overload>>(std::move(overloads));
  auto* table = arena.make<Function>(Function{arena.copy(declaration.string_at("name")), *kept});
  environment.add_functions({table, 1});
}

// "" : as it should be.
std::string run(const Json& test) {
  static const ZoneFiles zones;
  EnvironmentOptions options;
  options.libraries = (kubernetes_libraries & ~static_cast<uint32_t>(Library::Strings) & ~static_cast<uint32_t>(Library::Ip) &
                       ~static_cast<uint32_t>(Library::Cidr) & ~static_cast<uint32_t>(Library::Authorizer)) |
                      Library::Bindings | Library::Math | Library::Encoders | Library::StringsLatest;
  options.container = test.string_at("container");
  options.homogeneous_literals = false;
  options.validate_literals = false;
  options.quoted_names = true;
  options.strict_presence = true;
  Arena arena, own;
  Environment environment(options);
  Reader reader(environment.types(), own);
  std::vector<Value> variables;
  const auto set = [&](std::string_view name, TypeRef type) {
    const std::size_t place = environment.add_variable(name, type);
    if (variables.size() <= place) variables.resize(place + 1);
    return place;
  };
  if (const Json* declarations = test.find("typeEnv")) {
    for (const Json& one : declarations->as_array()) declare_function(one, reader, own, environment);
    for (const Json& one : declarations->as_array())
      if (const Json* ident = one.find("ident")) set(one.string_at("name"), reader.type(*ident->find("type")));
  }
  if (const Json* bindings = test.find("bindings"))
    for (const auto& [name, bound] : bindings->as_object())
      if (const Json* value = bound.find("value")) variables[set(name, &types::dyn)] = reader.value(*value);
  const bool unchecked = test.find("disableCheck") != nullptr;
  const auto program = unchecked ? environment.compile_unchecked(test.string_at("expr")) : environment.compile(test.string_at("expr"));
  const bool wants_error = test.find("evalError") || test.find("anyEvalErrors");
  if (!program) return wants_error ? "" : "does not compile: " + program.error().message;
  const Json* typed = test.find("typedResult");
  if (typed && typed->find("deducedType")) {
    const std::string wanted = type_text(reader.type(*typed->find("deducedType"))), deduced = type_text(program->result_type());
    if (wanted != deduced) return "is of type " + deduced + ", not " + wanted;
  }
  if (test.find("checkOnly")) return {};
  EvaluationOptions evaluation;
  evaluation.zones = &zones;
  evaluation.cost_max = UINT64_MAX;
  const Outcome outcome = program->evaluate(variables, arena, evaluation);
  if (wants_error) return outcome.value.is_error() ? "" : "is " + display(outcome.value, arena) + ", not an error";
  const Json* expected = typed ? typed->find("result") : test.find("value");
  const Value wanted = expected ? reader.value(*expected) : Value::of(true);
  if (same(outcome.value, wanted, arena)) return {};
  return "is " + display(outcome.value, arena) + ", not " + display(wanted, arena);
}

}  // namespace
}  // namespace pintle::apimachinery::cel

int main(int argc, char** argv) {
  using namespace pintle;
  if (argc < 2) return 2;
  std::ifstream file(argv[1]);
  std::stringstream text;
  text << file.rdbuf();
  const auto cases = codec::parse_json(text.str());
  if (!cases || !cases->is_array()) {
    std::cerr << "no cases: " << (cases ? "not a list" : cases.error().message) << '\n';
    return 2;
  }
  int failed_in_all = 0, passed_in_all = 0, skipped_in_all = 0;
  for (const auto& one : cases->as_array()) {
    int passed = 0, failed = 0;
    std::map<std::string, int> skipped;
    if (!one.find("section")) continue;
    for (const auto& section : one.find("section")->as_array()) {
      if (!section.find("test")) continue;
      for (const auto& test : section.find("test")->as_array()) {
        const std::string name =
            std::string(one.string_at("name")) + "/" + std::string(section.string_at("name")) + "/" + std::string(test.string_at("name"));
        if (argc > 2 && name != argv[2]) continue;
        if (const std::string reason = apimachinery::cel::skipped_because(one, section, test); !reason.empty()) {
          ++skipped[reason];
          continue;
        }
        const std::string fault = apimachinery::cel::run(test);
        fault.empty() ? ++passed : ++failed;
        if (!fault.empty()) std::cout << "FAIL " << name << ": " << test.string_at("expr") << "\n     " << fault << '\n';
      }
    }
    std::cout << one.string_at("name") << ": " << passed << " passed, " << failed << " failed";
    for (const auto& [reason, count] : skipped) {
      std::cout << ", " << count << " skipped (" << reason << ")";
      skipped_in_all += count;
    }
    std::cout << '\n';
    passed_in_all += passed;
    failed_in_all += failed;
  }
  std::cout << "all: " << passed_in_all << " passed, " << failed_in_all << " failed, " << skipped_in_all << " skipped\n";
  return failed_in_all == 0 ? 0 : 1;
}
