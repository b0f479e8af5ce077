// JSON patches (RFC 6902).
#include "apimachinery/patch/json_patch.h"
#include "driver.h"
#include "patches.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  if (auto both = split_patch(input)) check_document(apimachinery::apply_json_patch(std::move(both->first), both->second));
}

std::vector<std::string> seeds() {
  return {
      R"({"document":{"a":[1,{"b":null}]},"patch":[{"op":"add","path":"/a/-","value":2},{"op":"move","from":"/a/0","path":"/c~1d"},{"op":"test","path":"/c~1d","value":1}]})",
      R"({"document":{"a":{"b":[1,2,3]}},"patch":[{"op":"remove","path":"/a/b/-1"},{"op":"replace","path":"/a/x","value":{}},{"op":"copy","from":"/a","path":"/a/c"}]})",
      R"({"document":{},"patch":[{"op":"add","path":"/a","value":[]},{"op":"add","path":"/a/0","value":[]},{"op":"add","path":"/a/0/0","value":[]}]})"};
}
std::vector<std::string> tokens() {
  return {R"({"op":"copy","from":"/a","path":"/a/0"},)",
          R"({"op":"copy","from":"","path":"/a"},)",
          R"({"op":"add","path":"/a/0","value":0},)",
          R"({"op":"add","path":"/a/-","value":[[]]},)",
          R"({"op":"remove","path":"/a/0"},)",
          R"({"op":"test","path":"","value":null},)",
          "/0",
          "/-",
          "/-1",
          "~1",
          "~0",
          "\"path\":\"",
          "\"value\":",
          "[",
          "]",
          "{",
          "}",
          "1e3"};
}

}  // namespace pintle::fuzz
