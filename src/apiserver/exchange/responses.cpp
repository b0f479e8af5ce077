#include "apiserver/exchange/responses.h"

#include "api/codec.h"
#include "api/gen/meta_v1.h"
#include "apiserver/exchange/gzip.h"
#include "apiserver/types/errors.h"
#include "codec/json.h"
#include "codec/yaml.h"

namespace pintle::apiserver::exchange {

namespace {

constexpr api::GroupVersionKind status_kind{"", "v1", "Status"};

void add_foreign(const ForeignStatus& foreign, api::meta_v1::Status& wire) {
  if (!foreign.status.empty()) wire.status = foreign.status;
  if (!foreign.reason.empty()) wire.reason = foreign.reason;
  if (foreign.metadata_json.empty()) return;
  const auto read = api::decode_json(foreign.metadata_json, api::type_of<api::meta_v1::ListMeta>(), &wire.metadata);
  CHECK(read.has_value(), "a foreign status keeps what our own encoder wrote");
}

api::meta_v1::Status to_wire(const Status& status, std::string continue_token) {
  api::meta_v1::Status wire;
  wire.metadata.continue_ = std::move(continue_token);
  wire.status = "Failure";
  wire.message = status.message;
  wire.reason = reason_name(status.reason);
  wire.code = status.http();
  if (status.foreign) add_foreign(*status.foreign, wire);
  const StatusDetails& details = status.details;
  if (details.shown || !(details == StatusDetails{})) {
    api::meta_v1::StatusDetails& shown = wire.details.emplace();
    shown.name = details.name;
    shown.group = details.group;
    shown.kind = details.kind;
    shown.uid = details.uid;
    shown.retry_after_seconds = details.retry_after_seconds;
    for (const StatusCause& cause : details.causes) {
      auto& out = shown.causes.emplace_back();
      out.reason = cause.type;
      out.message = cause.message;
      out.field = cause.field;
    }
  }
  return wire;
}

}  // namespace

namespace {
constexpr std::size_t warnings_bytes_max = 4 << 10;  // in the headers of one answer
constexpr std::size_t cut_warning_bytes = 256;
}  // namespace

void add_common_headers(Exchange& exchange, std::string_view content_type) {
  net::Headers& headers = exchange.writer.headers();
  headers.set("content-type", std::string(content_type));
  if (!headers.has("cache-control")) headers.set("cache-control", "no-cache, private");
  // As upstream: all of them in full, or, where that would be too much, the first ones cut short.
  std::size_t total = 0;
  for (const std::string& warning : exchange.scope.warnings) total += warning.size();
  const bool cut = total > warnings_bytes_max;
  total = 0;
  for (const std::string& warning : exchange.scope.warnings) {
    std::string_view shown = warning;
    if (cut && shown.size() > cut_warning_bytes) {
      shown = shown.substr(0, cut_warning_bytes);
      while (!shown.empty() && (static_cast<unsigned char>(warning[shown.size()]) & 0xC0) == 0x80) shown.remove_suffix(1);
    }
    total += shown.size();
    if (total > warnings_bytes_max) break;
    std::string quoted;
    for (const char c : shown) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    headers.add("warning", "299 - \"" + quoted + "\"");
  }
  exchange.scope.warnings.clear();
}

namespace {

rt::Task<void> write_plain(Exchange& exchange, std::vector<Bytes> pieces) {
  std::size_t at = 0;
  while (at < pieces.size()) {
    const std::size_t n = std::min(write_buffers_max, pieces.size() - at);
    std::vector<Bytes> batch(std::make_move_iterator(pieces.begin() + static_cast<std::ptrdiff_t>(at)),
                             std::make_move_iterator(pieces.begin() + static_cast<std::ptrdiff_t>(at + n)));
    at += n;
    auto sent = co_await exchange.writer.write(std::move(batch));
    if (!sent) co_return;
  }
}

rt::Task<void> write_gzip(Exchange& exchange, std::vector<Bytes> pieces) {
  constexpr std::size_t flush_bytes = 64 << 10;
  GzipStream gzip;
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const bool last = i + 1 == pieces.size();
    gzip.compress(pieces[i].view(), last, out);
    pieces[i] = Bytes();
    if (!last && out.size() < flush_bytes) continue;
    std::vector<Bytes> batch;
    batch.emplace_back(std::move(out));
    out = std::string();
    auto sent = co_await exchange.writer.write(std::move(batch));
    if (!sent) co_return;
  }
}

}  // namespace

