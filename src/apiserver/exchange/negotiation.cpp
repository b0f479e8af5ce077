#include "apiserver/exchange/negotiation.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "apiserver/types/errors.h"
#include "base/split.h"

namespace pintle::apiserver::exchange {

namespace {

constexpr std::size_t clauses_max = 64;  // further ones are ignored

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

struct Clause {
  std::string_view type, subtype;
  double q = 1;
  std::vector<std::pair<std::string_view, std::string_view>> params;
  int specificity() const { return (type != "*" ? 2 : 0) + (subtype != "*" ? 1 : 0); }
};

std::vector<std::string_view> trimmed_parts(std::string_view text, char separator) {
  std::vector<std::string_view> parts = split(text, separator);
  for (std::string_view& part : parts) part = trim(part);
  return parts;
}

std::optional<Clause> parse_clause(std::string_view text) {
  const auto parts = trimmed_parts(text, ';');
  Clause clause;
  const auto slash = parts[0].find('/');
  if (parts[0] == "*") {
    clause.type = clause.subtype = "*";
  } else if (slash == std::string_view::npos) {
    return std::nullopt;
  } else {
    clause.type = parts[0].substr(0, slash);
    clause.subtype = parts[0].substr(slash + 1);
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto equals = parts[i].find('=');
    if (equals == std::string_view::npos) continue;
    const auto key = trim(parts[i].substr(0, equals));
    const auto value = trim(parts[i].substr(equals + 1));
    if (key == "q") {
      clause.q = std::strtod(std::string(value).c_str(), nullptr);
    } else {
      clause.params.emplace_back(key, value);
    }
  }
  return clause;
}

bool matches(const Clause& clause, Media media) {
  const std::string_view full = content_type(media);
  const auto slash = full.find('/');
  return (clause.type == "*" || clause.type == full.substr(0, slash)) && (clause.subtype == "*" || clause.subtype == full.substr(slash + 1));
}

// The shape that the clause's as/g/v parameters name, if the offer has it in this media type.
std::optional<OutputForm> shaped(const Clause& clause, Media media, const Offer& offer) {
  OutputForm form;
  form.media = media;
  std::string_view as, group, version;
  for (const auto& [key, value] : clause.params) {
    if (key == "as") as = value;
    if (key == "g") group = value;
    if (key == "v") version = value;
    if (key == "stream") {
      if (value != "watch") return std::nullopt;
      form.stream = true;
    }
  }
  if (as.empty()) return form;
  if (group == "apidiscovery.k8s.io" && as == "APIGroupDiscoveryList" && offer.discovery && (version == "v2" || version == "v2beta1")) {
    form.shape = version == "v2" ? Shape::DiscoveryV2 : Shape::DiscoveryV2Beta1;
    return form;
  }
  if (group != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) return std::nullopt;
  form.shape_version = version == "v1" ? "v1" : "v1beta1";
  if (as == "Table" && offer.table && media != Media::Protobuf) {
    form.shape = Shape::Table;
    return form;
  }
  if (as == "PartialObjectMetadata" && offer.partial) {
    form.shape = Shape::PartialMetadata;
    return form;
  }
  if (as == "PartialObjectMetadataList" && offer.partial) {
    form.shape = Shape::PartialMetadataList;
    return form;
  }
  return std::nullopt;
}

}  // namespace

std::string_view content_type(Media media) {
  switch (media) {
    case Media::Json: return "application/json";
    case Media::Yaml: return "application/yaml";
    case Media::Protobuf: return "application/vnd.kubernetes.protobuf";
  }
  return "application/json";
}

std::string_view watch_content_type(Media media) {
  return media == Media::Protobuf ? "application/vnd.kubernetes.protobuf;stream=watch" : "application/json";
}

Result<OutputForm> negotiate(std::string_view accept, const Offer& offer) {
  accept = trim(accept);
  if (accept.empty()) return OutputForm{};
  std::vector<Clause> clauses;
  for (const auto text : trimmed_parts(accept, ',')) {
    if (clauses.size() == clauses_max) break;
    if (auto clause = parse_clause(text)) clauses.push_back(std::move(*clause));
  }
  std::stable_sort(clauses.begin(), clauses.end(),
                   [](const Clause& a, const Clause& b) { return a.q != b.q ? a.q > b.q : a.specificity() > b.specificity(); });
  bool media_known = false;
  for (const Clause& clause : clauses) {
    for (const Media media : {Media::Json, Media::Yaml, Media::Protobuf}) {
      if (!matches(clause, media)) continue;
      media_known = true;
      if ((media == Media::Yaml && !offer.yaml) || (media == Media::Protobuf && !offer.protobuf)) continue;
      if (auto form = shaped(clause, media, offer)) return *form;
    }
  }
  // Upstream's router refuses an unknown media type with (empty) details; its handlers refuse a shape, and what this kind cannot be sent in, without.
  return Unexpected(errors::not_acceptable(!media_known));
}

std::string_view bare_media_type(std::string_view content_type) { return trim(content_type.substr(0, content_type.find(';'))); }

Result<Media> body_media(std::string_view content_type_header) {
  const std::string_view bare = bare_media_type(content_type_header);
  if (bare.empty()) return Media::Json;
  for (const Media media : {Media::Json, Media::Yaml, Media::Protobuf})
    if (bare == content_type(media)) return media;
  return Unexpected(errors::unsupported_media_type(false));
}

}  // namespace pintle::apiserver::exchange
