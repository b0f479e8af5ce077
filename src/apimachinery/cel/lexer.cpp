#include "apimachinery/cel/lexer.h"

#include <algorithm>
#include <array>

namespace pintle::apimachinery::cel {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }  // of a code point in UTF-8
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Tokens run() {
    for (skip_space(); at_ < text_.size(); skip_space()) {
      const std::size_t begin = at_;
      const TokenType type = next();
      if (type != TokenType::End) {
        tokens_.all.push_back({type, text_.substr(begin, at_ - begin), begin});
        continue;
      }
      at_ = std::max(at_, begin + 1);
      while (at_ < text_.size() && is_continuation(text_[at_])) ++at_;
      tokens_.unknown.push_back(text_.substr(begin, at_ - begin));
    }
    tokens_.all.push_back({TokenType::End, text_.substr(text_.size()), text_.size()});
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool starts(std::string_view word) const { return text_.substr(at_, word.size()) == word; }

  void skip_space() {
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (starts("//")) {
        while (at_ < text_.size() && peek() != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  // End: no token begins here.
  TokenType next() {
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '"' || c == '\'') return string(false) ? TokenType::String : TokenType::End;
    if (is_letter(c)) {
      if (const TokenType quoted = prefixed_string(); quoted != TokenType::Sign) return quoted;
      while (is_letter(peek()) || is_digit(peek())) ++at_;
      return TokenType::Ident;
    }
    if (c == '`') return quoted_ident();
    return sign();
  }

  // r"...", b'...', br"..." in either case; Sign: not a string at all.
  TokenType prefixed_string() {
    std::size_t length = 0;
    bool raw = false, bytes = false;
    for (; length < 2; ++length) {
      const char c = peek(length);
      if ((c == 'r' || c == 'R') && !raw) {
        raw = true;
      } else if ((c == 'b' || c == 'B') && !bytes && length == 0) {
        bytes = true;
      } else {
        break;
      }
    }
    if (length == 0 || (peek(length) != '"' && peek(length) != '\'')) return TokenType::Sign;
    at_ += length;
    if (!string(raw)) return TokenType::End;
    return bytes ? TokenType::Bytes : TokenType::String;
  }

  bool string(bool raw) {
    const char quote = peek();
    const std::array<char, 3> three{quote, quote, quote};
    const bool is_long = starts({three.data(), three.size()});
    at_ += is_long ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == '\\' && !raw) {
        if (!escape()) return false;
        continue;
      }
      if (is_long ? starts({three.data(), three.size()}) : c == quote) {
        at_ += is_long ? 3 : 1;
        return true;
      }
      if (!is_long && (c == '\n' || c == '\r')) return false;
      ++at_;
    }
    return false;
  }

  bool escape() {
    ++at_;
    const char c = peek();
    const auto hex = [&](std::size_t digits) {
      for (std::size_t i = 1; i <= digits; ++i)
        if (!is_hex(peek(i))) return false;
      at_ += digits + 1;
      return true;
    };
    if (c == 'x' || c == 'X') return hex(2);
    if (c == 'u') return hex(4);
    if (c == 'U') return hex(8);
    if (c >= '0' && c <= '3') {
      if (peek(1) < '0' || peek(1) > '7' || peek(2) < '0' || peek(2) > '7') return false;
      at_ += 3;
      return true;
    }
    if (c == '\0' || std::string_view("abfnrtv\"'\\?`").find(c) == std::string_view::npos) return false;
    ++at_;
    return true;
  }

  TokenType number() {
    if (peek() == '0' && peek(1) == 'x' && is_hex(peek(2))) {
      at_ += 2;
      while (is_hex(peek())) ++at_;
      return unsigned_suffix();
    }
    while (is_digit(peek())) ++at_;
    bool is_double = false;
    if (peek() == '.' && is_digit(peek(1))) {
      is_double = true;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(peek(1 + sign))) {
        is_double = true;
        at_ += 1 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
    return is_double ? TokenType::Double : unsigned_suffix();
  }

  TokenType unsigned_suffix() {
    if (peek() != 'u' && peek() != 'U') return TokenType::Int;
    ++at_;
    return TokenType::Uint;
  }

  TokenType quoted_ident() {
    const std::size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos || end == at_ + 1) return TokenType::End;
    for (std::size_t i = at_ + 1; i < end; ++i)
      if (!is_letter(text_[i]) && !is_digit(text_[i]) && std::string_view("-./ ").find(text_[i]) == std::string_view::npos) return TokenType::End;
    at_ = end + 1;
    return TokenType::QuotedIdent;
  }

  TokenType sign() {
    constexpr std::array<std::string_view, 6> pairs{"&&", "||", "==", "!=", "<=", ">="};
    for (const std::string_view pair : pairs)
      if (starts(pair)) {
        at_ += 2;
        return TokenType::Sign;
      }
    if (std::string_view("<>+-*/%!?:.,()[]{}").find(peek()) == std::string_view::npos) return TokenType::End;
    ++at_;
    return TokenType::Sign;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Tokens tokens_;
};

}  // namespace

Tokens tokenize(std::string_view expression) { return Lexer(expression).run(); }

}  // namespace pintle::apimachinery::cel
