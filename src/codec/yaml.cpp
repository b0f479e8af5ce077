#include "codec/yaml.h"

#include "codec/json_text.h"
#include "codec/path_frame.h"
#include "codec/yaml_builder.h"
#include "codec/yaml_reader.h"

namespace pintle::codec {
namespace {

// The offset of the first byte outside YAML's character set, or npos.
std::size_t find_forbidden(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t n = utf8_length(text.substr(i));
    const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    const bool c1 = c == 0xC2 && n == 2 && static_cast<unsigned char>(text[i + 1]) < 0xA0 && text[i + 1] != '\x85';
    if (n == 0 || control || c1) return i;
    i += n;
  }
  return std::string_view::npos;
}

}  // namespace

Result<Value> parse_yaml(std::string_view text, std::vector<std::string>* duplicates) {
  if (const std::size_t at = find_forbidden(text); at != text.npos)
    return bad_request("invalid YAML at offset " + std::to_string(at) + ": a control character or a byte that is not UTF-8");
  YamlBuilder builder(duplicates);
  YamlReader reader(text, builder);
  if (!reader.document()) return error(builder.too_large() ? Reason::RequestEntityTooLarge : Reason::BadRequest, reader.error());
  return builder.take_root();
}

std::string yaml_errors(const std::vector<std::string>& duplicates) {
  std::string out = "yaml: unmarshal errors:";
  for (const std::string& one : duplicates) out += "\n  " + one;
  return out;
}

std::vector<std::string_view> split_yaml(std::string_view stream) {
  std::vector<std::string_view> documents;
  std::size_t from = 0;
  const auto add = [&](std::size_t to) {
    const std::string_view document = stream.substr(from, to - from);
    // Something but blank lines and comments?
    for (std::size_t at = 0; at < document.size();) {
      const std::size_t end = std::min(document.find('\n', at), document.size());
      const std::size_t first = document.find_first_not_of(" \t\r", at);
      if (first < end && document[first] != '#') {
        documents.push_back(document);
        return;
      }
      at = end + 1;
    }
  };
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t end = std::min(stream.find('\n', at), stream.size());
    const std::string_view line = stream.substr(at, end - at);
    const std::size_t rest = line.starts_with("---") ? line.find_first_not_of(" \t\r", 3) : 0;
    if (rest == line.npos || (rest >= 3 && line[rest] == '#')) {
      add(at);
      from = std::min(end + 1, stream.size());
    }
    at = end + 1;
  }
  add(stream.size());
  return documents;
}

}  // namespace pintle::codec
