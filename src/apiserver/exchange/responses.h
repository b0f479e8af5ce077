// Answers: a Status, an object, a text, a list of shared buffers. Encoded in the form that was negotiated, compressed
// when that pays, warnings and common headers added.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/type.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/exchange/negotiation.h"
#include "base/bytes.h"
#include "base/status.h"
#include "rt/task.h"

namespace pintle::apiserver::exchange {

constexpr std::size_t gzip_bytes_min = 128 << 10;  // smaller answers are sent as they are
constexpr std::size_t write_buffers_max = 512;     // buffers handed to the connection at once

// A value of the schema as the body of an answer: JSON with a final newline, YAML, or the protobuf envelope.
Bytes encode_answer(Media media, const api::Type& type, const void* value, const api::GroupVersionKind& kind);
// JSON text as the body of an answer in JSON or YAML.
Bytes json_answer(Media media, std::string json);
// metav1.Status of an error, encoded. `continue_token`: its metadata.continue.
Bytes encode_failure(Media media, const Status& status, std::string continue_token = "");
// The same JSON with two blanks of indentation.
std::string indented_json(std::string_view json);

// content-type, cache-control and the warnings gathered so far.
void add_common_headers(Exchange& exchange, std::string_view content_type);
// Sends the whole answer. An error of the peer's ends the exchange silently.
rt::Task<void> answer(Exchange& exchange, int code, std::string_view content_type, Bytes body);
rt::Task<void> answer_pieces(Exchange& exchange, int code, std::string_view content_type, std::vector<Bytes> pieces);
rt::Task<void> answer_text(Exchange& exchange, int code, std::string text);
// In the form of the Accept header, else JSON; with Retry-After where the details say so.
rt::Task<void> answer_failure(Exchange& exchange, Status status);
rt::Task<void> answer_failure(Exchange& exchange, Status status, std::string continue_token);
// The same of a reason and a message. (g++ 12 miscompiles an aggregate made within a co_await expression.)
rt::Task<void> answer_failure(Exchange& exchange, Reason reason, std::string message);
// True if the client wants indented JSON: ?pretty=true, or a browser, curl or wget without a word.
bool wants_pretty(const Exchange& exchange);

}  // namespace pintle::apiserver::exchange
