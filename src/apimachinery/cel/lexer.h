// Cuts CEL text into tokens. Comments (// to the end of the line) and white space are dropped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::apimachinery::cel {

enum class TokenType : uint8_t { End, Ident, QuotedIdent, Int, Uint, Double, String, Bytes, Sign };

struct Token {
  TokenType type = TokenType::End;
  std::string_view text;  // as written, quotes and prefixes included; borrowed from the expression
  std::size_t offset = 0;
};

// Fails with the offset of the first byte that begins no token. The last token is End.
Result<std::vector<Token>> tokenize(std::string_view expression);

}  // namespace pintle::apimachinery::cel
