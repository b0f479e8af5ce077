// Our implementation beside upstream's: reads what test/cel/upstream answered, a case a line, and prints where we differ in the type, the
// estimate, the value, the cost or the fault.
//   cel_upstream ANSWERS.jsonl
#include <cmath>
#include <fstream>
#include <iostream>
#include <string>

#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/program.h"
#include "codec/json.h"
#include "codec/value.h"

namespace pintle::apimachinery::cel {
namespace {

codec::Value self_document() { return *codec::parse_json(R"({"a":{"b":"hello"},"b":{"b":"y"},"list":[1e0,2e0,3e0],"n":1e0,"f":1.5})"); }

// Go's decoder knows no integers.
void numbers_as_doubles(codec::Value& v) {
  if (v.is_int()) v = v.as_double();
  if (v.is_array())
    for (codec::Value& one : v.as_array()) numbers_as_doubles(one);
  if (v.is_object())
    for (auto& [name, one] : v.as_object()) numbers_as_doubles(one);
}

class Comparison {
 public:
  Comparison() {
    EnvironmentOptions options;
    options.libraries = kubernetes_libraries | Library::Bindings;
    environment_ = Environment(options);
    TypePool& pool = environment_.types();
    environment_.add_variable("self", &types::dyn);
    environment_.add_variable("i", &types::integer);
    environment_.add_variable("s", &types::string);
    environment_.add_variable("ints", pool.list(&types::integer));
    environment_.add_variable("strings", &types::list_string);
    environment_.add_variable("names", pool.map(&types::string, &types::string));
    self_ = self_document();
    numbers_as_doubles(self_);
  }

  int run(const codec::Value& answer) {
    const std::string_view expr = answer.string_at("expr");
    std::string differences;
    const auto differ = [&](std::string_view what, const std::string& ours, const std::string& theirs) {
      if (ours != theirs) differences += "\n     " + std::string(what) + ": " + ours + "\n     not " + theirs;
    };
    const auto program = environment_.compile(expr);
    if (!program) {
      differ("error", program.error().message, std::string(answer.string_at("error")));
    } else if (answer.find("error")) {
      differ("error", "", std::string(answer.string_at("error")));
    } else {
      evaluate(*program, answer, differ);
    }
    if (!differences.empty()) std::cout << "DIFF " << expr << differences << '\n';
    return differences.empty() ? 0 : 1;
  }

 private:
  void evaluate(const Program& program, const codec::Value& answer, const auto& differ) {
    const auto text = [](double v) { return v >= 1e15 ? std::to_string(std::log2(v)) : std::to_string(static_cast<int64_t>(v)); };
    const CostEstimate estimate = program.estimate_cost();
    const double most = answer.find("max")->as_double();
    differ("least", text(static_cast<double>(estimate.min)), text(answer.find("min")->as_double()));
    differ("most", text(estimate.max == UINT64_MAX ? -1 : static_cast<double>(estimate.max)), text(most));
    differ("type",
           program.result_type()->kind == TypeKind::Duration || program.result_type()->kind == TypeKind::Timestamp
               ? std::string(program.result_type()->name)
               : type_text(program.result_type()),
           std::string(answer.string_at("type")));
    Arena arena;
    const Value ints[] = {Value::of(1), Value::of(2), Value::of(3)};
    const Value strings[] = {Value::of("a"), Value::of("bc"), Value::of("def")};
    const Entry names[] = {{Value::of("a"), Value::of("x")}};
    const Value variables[] = {document_value(self_, &types::dyn, arena),
                               Value::of(5),
                               Value::of("text"),
                               make_list(ints, arena),
                               make_list(strings, arena),
                               make_map(names, arena)};
    const Outcome outcome = program.evaluate(variables, arena);
    differ("cost", std::to_string(outcome.cost), std::to_string(answer.find("cost")->as_int()));
    if (outcome.value.is_error()) {
      differ("fails", std::string(outcome.value.as_error().message), std::string(answer.string_at("fails")));
    } else if (answer.find("fails")) {
      differ("fails", "", std::string(answer.string_at("fails")));
    } else if (answer.find("value")) {
      differ("value", display(outcome.value, arena), std::string(answer.string_at("value")));
    }
  }

  Environment environment_{EnvironmentOptions{}};
  codec::Value self_;
};

}  // namespace
}  // namespace pintle::apimachinery::cel

int main(int argc, char** argv) {
  using namespace pintle;
  if (argc < 2) return 2;
  std::ifstream file(argv[1]);
  apimachinery::cel::Comparison comparison;
  int differing = 0, all = 0;
  for (std::string line; std::getline(file, line); ++all) {
    const auto answer = codec::parse_json(line);
    if (!answer) return 2;
    differing += comparison.run(*answer);
  }
  std::cout << all - differing << " of " << all << " agree\n";
  return differing == 0 ? 0 : 1;
}
