// Strings: upstream's string library. Positions count code points.
#include <algorithm>

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/library/format_text.h"
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/literals.h"

namespace pintle::apimachinery::cel {
namespace {

Value made(const Call& call, const std::string& text) {
  if (!call.arena.fits(text.size())) return Value::error(call.arena, "operation cancelled: memory limit exceeded", Failure::Memory);
  return Value::of(call.arena.copy(std::string_view(text)));
}
Value out_of_range(const Call& call, int64_t index) { return call.fail("index out of range: " + std::to_string(index)); }

// The byte at which the n-th code point begins; n is at most their number.
std::size_t byte_of(std::string_view text, std::size_t n) {
  std::size_t at = 0;
  while (n-- > 0) next_code_point(text, at);
  return at;
}

Value char_at(const Call& call) {
  const std::string_view text = call[0].text();
  const int64_t index = call[1].as_int();
  const auto size = static_cast<int64_t>(code_points(text));
  if (index < 0 || index > size) return out_of_range(call, index);
  if (index == size) return Value::of("");
  const std::size_t from = byte_of(text, static_cast<std::size_t>(index));
  std::size_t to = from;
  next_code_point(text, to);
  return Value::of(text.substr(from, to - from));
}

// Later versions of the library refuse what lies behind the end.
template <bool strict>
Value index_of(const Call& call) {
  const std::string_view text = call[0].text(), wanted = call[1].text();
  const int64_t offset = call.args.size() > 2 ? call[2].as_int() : 0;
  if (wanted.empty()) return Value::of(offset);
  if (offset < 0) return out_of_range(call, offset);
  const auto size = static_cast<int64_t>(code_points(text));
  if (strict && offset > size) return out_of_range(call, offset);
  if (offset >= size) return Value::of(-1);
  const std::size_t found = text.find(wanted, byte_of(text, static_cast<std::size_t>(offset)));
  return found == std::string_view::npos ? Value::of(-1) : Value::of(static_cast<int64_t>(code_points(text.substr(0, found))));
}
template <bool strict>
Value last_index_of(const Call& call) {
  const std::string_view text = call[0].text(), wanted = call[1].text();
  const auto size = static_cast<int64_t>(code_points(text));
  const int64_t offset = call.args.size() > 2 ? call[2].as_int() : size - 1;
  if (wanted.empty()) return Value::of(call.args.size() > 2 ? offset : size);
  if (call.args.size() == 2 && text.size() < wanted.size()) return Value::of(-1);
  if (offset < 0) return out_of_range(call, offset);
  if (strict && offset > size) return out_of_range(call, offset);
  if (offset >= size) return Value::of(-1);
  const std::size_t found = text.rfind(wanted, byte_of(text, static_cast<std::size_t>(offset)));
  return found == std::string_view::npos ? Value::of(-1) : Value::of(static_cast<int64_t>(code_points(text.substr(0, found))));
}

Value lower_ascii(const Call& call) {
  std::string text(call[0].text());
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return made(call, text);
}
Value upper_ascii(const Call& call) {
  std::string text(call[0].text());
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return made(call, text);
}

Value replace(const Call& call) {
  const std::string_view text = call[0].text(), before = call[1].text(), after = call[2].text();
  int64_t left = call.args.size() > 3 ? call[3].as_int() : -1;
  std::string out;
  std::size_t at = 0;
  const auto room = [&] { return call.arena.fits(out.size() + text.size() + after.size()); };
  if (before.empty()) {  // between all code points, and at both ends
    while (left != 0 && room()) {
      out += after;
      --left;
      if (at == text.size()) break;
      const std::size_t from = at;
      next_code_point(text, at);
      out += text.substr(from, at - from);
    }
  } else {
    while (left != 0 && room()) {
      const std::size_t found = text.find(before, at);
      if (found == std::string_view::npos) break;
      out += text.substr(at, found - at);
      out += after;
      at = found + before.size();
      --left;
    }
  }
  out += text.substr(at);
  return made(call, out);
}

Value split(const Call& call) {
  const std::string_view text = call[0].text(), separator = call[1].text();
  const int64_t limit = call.args.size() > 2 ? call[2].as_int() : -1;
  auto* list = call.arena.make<MadeList>();
  if (limit == 0) return Value::of(*list);
  std::size_t at = 0;
  const auto last = [&] { return limit > 0 && static_cast<int64_t>(list->size()) == limit - 1; };
  if (separator.empty()) {
    while (at < text.size() && !last()) {
      const std::size_t from = at;
      next_code_point(text, at);
      list->push_back(Value::of(text.substr(from, at - from)));
    }
    if (at < text.size()) list->push_back(Value::of(text.substr(at)));
    return Value::of(*list);
  }
  while (!last()) {
    const std::size_t found = text.find(separator, at);
    if (found == std::string_view::npos) break;
    list->push_back(Value::of(text.substr(at, found - at)));
    at = found + separator.size();
  }
  list->push_back(Value::of(text.substr(at)));
  return Value::of(*list);
}

Value substring(const Call& call) {
  const std::string_view text = call[0].text();
  const auto size = static_cast<int64_t>(code_points(text));
  const int64_t start = call[1].as_int(), end = call.args.size() > 2 ? call[2].as_int() : size;
  if (call.args.size() > 2 && start > end)
    return call.fail("invalid substring range. start: " + std::to_string(start) + ", end: " + std::to_string(end));
  if (start < 0 || start > size) return out_of_range(call, start);
  if (end < 0 || end > size) return out_of_range(call, end);
  const std::size_t from = byte_of(text, static_cast<std::size_t>(start));
  return Value::of(text.substr(from, byte_of(text.substr(from), static_cast<std::size_t>(end - start))));
}

// Unicode's White_Space, as Go trims it.
bool is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}
Value trim(const Call& call) {
  const std::string_view text = call[0].text();
  std::size_t begin = text.size(), end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    if (is_space(next_code_point(text, at))) continue;
    begin = std::min(begin, from);
    end = at;
  }
  return Value::of(begin < end ? text.substr(begin, end - begin) : std::string_view());
}

