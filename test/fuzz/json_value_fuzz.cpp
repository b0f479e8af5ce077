// JSON to Value: what is accepted reads back from what is written, and the skipper agrees with the parser.
#include "codec/json.h"
#include "codec/json_text.h"
#include "driver.h"
#include "samples.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  std::vector<std::string> duplicates;
  const auto value = codec::parse_json(input, &duplicates);
  codec::JsonReader skipper(input);
  const bool skipped = skipper.skip_value() && skipper.finish();
  if (!value) return;
  CHECK(skipped, "the skipper refuses what the parser takes");
  const std::string text = codec::to_json(*value);
  const auto again = codec::parse_json(text);
  CHECK(again.has_value(), "our own JSON reads back");
  // A negative zero is written -0, as Go does, and that text reads as the integer 0: from there on nothing changes.
  const std::string settled = codec::to_json(*again);
  CHECK(settled == text || text.find("-0") != text.npos, "our own JSON means the same");
  CHECK(codec::to_json(*codec::parse_json(settled)) == settled, "our own JSON reads back the same");
  CHECK(codec::compact_json(codec::pretty_json(text)) == text, "layout changes nothing");
  CHECK(codec::is_valid_utf8(text), "what is written is UTF-8");
}

std::vector<std::string> seeds() { return json_samples(); }
std::vector<std::string> tokens() { return json_tokens(); }

}  // namespace pintle::fuzz
