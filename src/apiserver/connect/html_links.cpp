#include "apiserver/connect/html_links.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "net/text.h"

namespace pintle::apiserver::connect {

namespace {

struct LinkAttributes {
  std::string_view element;
  std::array<std::string_view, 4> attributes;
};
constexpr LinkAttributes link_attributes[] = {
    {"a", {"href"}},
    {"applet", {"codebase"}},
    {"area", {"href"}},
    {"audio", {"src"}},
    {"base", {"href"}},
    {"blockquote", {"cite"}},
    {"body", {"background"}},
    {"button", {"formaction"}},
    {"command", {"icon"}},
    {"del", {"cite"}},
    {"embed", {"src"}},
    {"form", {"action"}},
    {"frame", {"longdesc", "src"}},
    {"head", {"profile"}},
    {"html", {"manifest"}},
    {"iframe", {"longdesc", "src"}},
    {"img", {"longdesc", "src", "usemap"}},
    {"input", {"formaction", "src", "usemap"}},
    {"ins", {"cite"}},
    {"link", {"href"}},
    {"object", {"classid", "codebase", "data", "usemap"}},
    {"q", {"cite"}},
    {"script", {"src"}},
    {"source", {"src"}},
    {"video", {"poster", "src"}},
};
// Elements whose content is no markup.
constexpr std::string_view raw_text_elements[] = {"iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"};
constexpr std::string_view comment_start = "<!--";
constexpr std::string_view comment_end = "-->";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return net::lower(c); });
  return out;
}

std::size_t find_fold(std::string_view text, std::string_view lower_case) {
  const auto found = std::ranges::search(text, lower_case, [](char a, char b) { return net::lower(a) == b; });
  return found.empty() && !lower_case.empty() ? text.npos : static_cast<std::size_t>(found.begin() - text.begin());
}

bool is_link(std::string_view element, std::string_view attribute) {
  const auto* const row = std::ranges::find(link_attributes, element, &LinkAttributes::element);
  return row != std::end(link_attributes) && std::ranges::find(row->attributes, attribute) != row->attributes.end();
}

struct Attribute {
  std::string name;       // lower case
  std::size_t begin = 0;  // of its value, without quotes
  std::size_t end = 0;
};
struct StartTag {
  std::string element;  // lower case
  std::vector<Attribute> attributes;
  std::size_t size = 0;  // of the tag, with its brackets
};

// The start tag that `text` begins with; nullopt: it is not complete.
std::optional<StartTag> parse_start_tag(std::string_view text) {
  StartTag tag;
  std::size_t at = 1;
  const auto skip = [&](auto&& skipped) {
    while (at < text.size() && skipped(text[at])) ++at;
    return at < text.size();
  };
  if (!skip([](char c) { return !is_space(c) && c != '/' && c != '>'; })) return std::nullopt;
  tag.element = lower(text.substr(1, at - 1));
  while (true) {
    if (!skip([](char c) { return is_space(c) || c == '/'; })) return std::nullopt;
    if (text[at] == '>') {
      tag.size = at + 1;
      return tag;
    }
    Attribute attribute;
    const std::size_t name = at++;  // a '=' may begin a name
    if (!skip([](char c) { return !is_space(c) && c != '/' && c != '>' && c != '='; })) return std::nullopt;
    attribute.name = lower(text.substr(name, at - name));
    if (!skip(is_space)) return std::nullopt;
    if (text[at] != '=') continue;  // without a value
    ++at;
    if (!skip(is_space)) return std::nullopt;
    const char quote = text[at];
    if (quote == '"' || quote == '\'') {
      attribute.begin = ++at;
      if (!skip([quote](char c) { return c != quote; })) return std::nullopt;
      attribute.end = at++;
    } else {
      attribute.begin = at;
      if (!skip([](char c) { return !is_space(c) && c != '>'; })) return std::nullopt;
      attribute.end = at;
    }
    tag.attributes.push_back(std::move(attribute));
  }
}

