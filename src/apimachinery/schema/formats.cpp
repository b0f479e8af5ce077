#include "apimachinery/schema/formats.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include <re2/re2.h>

#include "api/values.h"
#include "apimachinery/schema/email.h"
#include "apimachinery/schema/uri.h"
#include "base/ip_address.h"
#include "base/strings.h"

namespace pintle::apimachinery::schema {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool all_hex(std::string_view text) { return std::ranges::all_of(text, is_hex); }
bool all_digits(std::string_view text) { return std::ranges::all_of(text, is_digit); }

bool matches(const re2::RE2& expression, std::string_view text) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), expression);
}

bool is_object_id(std::string_view text) { return text.size() == 24 && all_hex(text); }

bool is_hostname(std::string_view text) {
  constexpr std::size_t bytes_max = 255, label_bytes_max = 63;
  static const re2::RE2 name(
      R"([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})",
      re2::RE2::Quiet);
  if (text.size() > bytes_max || !matches(name, text)) return false;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t dot = std::min(text.find('.', at), text.size());
    if (dot - at > label_bytes_max) return false;
    at = dot + 1;
  }
  return true;
}

bool is_ipv4(std::string_view text) { return text.find('.') != std::string_view::npos && parse_address(text).has_value(); }
bool is_ipv6(std::string_view text) { return text.find(':') != std::string_view::npos && parse_address(text).has_value(); }
bool is_cidr(std::string_view text) { return parse_prefix(text).has_value(); }

// 6, 8 or 20 bytes: pairs of digits with ':' or '-' between them, or fours with '.'.
bool is_mac(std::string_view text) {
  if (text.size() < 14) return false;
  const char separator = text[2] == ':' || text[2] == '-' ? text[2] : '.';
  const std::size_t group = separator == '.' ? 4 : 2;
  if ((text.size() + 1) % (group + 1) != 0) return false;
  const std::size_t bytes = (text.size() + 1) / (group + 1) * group / 2;
  if (bytes != 6 && bytes != 8 && bytes != 20) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool between = i % (group + 1) == group;
    if (between ? text[i] != separator : !is_hex(text[i])) return false;
  }
  return true;
}

// Dashes may be left out. `version` 0: any.
bool is_uuid_of(std::string_view text, char version) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t n = digits.size();
    const bool dash_fits = n == 8 || n == 12 || n == 16 || n == 20;
    if (text[i] == '-' && dash_fits && i > 0 && text[i - 1] != '-') continue;
    if (!is_hex(text[i]) || n == 32) return false;
    digits += text[i];
  }
  if (digits.size() != 32 || text.ends_with('-')) return false;
  if (version != 0 && digits[12] != version) return false;
  const char variant = digits[16];
  return version == 0 || version == '3' || variant == '8' || variant == '9' || (variant | 0x20) == 'a' || (variant | 0x20) == 'b';
}
bool is_uuid(std::string_view text) { return is_uuid_of(text, 0); }
bool is_uuid3(std::string_view text) { return is_uuid_of(text, '3'); }
bool is_uuid4(std::string_view text) { return is_uuid_of(text, '4'); }
bool is_uuid5(std::string_view text) { return is_uuid_of(text, '5'); }

std::string isbn_digits(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '-' && c != ' ' && c != '\t' && c != '\n' && c != '\f' && c != '\r') out += c;
  return out;
}
bool is_isbn10(std::string_view text) {
  const std::string digits = isbn_digits(text);
  if (digits.size() != 10 || !all_digits(std::string_view(digits).substr(0, 9)) || !(is_digit(digits[9]) || digits[9] == 'X')) return false;
  int sum = 0;
  for (int i = 0; i < 9; ++i) sum += (i + 1) * (digits[static_cast<std::size_t>(i)] - '0');
  sum += 10 * (digits[9] == 'X' ? 10 : digits[9] - '0');
  return sum % 11 == 0;
}
bool is_isbn13(std::string_view text) {
  const std::string digits = isbn_digits(text);
  if (digits.size() != 13 || !all_digits(digits)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 12; ++i) sum += (i % 2 == 0 ? 1 : 3) * (digits[i] - '0');
  return digits[12] - '0' == (10 - sum % 10) % 10;
}
bool is_isbn(std::string_view text) { return is_isbn10(text) || is_isbn13(text); }

// Whatever is no digit may stand between them.
bool is_credit_card(std::string_view text) {
  static const re2::RE2 issuers(
      R"(4[0-9]{12}([0-9]{3})?|5[1-5][0-9]{14}|6(011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(0[0-5]|[68][0-9])[0-9]{11}|(2131|1800|35\d{3})\d{11})",
      re2::RE2::Quiet);
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), is_digit);
  if (!matches(issuers, digits)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    const int counted = i % 2 == 0 ? digit : 2 * digit;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return sum % 10 == 0;
}

