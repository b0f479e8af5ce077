// Links inside an HTML page that came through a proxy: upstream's list of elements and attributes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace pintle::apiserver::connect {

constexpr std::size_t html_tag_bytes_max = 64 << 10;  // a longer tag passes as it is

// Gives every link of a page to `rewrite` and puts its answer in the link's place; all else stays as it is. No I/O.
class HtmlLinks {
 public:
  using Rewrite = std::function<std::string(std::string_view link)>;  // the text between the quotes, entities kept
  explicit HtmlLinks(Rewrite rewrite) : rewrite_(std::move(rewrite)) {}

  // The next piece of the page; a tag that is not complete yet is kept back.
  std::string feed(std::string_view piece);
  // What was kept back, at the end of the page.
  std::string finish();

 private:
  enum class Where : uint8_t { Text, Comment, RawText };
  bool step(std::string_view& rest, std::string& out);
  bool step_in_text(std::string_view& rest, std::string& out);
  bool step_until(std::string_view end, std::string_view& rest, std::string& out);

  Rewrite rewrite_;
  Where where_ = Where::Text;
  std::string raw_end_;  // "</script": what ends the raw text, in lower case
  std::string held_;
};

// `page` with its links rewritten.
std::unique_ptr<net::BodyReader> rewrite_html(std::unique_ptr<net::BodyReader> page, HtmlLinks::Rewrite rewrite);

}  // namespace pintle::apiserver::connect