std::string with_links(std::string_view text, const StartTag& tag, const HtmlLinks::Rewrite& rewrite) {
  std::string out;
  std::size_t done = 0;
  for (const Attribute& attribute : tag.attributes) {
    if (!is_link(tag.element, attribute.name)) continue;
    out += text.substr(done, attribute.begin - done);
    out += rewrite(text.substr(attribute.begin, attribute.end - attribute.begin));
    done = attribute.end;
  }
  out += text.substr(done);
  return out;
}

}  // namespace

std::string HtmlLinks::feed(std::string_view piece) {
  std::string all = std::move(held_);
  all += piece;
  std::string_view rest = all;
  std::string out;
  while (step(rest, out)) {
  }
  held_ = rest;
  return out;
}

std::string HtmlLinks::finish() { return std::exchange(held_, std::string()); }

// False: the rest has to wait for more.
bool HtmlLinks::step(std::string_view& rest, std::string& out) {
  if (where_ == Where::Comment) return step_until(comment_end, rest, out);
  if (where_ == Where::RawText) return step_until(raw_end_, rest, out);
  return step_in_text(rest, out);
}

bool HtmlLinks::step_until(std::string_view end, std::string_view& rest, std::string& out) {
  const std::size_t found = find_fold(rest, end);
  if (found == rest.npos) {
    const std::size_t certain = rest.size() - std::min(rest.size(), end.size() - 1);  // the end may have begun
    out += rest.substr(0, certain);
    rest.remove_prefix(certain);
    return false;
  }
  out += rest.substr(0, found);
  rest.remove_prefix(found);
  where_ = Where::Text;
  return true;
}

bool HtmlLinks::step_in_text(std::string_view& rest, std::string& out) {
  const std::size_t open = std::min(rest.find('<'), rest.size());
  out += rest.substr(0, open);
  rest.remove_prefix(open);
  if (rest.size() < 2) return false;
  if (rest.size() < comment_start.size() && comment_start.starts_with(rest)) return false;
  if (rest.starts_with(comment_start)) {
    out += comment_start.substr(0, 2);
    rest.remove_prefix(2);  // "<!-->" is a whole comment
    where_ = Where::Comment;
    return true;
  }
  if (!is_letter(rest[1])) {  // an end tag, a declaration or a bare bracket
    out += rest[0];
    rest.remove_prefix(1);
    return true;
  }
  const auto tag = parse_start_tag(rest);
  if (!tag) {
    if (rest.size() <= html_tag_bytes_max) return false;
    out += rest;
    rest = {};
    return false;
  }
  out += with_links(rest.substr(0, tag->size), *tag, rewrite_);
  rest.remove_prefix(tag->size);
  if (std::ranges::find(raw_text_elements, tag->element) != std::end(raw_text_elements)) {
    where_ = Where::RawText;
    raw_end_ = "</" + tag->element;
  }
  return true;
}

namespace {

class HtmlBody final : public net::BodyReader {
 public:
  HtmlBody(std::unique_ptr<net::BodyReader> page, HtmlLinks links) : page_(std::move(page)), links_(std::move(links)) {}

  rt::Task<Result<Bytes>> read(rt::Context ctx) override {
    while (!ended_) {
      CO_TRY_ASSIGN(const Bytes piece, co_await page_->read(ctx));
      ended_ = piece.empty();
      std::string out = ended_ ? links_.finish() : links_.feed(piece.view());
      if (!out.empty()) co_return Bytes(std::move(out));
    }
    co_return Bytes();
  }

 private:
  std::unique_ptr<net::BodyReader> page_;
  HtmlLinks links_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<net::BodyReader> rewrite_html(std::unique_ptr<net::BodyReader> page, HtmlLinks::Rewrite rewrite) {
  return std::make_unique<HtmlBody>(std::move(page), HtmlLinks(std::move(rewrite)));
}

}  // namespace pintle::apiserver::connect
