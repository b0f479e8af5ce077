// Document: one OpenAPI or discovery document, ready to be sent: stretches of packed text, with the parts of custom kinds named rather than
// held: what is not kept of them is made when its turn comes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/exchange/exchange.h"
#include "apiserver/published/published_kind.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::apiserver::published {

enum class Section : uint8_t { Paths, Definitions };

struct Stretch {
  std::string literal;                        // before what follows, at most 65,535 bytes
  std::shared_ptr<const Packed> packed;       // or
  std::shared_ptr<const PublishedKind> kind;  // its section of the document
  Section section = Section::Paths;
};

struct Document {
  std::string etag;  // in quotes; empty: none
  std::string content_type;
  apimachinery::openapi::Form form = apimachinery::openapi::Form::JsonV3;  // of its kinds
  std::vector<Stretch> stretches;
};

// 200 with the document, compressed where the client takes that, or 304 where If-None-Match names its tag. Headers but the type, the tag and the
// encoding are the caller's.
rt::Task<void> send(rt::Runtime& runtime, exchange::Exchange& exchange, std::shared_ptr<const Document> document);
// The whole of it. Makes what its kinds have not kept; for a thread that may be held.
std::string text_of(const Document& document);
// Answers 304 and returns true where If-None-Match names the tag (in a list, weak, or `*`).
bool names_tag(std::string_view if_none_match, std::string_view etag);
rt::Task<void> answer_not_modified(exchange::Exchange& exchange, std::string etag);

}  // namespace pintle::apiserver::published
