#include "mutator.h"

#include <algorithm>

#include "driver.h"

namespace pintle::fuzz {
namespace {

constexpr std::size_t small_max_bytes = 8 << 10;
// One input in so many is multiplied.
constexpr std::size_t multiplied_in = 64;
constexpr std::size_t piece_max_bytes = 96;

}  // namespace

std::string Mutator::next() {
  // The shorter of two, mostly: it costs less, and what is in it matters.
  const std::string &one = corpus_[below(corpus_.size())], &other = corpus_[below(corpus_.size())];
  std::string text = (below(4) != 0) == (one.size() < other.size()) ? one : other;
  for (std::size_t n = 1 + below(6); n > 0; --n) change(text);
  if (text.size() > small_max_bytes) text.resize(small_max_bytes);
  if (below(multiplied_in) == 0) multiply(text);
  return text;
}

void Mutator::change(std::string& text) {
  const std::size_t at = below(text.size() + 1), rest = text.size() - at;
  switch (below(8)) {
    case 0:
      if (rest > 0) text[at] = static_cast<char>(text[at] ^ 1 << below(8));
      return;
    case 1: text.insert(at, 1, static_cast<char>(below(256))); return;
    case 2: text.erase(at, 1 + below(std::min<std::size_t>(rest, 16))); return;
    case 3:
      if (!tokens_.empty()) text.insert(at, tokens_[below(tokens_.size())]);
      return;
    case 4: text.insert(below(text.size() + 1), text.substr(at, 1 + below(64))); return;
    case 5: {
      const std::string& other = corpus_[below(corpus_.size())];
      text = text.substr(0, at) + other.substr(below(other.size() + 1));
      return;
    }
    case 6:
      if (rest > 0) text[at] = static_cast<char>(text[at] + 1 - 2 * static_cast<int>(below(2)));
      return;
    default: {
      const std::string piece = text.substr(at, 1 + below(32));
      for (std::size_t n = below(8); n > 0; --n) text.insert(at, piece);
    }
  }
}

// A piece of the input (or a token) many times over: side by side, or around what follows with a counterpart behind it.
void Mutator::multiply(std::string& text) {
  const std::size_t at = below(text.size() + 1);
  const bool token = !tokens_.empty() && below(2) == 0;
  const std::string piece = token ? tokens_[below(tokens_.size())] : text.substr(at, 1 + below(piece_max_bytes));
  if (piece.empty()) return;
  const std::size_t room = input_max_bytes - std::min(text.size(), input_max_bytes);
  std::string many;
  for (std::size_t n = std::min(std::size_t{1} << (4 + below(13)), room / piece.size()); n > 0; --n) many += piece;
  if (below(2) == 0) {
    text.insert(at, many);
    return;
  }
  // Closing brackets for those that opened, innermost first.
  std::string closing;
  for (auto c = many.rbegin(); c != many.rend(); ++c)
    if (*c == '{' || *c == '[' || *c == '(') closing += *c == '{' ? '}' : *c == '[' ? ']' : ')';
  text.insert(at + std::min(piece.size(), text.size() - at), closing);
  text.insert(at, many);
  if (text.size() > input_max_bytes) text.resize(input_max_bytes);
}

}  // namespace pintle::fuzz
