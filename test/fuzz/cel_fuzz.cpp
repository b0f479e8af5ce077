// CEL expressions, as definitions and policies carry them.
#include <array>

#include "apimachinery/cel/check.h"
#include "apimachinery/cel/parser.h"
#include "base/check.h"
#include "driver.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  using namespace apimachinery::cel;
  constexpr std::array<std::string_view, 4> variables{"self", "object", "oldObject", "request"};
  const bool parses = parse(input).has_value();
  constexpr std::array wanted{ResultType::Any, ResultType::Bool, ResultType::String, ResultType::Object, ResultType::List};
  CHECK(parses || !check(input, Scope{variables, wanted[input.size() % wanted.size()]}), "what does not parse is no expression");
  (void)is_identifier(input);
}

std::vector<std::string> seeds() {
  return {"self.a == 1 && (self.b in [1, 2u, 3.5] || !has(self.c))",
          "object.spec.containers.all(c, c.image.startsWith('x/') && c.name != \"\")",
          "{'a': 1, 'b': [true, null]}.a ? b\"\\x41\" : r'\\d'",
          "request.user.filter(g, g == '''x\ny''').map(x, x + 1).size() > 0x1F - -2",
          "Object{spec: Object.spec{replicas: 3}}",
          "self.x.exists_one(i, v, i % 2 == 0) // note"};
}
std::vector<std::string> tokens() {
  return {"(",   ")",  "[",    "]",    "{",    "}", "!",      "-",       "!(", "-(", "?:",  " ? 1 : ", "a.",   ".all(x, ", ".map(x, ", ".b",
          "[0]", "+1", " && ", " || ", " in ", "'", "\"\"\"", "\\u00e9", "\\", "0x", "1e9", "u",       "self", "has(",     "{1:",      "// "};
}

}  // namespace pintle::fuzz