bool is_ssn(std::string_view text) {
  const auto separates = [](char c) { return c == '-' || c == ' '; };
  return text.size() == 11 && all_digits(text.substr(0, 3)) && separates(text[3]) && all_digits(text.substr(4, 2)) && separates(text[6]) &&
         all_digits(text.substr(7));
}

bool is_hex_color(std::string_view text) {
  if (text.starts_with('#')) text.remove_prefix(1);
  return (text.size() == 3 || text.size() == 6) && all_hex(text);
}
bool is_rgb_color(std::string_view text) {
  static const re2::RE2 color(R"(rgb\((\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,){2}\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\))",
                              re2::RE2::Quiet);
  return matches(color, text);
}

// Padded, of the standard alphabet, and not empty.
bool is_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '/'; });
}

bool is_password(std::string_view) { return true; }

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  if (!all_digits(text.substr(0, 4)) || !all_digits(text.substr(5, 2)) || !all_digits(text.substr(8))) return false;
  const auto number = [&](std::size_t at, std::size_t n) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + n, value);
    return value;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (month < 1 || month > 12) return false;
  constexpr std::array days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day >= 1 && day <= days[static_cast<std::size_t>(month - 1)] + (leap ? 1 : 0);
}

// Nothing looks behind a second 't'.
bool is_date_time(std::string_view text) {
  static const re2::RE2 time(R"(([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2})))", re2::RE2::Quiet);
  const std::string lower = to_lower(text);
  const std::string_view all = lower;
  const std::size_t t = all.find('t');
  if (t == std::string_view::npos || !is_date(all.substr(0, t))) return false;
  const std::string_view rest = all.substr(t + 1, all.find('t', t + 1) - t - 1);
  return matches(time, rest) && rest.substr(0, 2) <= "23" && rest.substr(3, 2) <= "59" && rest.substr(6, 2) <= "59";
}

bool is_time_unit(std::string_view unit) {
  constexpr std::array<std::string_view, 13> exact{"ns", "us", "\xC2\xB5s", "ms", "s", "m", "h", "hr", "d", "w", "wk", "nano", "micro"};
  constexpr std::array<std::string_view, 8> prefixes{"nano", "micro", "milli", "sec", "min", "hour", "day", "week"};
  return contains(exact, unit) || std::ranges::any_of(prefixes, [&](std::string_view prefix) { return unit.starts_with(prefix); });
}

// Go's durations, or any text with a number and a unit of time somewhere ("22 ns", "3 days and a bit").
bool is_duration(std::string_view text) {
  if (api::parse_duration(text)) return true;
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    const std::string_view number = text.substr(at, end - at);
    while (end < text.size() && (text[end] == ' ' || (text[end] >= '\t' && text[end] <= '\r' && text[end] != '\v'))) ++end;
    const std::size_t unit = end;
    while (end < text.size()) {
      const bool micro = text.substr(end, 2) == "\xC2\xB5";
      if (!micro && !is_letter(text[end])) break;
      end += micro ? 2 : 1;
    }
    if (end > unit) {
      int64_t value = 0;
      if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc()) return false;
      found = found || is_time_unit(to_lower(text.substr(unit, end - unit)));
    }
    at = end;
  }
  return found;
}

bool is_name_segment(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}
bool is_short_name(std::string_view text) { return text.size() <= 63 && is_name_segment(text); }
bool is_long_name(std::string_view text) {
  if (text.size() > 253) return false;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t dot = std::min(text.find('.', at), text.size());
    if (!is_name_segment(text.substr(at, dot - at))) return false;
    at = dot + 1;
  }
  return true;
}

struct Entry {
  std::string_view name;
  StringFormat check;
};
constexpr Entry formats[] = {
    {"bsonobjectid", is_object_id},
    {"uri", is_request_uri},
    {"email", is_email_address},
    {"hostname", is_hostname},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"cidr", is_cidr},
    {"mac", is_mac},
    {"uuid", is_uuid},
    {"uuid3", is_uuid3},
    {"uuid4", is_uuid4},
    {"uuid5", is_uuid5},
    {"isbn", is_isbn},
    {"isbn10", is_isbn10},
    {"isbn13", is_isbn13},
    {"creditcard", is_credit_card},
    {"ssn", is_ssn},
    {"hexcolor", is_hex_color},
    {"rgbcolor", is_rgb_color},
    {"byte", is_base64},
    {"password", is_password},
    {"date", is_date},
    {"duration", is_duration},
    {"datetime", is_date_time},
    {"k8sshortname", is_short_name},
    {"k8slongname", is_long_name},
};

}  // namespace

StringFormat find_string_format(std::string_view format) {
  constexpr std::size_t name_bytes_max = 64;
  if (format.empty() || format.size() > name_bytes_max) return nullptr;
  std::array<char, name_bytes_max> letters;
  std::size_t n = 0;
  for (const char c : format)
    if (c != '-') letters[n++] = c;
  const auto found = std::ranges::find(formats, std::string_view(letters.data(), n), &Entry::name);
  return found == std::end(formats) ? nullptr : found->check;
}

}  // namespace pintle::apimachinery::schema
