#include "kubelet/images/image_name.h"

#include <algorithm>

namespace pintle::kubelet::images {

namespace {

constexpr std::size_t repository_length_max = 255;
constexpr std::size_t tag_length_max = 128;
constexpr std::size_t identifier_length = 64;  // a bare image id is no name

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

Unexpected<Status> bad(std::string_view image, std::string_view why) {
  std::string message = "couldn't parse image name \"";
  message.append(image).append("\": invalid reference format").append(why);
  return bad_request(std::move(message));
}

// [a-z0-9]+ parts joined by one of ".", "_", "__" or dashes.
bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  for (std::size_t i = 0; i < text.size();) {
    if (is_lower_alnum(text[i])) {
      ++i;
      continue;
    }
    const std::size_t end = std::find_if(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), is_lower_alnum) - text.begin();
    const std::string_view separator = text.substr(i, end - i);
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
    i = end;
  }
  return true;
}

bool is_repository(std::string_view text) {
  while (true) {
    const auto slash = text.find('/');
    if (!is_path_component(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > tag_length_max || text.front() == '.' || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_lower_alnum(c) || is_upper(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_digest(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view hex = text.substr(colon + 1);
  const std::size_t want = text.starts_with("sha512:") ? 128 : text.starts_with("sha384:") ? 96 : 64;
  return hex.size() == want && std::all_of(hex.begin(), hex.end(), is_hex);
}

// What stands before the first slash is a registry if it cannot be a part of Docker Hub's names.
bool is_registry(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != std::string_view::npos || std::any_of(first.begin(), first.end(), is_upper);
}

bool is_host(std::string_view text) {
  if (text.starts_with('[')) return text.find(']') != std::string_view::npos;
  const auto colon = text.find(':');
  const std::string_view port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (colon != std::string_view::npos && (port.empty() || port.find_first_not_of("0123456789") != std::string_view::npos)) return false;
  const std::string_view name = text.substr(0, colon);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return is_lower_alnum(c) || is_upper(c) || c == '.' || c == '-'; });
}

}  // namespace

Result<ImageName> parse_image_name(std::string_view image) {
  ImageName out;
  std::string_view rest = image;
  if (rest.empty()) return bad(image, "");
  if (rest.size() == identifier_length && std::all_of(rest.begin(), rest.end(), is_hex)) {
    std::string message = "couldn't parse image name \"";
    message.append(image).append("\": invalid repository name (").append(image).append("), cannot specify 64-byte hexadecimal strings");
    return bad_request(std::move(message));
  }
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    out.digest = rest.substr(at + 1);
    if (!is_digest(out.digest)) return bad(image, "");
    rest = rest.substr(0, at);
  }
  const auto last_slash = rest.rfind('/');
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && (last_slash == std::string_view::npos || colon > last_slash)) {
    out.tag = rest.substr(colon + 1);
    if (!is_tag(out.tag)) return bad(image, "");
    rest = rest.substr(0, colon);
  }
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos && is_registry(rest.substr(0, slash))) {
    out.registry = rest.substr(0, slash);
    out.repository = rest.substr(slash + 1);
    if (!is_host(out.registry)) return bad(image, "");
  } else {
    out.registry = "docker.io";
    out.repository = slash == std::string_view::npos ? "library/" + std::string(rest) : std::string(rest);
  }
  if (std::any_of(out.repository.begin(), out.repository.end(), is_upper)) {
    return bad(image, ": repository name (" + out.repository + ") must be lowercase");
  }
  if (!is_repository(out.repository) || out.repository.size() > repository_length_max) return bad(image, "");
  return out;
}

Result<std::string> with_default_tag(std::string_view image) {
  TRY_ASSIGN(const ImageName name, parse_image_name(image));
  std::string out(image);
  if (name.tag.empty() && name.digest.empty()) out += ":latest";
  return out;
}

std::string listed_image_name(std::string_view image) {
  const auto name = parse_image_name(image);
  if (!name) return std::string(image);
  const std::string repository = name->registry + "/" + name->repository;
  if (!name->digest.empty()) return repository + "@" + name->digest;
  return repository + ":" + (name->tag.empty() ? "latest" : name->tag);
}

}  // namespace pintle::kubelet::images
