#include "apimachinery/schema/email.h"

#include <cstddef>

namespace pintle::apimachinery::schema {
namespace {

constexpr std::string_view specials = "()<>[]:;@\\,\"";

bool is_visible(char c) { return (c >= '!' && c <= '~') || static_cast<unsigned char>(c) >= 0x80; }
bool is_atom_char(char c) { return is_visible(c) && specials.find(c) == std::string_view::npos; }
bool is_space(char c) { return c == ' ' || c == '\t'; }

class AddressReader {
 public:
  explicit AddressReader(std::string_view text) : rest_(text) {}

  bool read_single() {
    skip_space();
    if (rest_.empty()) return false;
    const std::string_view start = rest_;
    if (!read_spec()) {
      rest_ = start;
      if (!read_name_and_angle()) return false;
    }
    return skip_comments() && rest_.empty();
  }

 private:
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool take(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_space() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }
  // False: a comment does not end.
  bool skip_comments() {
    skip_space();
    while (take('(')) {
      for (int depth = 1; depth > 0;) {
        if (take('\\') && rest_.empty()) return false;
        if (rest_.empty()) return false;
        if (rest_.front() == '(') ++depth;
        if (rest_.front() == ')') --depth;
        rest_.remove_prefix(1);
      }
      skip_space();
    }
    return true;
  }

  // local@domain
  bool read_spec() {
    skip_space();
    if (peek() == '"' ? !read_quoted(false) : !read_atom(false)) return false;
    if (!take('@')) return false;
    skip_space();
    return peek() == '[' ? read_literal() : read_atom(false);
  }

  bool read_name_and_angle() {
    if (peek() != '<' && !read_phrase()) return false;
    skip_space();
    return take('<') && read_spec() && take('>');
  }

  bool read_phrase() {
    for (int words = 0;; ++words) {
      if (!skip_comments()) return words > 0;
      const std::string_view start = rest_;
      if (!rest_.empty() && (peek() == '"' ? read_quoted(true) : read_atom(true))) continue;
      rest_ = start;
      return words > 0;
    }
  }

  // In a display name dots may stand anywhere.
  bool read_atom(bool lenient) {
    std::size_t n = 0;
    while (n < rest_.size() && is_atom_char(rest_[n])) ++n;
    const std::string_view atom = rest_.substr(0, n);
    if (atom.empty()) return false;
    if (!lenient && (atom.starts_with('.') || atom.ends_with('.') || atom.find("..") != std::string_view::npos)) return false;
    rest_.remove_prefix(n);
    return true;
  }

  bool read_quoted(bool may_be_empty) {
    rest_.remove_prefix(1);
    for (std::size_t n = 0;; ++n) {
      if (take('"')) return n > 0 || may_be_empty;
      const bool escaped = take('\\');
      if (rest_.empty() || !(is_visible(rest_.front()) || is_space(rest_.front()))) return false;
      (void)escaped;
      rest_.remove_prefix(1);
    }
  }

  // [10.0.0.1]
  bool read_literal() {
    const std::size_t end = rest_.find(']');
    if (end == std::string_view::npos || end < 2) return false;
    for (const char c : rest_.substr(1, end - 1))
      if (!is_visible(c) || c == '[' || c == '\\') return false;
    rest_.remove_prefix(end + 1);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

bool is_email_address(std::string_view text) { return AddressReader(text).read_single(); }

}  // namespace pintle::apimachinery::schema
