// YAML to Value and back, as Kubernetes speaks it (sigs.k8s.io/yaml over go-yaml v2): YAML 1.1 scalars, so yes, no, on
// and off are booleans; keys that are no strings become strings; merge keys (<<) work.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/value.h"

namespace pintle::codec {

// Depth: nesting_max. Beyond any of these the document is refused, with BadRequest where no other reason is named.
constexpr std::size_t yaml_nodes_max = 1000000;         // values one document may stand for, aliases expanded
constexpr std::size_t yaml_copied_bytes_max = 4 << 20;  // memory of what anchors, aliases and "<<" repeat
// Memory of the whole: decoded_bytes_max, then RequestEntityTooLarge.
constexpr std::size_t yaml_lookaheads_max = 32;  // a byte of the text may be looked at so often, on average, in search of keys

// The first document of the text; an empty one is null. With `duplicates`, keys that come twice in one mapping are reported there as
// go-yaml does, `line 3: key "b" already set in map` (the line on which the later value begins); the last stays. No more than problems_max
// and problems_bytes_max (path_frame.h) are told.
Result<Value> parse_yaml(std::string_view text, std::vector<std::string>* duplicates = nullptr);
// Those in one error.
std::string yaml_errors(const std::vector<std::string>& duplicates);
// The documents of a stream, split at lines that begin with "---"; those of nothing but comments are left out.
std::vector<std::string_view> split_yaml(std::string_view stream);

// Block style, keys sorted in go-yaml's natural order ("a2" before "a10"); ends with a line feed.
std::string to_yaml(const Value& value);

}  // namespace pintle::codec
