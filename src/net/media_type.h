// Media types and what a client accepts (RFC 9110 8.3 and 12.5.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pintle::net {

// "application/json;as=Table;v=v1": type and subtype lower-case, parameter names lower-case, values unquoted.
struct MediaType {
  std::string type;
  std::string subtype;
  std::vector<std::pair<std::string, std::string>> parameters;

  // The parameter's value, or "".
  std::string_view parameter(std::string_view name) const;
  std::string essence() const { return type + "/" + subtype; }
};
// nullopt if malformed.
std::optional<MediaType> parse_media_type(std::string_view text);

struct AcceptClause {
  MediaType media;  // "*" stands for any
  double q = 1;
  bool matches(std::string_view type, std::string_view subtype) const {
    return (media.type == "*" || media.type == type) && (media.subtype == "*" || media.subtype == subtype);
  }
};
// The clauses with q > 0, best first: by q, then the more specific one, then in order. Malformed ones are left out. An
// empty header accepts anything.
std::vector<AcceptClause> parse_accept(std::string_view header);

// Whether an Accept-Encoding header takes `coding` (q > 0), named or by "*".
bool accepts_encoding(std::string_view header, std::string_view coding);

}  // namespace pintle::net