Value join(const Call& call) {
  const List& list = call[0].as_list();
  const std::string_view separator = call.args.size() > 1 ? call[1].text() : std::string_view();
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value v = list.at(i, call.arena);
    if (v.is_error()) return v;
    if (!v.is(Value::Kind::String)) return call.fail("join: invalid input: " + display(v, call.arena));
    if (i > 0) out += separator;
    out += v.text();
    if (!call.arena.fits(out.size())) break;
  }
  return made(call, out);
}

Value quote(const Call& call) { return made(call, quoted_for_cel(call[0].text())); }
Value format(const Call& call) {
  std::string out, error;
  if (!format_text(call[0].text(), call[1].as_list(), false, call.arena, out, error)) return call.fail(error);
  return made(call, out);
}
Value format_latest(const Call& call) {
  std::string out, error;
  if (!format_text(call[0].text(), call[1].as_list(), true, call.arena, out, error)) return call.fail(error);
  return made(call, out);
}
Value reverse(const Call& call) {
  const std::string_view text = call[0].text();
  std::string out(text.size(), '\0');
  std::size_t to = text.size();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    next_code_point(text, at);
    to -= at - from;
    std::copy(text.begin() + static_cast<std::ptrdiff_t>(from), text.begin() + static_cast<std::ptrdiff_t>(at),
              out.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return made(call, out);
}

constexpr auto& text = of<&types::string>;
constexpr auto& text_text = of<&types::string, &types::string>;
constexpr auto& text_text_int = of<&types::string, &types::string, &types::integer>;

const Overload char_at_overloads[] = {{"string_char_at_int", true, of<&types::string, &types::integer>, &types::string, char_at}};
const Overload index_overloads[] = {{"string_index_of_string", true, text_text, &types::integer, index_of<false>},
                                    {"string_index_of_string_int", true, text_text_int, &types::integer, index_of<false>}};
const Overload last_index_overloads[] = {{"string_last_index_of_string", true, text_text, &types::integer, last_index_of<false>},
                                         {"string_last_index_of_string_int", true, text_text_int, &types::integer, last_index_of<false>}};
const Overload index_overloads_latest[] = {{"string_index_of_string", true, text_text, &types::integer, index_of<true>},
                                           {"string_index_of_string_int", true, text_text_int, &types::integer, index_of<true>}};
const Overload last_index_overloads_latest[] = {{"string_last_index_of_string", true, text_text, &types::integer, last_index_of<true>},
                                                {"string_last_index_of_string_int", true, text_text_int, &types::integer, last_index_of<true>}};
const Overload lower_overloads[] = {{"string_lower_ascii", true, text, &types::string, lower_ascii}};
const Overload upper_overloads[] = {{"string_upper_ascii", true, text, &types::string, upper_ascii}};
const Overload replace_overloads[] = {
    {"string_replace_string_string", true, of<&types::string, &types::string, &types::string>, &types::string, replace},
    {"string_replace_string_string_int", true, of<&types::string, &types::string, &types::string, &types::integer>, &types::string, replace}};
const Overload split_overloads[] = {{"string_split_string", true, text_text, &types::list_string, split},
                                    {"string_split_string_int", true, text_text_int, &types::list_string, split}};
const Overload substring_overloads[] = {
    {"string_substring_int", true, of<&types::string, &types::integer>, &types::string, substring},
    {"string_substring_int_int", true, of<&types::string, &types::integer, &types::integer>, &types::string, substring}};
const Overload trim_overloads[] = {{"string_trim", true, text, &types::string, trim}};
const Overload join_overloads[] = {{"list_join", true, of<&types::list_string>, &types::string, join},
                                   {"list_join_string", true, of<&types::list_string, &types::string>, &types::string, join}};
const Overload quote_overloads[] = {{"strings_quote", false, text, &types::string, quote}};
const Overload format_overloads[] = {{"string_format", true, of<&types::string, &types::list_dyn>, &types::string, format}};
const Overload format_latest_overloads[] = {{"string_format", true, of<&types::string, &types::list_dyn>, &types::string, format_latest}};
const Overload reverse_overloads[] = {{"string_reverse", true, text, &types::string, reverse}};

#define SHARED                                                                                                                     \
  {"charAt", char_at_overloads}, {"lowerAscii", lower_overloads}, {"upperAscii", upper_overloads}, {"replace", replace_overloads}, \
      {"split", split_overloads}, {"substring", substring_overloads}, {"trim", trim_overloads}, {"join", join_overloads}, {        \
    "strings.quote", quote_overloads                                                                                               \
  }
const Function functions[] = {SHARED, {"indexOf", index_overloads}, {"lastIndexOf", last_index_overloads}, {"format", format_overloads}};
const Function later_functions[] = {SHARED,
                                    {"indexOf", index_overloads_latest},
                                    {"lastIndexOf", last_index_overloads_latest},
                                    {"format", format_latest_overloads},
                                    {"reverse", reverse_overloads}};
#undef SHARED

}  // namespace

std::span<const Function> string_functions() { return functions; }
std::span<const Function> later_string_functions() { return later_functions; }

}  // namespace pintle::apimachinery::cel
