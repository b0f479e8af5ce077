// YAML to Value: what is accepted reads back from what is written.
#include "codec/json.h"
#include "codec/json_text.h"
#include "codec/yaml.h"
#include "driver.h"
#include "samples.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  std::vector<std::string> duplicates;
  codec::split_yaml(input);
  auto value = codec::parse_yaml(input, &duplicates);
  if (!value) return;
  // Once more: a negative zero (-0e21) settles as 0.
  value = codec::parse_yaml(codec::to_yaml(*value));
  CHECK(value.has_value(), "our own YAML reads back");
  const std::string yaml = codec::to_yaml(*value);
  const auto again = codec::parse_yaml(yaml);
  // DEL, which JSON carries and YAML does not, is escaped; nothing that is written may be refused.
  CHECK(again.has_value(), "our own YAML reads back");
  CHECK(codec::to_json(*again) == codec::to_json(*value), "our own YAML means the same");
}

std::vector<std::string> seeds() {
  std::vector<std::string> all = json_samples();
  for (const std::string& json : json_samples()) all.push_back(codec::to_yaml(*codec::parse_json(json)));
  for (const char* text :
       {"a: &x {k: v}\nb: *x\nc:\n  <<: *x\n  z: 1\n", "a: |\n  text\n   more\n\nb: >-\n  fold\n  ed\n\n    x\nc: |2+\n   x\n\n",
        "? a\n: - b\n  - !!str 1\n", "- \"esc \\n \\x41 \\u263a\\\n  x\"\n- 'it''s\n\n  y'\n- plain\n  more # c\n- [a, {b: c}, d: e,]\n",
        "%YAML 1.1\n---\na: 1\n...\n"})
    all.emplace_back(text);
  return all;
}
std::vector<std::string> tokens() {
  return {"\n", "\n  ", "\n- ", ": ", "- ", "? ", "|\n",   ">-\n",  "&a ", "*a",  "!!int ", "!x ",  "<<: ", "#",    " #", "'",
          "\"", "{",    "}",    "[",  "]",  ",",  "---\n", "...\n", "\t",  "\\x", "yes",    "0x1F", "1e3",  ".inf", "~",  "\xC2\x85"};
}

}  // namespace pintle::fuzz
