#include "dns/name.h"

#include <cstdio>

namespace pintle::dns {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::optional<std::string> make_label(std::string_view text) {
  if (text.empty() || text.size() > label_bytes_max) return std::nullopt;
  std::string out(1, static_cast<char>(text.size()));
  out += text;
  return out;
}

std::optional<Name> make_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  Name out;
  while (!text.empty()) {
    const auto dot = text.find('.');
    const auto label = make_label(text.substr(0, dot));
    if (!label) return std::nullopt;
    out += *label;
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
    if (text.empty()) return std::nullopt;
  }
  out += '\0';
  if (out.size() > name_bytes_max) return std::nullopt;
  return out;
}

std::string to_text(std::string_view name) {
  std::string out;
  const Labels labels = split(name);
  for (std::size_t i = 0; i < labels.count; ++i) {
    for (const char c : labels[i]) {
      if (c == '.' || c == '\\') {
        out += '\\';
        out += c;
      } else if (c > ' ' && c < 127) {
        out += c;
      } else {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\%03u", static_cast<unsigned char>(c));
        out += escaped;
      }
    }
    out += '.';
  }
  return out.empty() ? "." : out;
}

Labels split(std::string_view name) {
  Labels out;
  out.name = name;
  for (std::size_t at = 0; at < name.size() && name[at] != 0; at += 1u + static_cast<uint8_t>(name[at]))
    out.offsets[out.count++] = static_cast<uint8_t>(at);
  return out;
}

bool is_within(std::string_view name, std::string_view zone) {
  if (name.size() < zone.size() || !name.ends_with(zone)) return false;
  const std::size_t boundary = name.size() - zone.size();
  std::size_t at = 0;
  while (at < boundary) at += 1u + static_cast<uint8_t>(name[at]);
  return at == boundary;
}

std::optional<Name> read_name(std::string_view message, std::size_t& at) {
  Name out;
  std::size_t from = at;
  std::size_t limit = message.size();  // a pointer goes before what has been read through pointers so far
  bool jumped = false;
  while (true) {
    if (from >= limit) return std::nullopt;
    const auto length = static_cast<uint8_t>(message[from]);
    if (length == 0) break;
    if ((length & 0xC0) == 0xC0) {
      if (from + 1 >= message.size()) return std::nullopt;
      const std::size_t target = static_cast<std::size_t>(length & 0x3F) << 8 | static_cast<uint8_t>(message[from + 1]);
      if (target >= from) return std::nullopt;
      if (!jumped) at = from + 2;
      jumped = true;
      limit = from;
      from = target;
      continue;
    }
    if (length > label_bytes_max || from + 1 + length > message.size()) return std::nullopt;
    out += message.substr(from, 1u + length);
    if (out.size() >= name_bytes_max) return std::nullopt;
    from += 1u + length;
    // Having walked into bytes that a pointer was read from would let names loop.
    if (jumped && from > limit) return std::nullopt;
  }
  out += '\0';
  if (!jumped) at = from + 1;
  return out;
}

void lower(std::string& name) {
  // Length bytes are below 'A'.
  for (char& c : name) c = lower(c);
}

}  // namespace pintle::dns