Bytes encode_answer(Media media, const api::Type& type, const void* value, const api::GroupVersionKind& kind) {
  std::string out;
  if (media == Media::Protobuf) {
    api::encode_proto(type, value, out);
    return Bytes(api::encode_envelope(kind, out));
  }
  api::encode_json(type, value, out, &kind);
  return json_answer(media, std::move(out));
}

Bytes json_answer(Media media, std::string json) {
  if (media == Media::Yaml) {
    const auto value = codec::parse_json(json);
    return Bytes(value ? codec::to_yaml(*value) : std::string());
  }
  json += '\n';
  return Bytes(std::move(json));
}

Bytes encode_failure(Media media, const Status& status, std::string continue_token) {
  const auto wire = to_wire(status, std::move(continue_token));
  return encode_answer(media, api::type_of<api::meta_v1::Status>(), &wire, status_kind);
}

std::string indented_json(std::string_view json) {
  std::string out;
  out.reserve(json.size() * 2);
  int depth = 0;
  bool in_string = false;
  const auto newline = [&] { out.append(1, '\n').append(static_cast<std::size_t>(depth) * 2, ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < json.size()) out += json[++i];
      if (c == '"') in_string = false;
      continue;
    }
    switch (c) {
      case '"': in_string = true, out += c; break;
      case '{':
      case '[':
        out += c;
        if (i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']')) {
          out += json[++i];
        } else {
          ++depth, newline();
        }
        break;
      case '}':
      case ']': --depth, newline(), out += c; break;
      case ',': out += c, newline(); break;
      case ':': out += ": "; break;
      case '\n': break;
      default: out += c;
    }
  }
  return out;
}

rt::Task<void> answer_pieces(Exchange& exchange, int code, std::string_view content_type, std::vector<Bytes> pieces) {
  std::size_t total = 0;
  for (const Bytes& piece : pieces) total += piece.size();
  if (wants_pretty(exchange) && content_type == "application/json") {
    std::string joined;
    joined.reserve(total);
    for (const Bytes& piece : pieces) joined += piece.view();
    pieces.clear();
    pieces.emplace_back(indented_json(joined) + "\n");
    total = pieces[0].size();
  }
  exchange.status = code;
  exchange.answered_bytes = total;
  add_common_headers(exchange, content_type);
  net::Headers& headers = exchange.writer.headers();
  const bool gzip = total >= gzip_bytes_min && accepts_gzip(exchange.request.headers.get("accept-encoding"));
  if (gzip) {
    headers.set("content-encoding", "gzip");
    headers.set("vary", "Accept-Encoding");
  } else {
    headers.set("content-length", std::to_string(total));
  }
  auto started = co_await exchange.writer.start(code);
  if (!started || exchange.request.method == "HEAD") co_return;
  if (gzip) {
    co_await write_gzip(exchange, std::move(pieces));
  } else {
    co_await write_plain(exchange, std::move(pieces));
  }
}

rt::Task<void> answer(Exchange& exchange, int code, std::string_view content_type, Bytes body) {
  std::vector<Bytes> pieces;
  pieces.push_back(std::move(body));
  co_await answer_pieces(exchange, code, content_type, std::move(pieces));
}

rt::Task<void> answer_text(Exchange& exchange, int code, std::string text) {
  exchange.writer.headers().set("x-content-type-options", "nosniff");
  co_await answer(exchange, code, "text/plain; charset=utf-8", Bytes(std::move(text)));
}

rt::Task<void> answer_failure(Exchange& exchange, Status status) {
  std::string no_token;
  return answer_failure(exchange, std::move(status), std::move(no_token));
}

rt::Task<void> answer_failure(Exchange& exchange, Status status, std::string continue_token) {
  const auto form = negotiate(exchange.request.headers.get("accept"), Offer{.yaml = true, .protobuf = true, .table = true, .partial = true});
  const Media media = form ? form->media : Media::Json;
  if (status.details.retry_after_seconds > 0) exchange.writer.headers().set("retry-after", std::to_string(status.details.retry_after_seconds));
  co_await answer(exchange, status.http(), content_type(media), encode_failure(media, status, std::move(continue_token)));
}

rt::Task<void> answer_failure(Exchange& exchange, Reason reason, std::string message) {
  return answer_failure(exchange, Status{reason, 0, std::move(message), {}});
}

bool wants_pretty(const Exchange& exchange) {
  if (exchange.query.has("pretty")) return exchange.query.boolean("pretty");
  const std::string_view agent = exchange.request.headers.get("user-agent");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

}  // namespace pintle::apiserver::exchange
