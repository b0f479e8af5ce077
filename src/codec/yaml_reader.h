// YamlReader: YAML 1.1 by recursive descent, as libyaml reads it; what it finds goes to a YamlBuilder.
#pragma once

#include <string>
#include <string_view>

#include "codec/yaml_builder.h"

namespace pintle::codec {

class YamlReader {
 public:
  YamlReader(std::string_view text, YamlBuilder& builder) : text_(text), builder_(builder) {}

  // The first document. False: error() says why.
  bool document();
  std::string error() const;

 private:
  // Where a node may stand: below what indentation its block collections end, and whether they may start on this line.
  struct Place {
    int indent = -1;             // of the collection around it
    bool block_allowed = true;   // false behind "key:" on the same line
    bool mapping_value = false;  // a list may stand at the mapping's own column
  };
  struct Properties {
    std::string anchor, tag;
    std::size_t at = 0;  // where the first one starts
    bool any = false;
    bool same_line = true;  // no line break between them and the content
  };

  bool fail(std::string what);

  // Reading characters.
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool at_end() const { return at_ >= text_.size(); }
  bool blank_at(std::size_t i) const { return i >= text_.size() || text_[i] == ' ' || text_[i] == '\t' || text_[i] == '\n' || text_[i] == '\r'; }
  bool break_at(std::size_t i) const { return i < text_.size() && (text_[i] == '\n' || text_[i] == '\r'); }
  void take_break();
  int column() const { return static_cast<int>(at_ - line_start_); }
  bool at_marker(std::string_view marker) const { return at_ == line_start_ && text_.substr(at_).starts_with(marker) && blank_at(at_ + 3); }
  bool at_document_marker() const { return at_marker("---") || at_marker("..."); }
  bool first_on_line() {
    if (indent_of_ != line_start_) indent_end_ = text_.find_first_not_of(' ', indent_of_ = line_start_);
    return indent_end_ == at_;
  }
  bool indicator(char c) const { return peek() == c && !at_end() && blank_at(at_ + 1); }

  // To the next token, over white space, comments and lines. `crossed`: a line ended on the way.
  bool skip(bool& crossed, bool in_flow = false);
  bool directives();

  // Block style (yaml_reader.cpp).
  bool node(Place place);
  bool block_content(Place place, Properties properties);
  bool block_list(int column, const Properties& properties);
  bool block_map(int column, const Properties& outer, const Properties& first_key);
  bool block_key(const Properties& properties);
  bool next_entry(int column, bool& more);
  bool read_properties(Properties& out, bool in_flow);
  bool read_name(std::string& out);
  bool implicit_key(std::size_t from, bool in_flow = false);
  bool find_key_sign(std::size_t& i, bool in_flow) const;

  // Flow style (yaml_flow.cpp).
  bool flow_node();
  bool flow_list(const Properties& properties);
  bool flow_map(const Properties& properties);
  bool flow_pair();

  // Scalars (yaml_text.cpp).
  bool scalar(int indent, const Properties& properties, bool in_flow, bool one_line);
  bool plain(int indent, bool in_flow, bool one_line, std::string& out);
  bool single_quoted(bool one_line, std::string& out);
  bool double_quoted(bool one_line, std::string& out);
  bool escape(std::string& out);
  bool fold_quoted(std::string& out, bool one_line);
  bool block_scalar(int indent, const Properties& properties);
  bool starts_plain(bool in_flow) const;

  std::string_view text_;
  YamlBuilder& builder_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::size_t indent_of_ = std::string_view::npos;  // the line whose indentation ends at indent_end_
  std::size_t indent_end_ = 0;
  std::size_t looked_ahead_ = 0;  // bytes, in search of keys
  int line_ = 1;
  int depth_ = 0;
  std::string message_;
};

}  // namespace pintle::codec
