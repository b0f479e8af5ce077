// Cuts CEL text into tokens. Comments (// to the end of the line) and white space are dropped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pintle::apimachinery::cel {

enum class TokenType : uint8_t { End, Ident, QuotedIdent, Int, Uint, Double, String, Bytes, Sign };

struct Token {
  TokenType type = TokenType::End;
  std::string_view text;   // as written, quotes and prefixes included; borrowed from the expression
  std::size_t offset = 0;  // bytes before it
};

struct Tokens {
  std::vector<Token> all;                 // the last is End
  std::vector<std::string_view> unknown;  // what begins no token, in order; it is left out
};
Tokens tokenize(std::string_view expression);

}  // namespace pintle::apimachinery::cel
