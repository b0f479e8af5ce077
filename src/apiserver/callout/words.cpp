#include "apiserver/callout/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "api/codec.h"
#include "api/gen/meta_v1.h"
#include "apiserver/types/errors.h"
#include "codec/json.h"

namespace pintle::apiserver::callout {

namespace {

constexpr std::size_t quoted_bytes_max = 2048;  // of an answer that is no Status

// What OpenSSL calls it, and Go.
struct Word {
  std::string_view here;
  std::string_view go;
};
constexpr Word certificate_words[] = {
    {"unable to get local issuer certificate", "x509: certificate signed by unknown authority"},
    {"unable to get issuer certificate", "x509: certificate signed by unknown authority"},
    {"unable to verify the first certificate", "x509: certificate signed by unknown authority"},
    {"self-signed certificate", "x509: certificate signed by unknown authority"},
    {"self signed certificate", "x509: certificate signed by unknown authority"},
    {"certificate has expired", "x509: certificate has expired or is not yet valid"},
    {"certificate is not yet valid", "x509: certificate has expired or is not yet valid"},
    {"hostname mismatch", "x509: certificate is not valid for this name"},
    {"IP address mismatch", "x509: certificate is not valid for this address"},
};

std::string lower_first(std::string_view text) {
  std::string out(text);
  if (!out.empty() && (out.size() < 2 || out[1] < 'A' || out[1] > 'Z')) out[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(out[0])));
  return out;
}

std::string tls_words(std::string_view why) {
  constexpr std::string_view verify = "certificate verify failed: ";
  if (why.starts_with(verify)) {
    why.remove_prefix(verify.size());
    for (const Word& word : certificate_words)
      if (why.starts_with(word.here)) return fmt::format("tls: failed to verify certificate: {}", word.go);
    return fmt::format("tls: failed to verify certificate: x509: {}", why);
  }
  if (why.starts_with("the peer closed the connection")) return "EOF";
  return fmt::format("tls: {}", why);
}

// "dial AUTHORITY: connect ADDRESS: Connection refused" -> "dial tcp ADDRESS: connect: connection refused".
std::string go_words(const std::string& message) {
  std::string_view rest = message;
  if (rest.starts_with("the peer closed the connection without")) return "EOF";
  if (rest.starts_with("TLS: ")) return tls_words(rest.substr(5));
  if (!rest.starts_with("dial ")) return message;
  rest.remove_prefix(std::min(rest.find(": ") + 2, rest.size()));
  if (rest.starts_with("TLS: ")) return tls_words(rest.substr(5));
  if (rest.starts_with("no connection within")) return "dial tcp: i/o timeout";
  if (rest.starts_with("lookup ")) {
    const std::string_view host = rest.substr(7, rest.find(": ") - 7);
    return fmt::format("dial tcp: lookup {}: no such host", host);
  }
  const auto colon = rest.rfind(": ");
  if (!rest.starts_with("connect ") || colon == rest.npos) return std::string(rest);
  return fmt::format("dial tcp {}: connect: {}", rest.substr(8, colon - 8), lower_first(rest.substr(colon + 2)));
}

// A metav1.Status in the body; nullopt: there is none.
std::optional<Status> said_status(int code, std::string_view body) {
  const auto value = codec::parse_json(body);
  if (!value || value->string_at("kind") != "Status") return std::nullopt;
  api::meta_v1::Status wire;
  if (!api::decode_value(*value, api::type_of<api::meta_v1::Status>(), &wire) || wire.status == "Success" || wire.message.empty())
    return std::nullopt;
  Status out = errors::server_answer(code, {});
  out.message = std::move(wire.message);
  if (wire.code != 0) out.code = wire.code;
  return out;
}

std::string_view without_space_around(std::string_view text) {
  constexpr std::string_view space = " \t\n\v\f\r";
  const auto begin = std::min(text.find_first_not_of(space), text.size());
  return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

}  // namespace

Status post_failure(std::string_view url, Status failure) {
  std::string why = failure.reason == Reason::Timeout     ? "context deadline exceeded"
                    : failure.reason == Reason::Cancelled ? "context canceled"
                                                          : go_words(failure.message);
  failure.message = fmt::format("Post \"{}\": {}", url, why);
  return failure;
}

Status answer_failure(int code, std::string_view content_type, std::string_view body) {
  if (auto said = said_status(code, body)) return std::move(*said);
  const bool text = content_type.empty() || content_type.starts_with("text/");
  return errors::server_answer(code, text ? without_space_around(body.substr(0, quoted_bytes_max)) : "unknown");
}

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> kept;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!segment.empty() && segment != "." && segment != "..") kept.push_back(segment);
  }
  return fmt::format("/{}", fmt::join(kept, "/"));
}

}  // namespace pintle::apiserver::callout
