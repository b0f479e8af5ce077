// JSON merge patches (RFC 7386).
#include "apimachinery/patch/json_patch.h"
#include "driver.h"
#include "patches.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  auto both = split_patch(input);
  if (!both) return;
  const auto result = apimachinery::apply_merge_patch(both->first, both->second);
  check_document(result);
  if (!result) return;
  const auto twice = apimachinery::apply_merge_patch(*result, both->second);
  CHECK(twice && *twice == *result, "a merge patch twice is as once");
}

std::vector<std::string> seeds() {
  return {R"({"document":{"a":{"b":1,"c":[1]}},"patch":{"a":{"b":null,"c":{"d":null}},"e":[null]}})",
          R"({"document":{"a":1,"b":2,"c":3},"patch":{"a":null,"b":null,"d":null,"e":{"f":{}}}})"};
}
std::vector<std::string> tokens() { return {"\"a\":null,", "\"b\":{", "{\"a\":", "null", "[", "]", "{", "}", ",", "\"x\":1,", "\"y\":null,"}; }

}  // namespace pintle::fuzz
