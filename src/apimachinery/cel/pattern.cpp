#include "apimachinery/cel/pattern.h"

#include <re2/re2.h>

namespace pintle::apimachinery::cel {

Pattern::Pattern(std::unique_ptr<re2::RE2> compiled) : compiled_(std::move(compiled)) {}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Result<Pattern> Pattern::compile(std::string_view text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory_bytes_max);
  auto compiled = std::make_unique<re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (!compiled->ok()) return Unexpected(bad_request("error parsing regexp: " + compiled->error()));
  return Pattern(std::move(compiled));
}

bool Pattern::found_in(std::string_view text) const { return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_); }

bool Pattern::next(std::string_view text, std::size_t from, std::string_view& match) const {
  re2::StringPiece found;
  if (!compiled_->Match(re2::StringPiece(text.data(), text.size()), from, text.size(), re2::RE2::UNANCHORED, &found, 1)) return false;
  match = text.substr(static_cast<std::size_t>(found.data() - text.data()), found.size());
  return true;
}

}  // namespace pintle::apimachinery::cel
