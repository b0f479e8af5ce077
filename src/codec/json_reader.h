// JsonReader: a cursor over JSON text that hands out one token after another, so that a decoder can fill its structs
// straight from the text. Nothing is allocated for plain keys, numbers and skipped values. After a call has returned
// false the reader is failed: ok() is false, error() says what is wrong and where, and every further call returns false.
// The text must outlive the reader and every view it hands out.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::codec {

class JsonReader {
 public:
  enum class Token : uint8_t { Object, Array, String, Number, True, False, Null, End };

  explicit JsonReader(std::string_view text) : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  // What the next value is, by its first byte; End: the text is over or no value starts here (the reader is failed).
  Token peek();

  // Object: enter_object, then next_key (which reads the colon too) until it returns false, each followed by reading
  // the value. Array: enter_array, then next_element until it returns false. `first` starts out true.
  bool enter_object();
  bool next_key(bool& first, std::string_view& key);
  bool enter_array();
  bool next_element(bool& first);

  bool read_string(std::string& out);       // replaces `out`
  bool read_string(std::string_view& out);  // valid for the reader's life
  bool read_number(std::string_view& literal);
  bool read_literal();                   // true, false or null, as peek() said
  bool skip_value();                     // any value, checked
  bool read_raw(std::string_view& raw);  // any value, checked: its text as it stands
  // Nothing but white space is left.
  bool finish();

  bool ok() const { return message_.empty(); }
  Status error() const;
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  // Goes back to a place where this reader stood, inside the container it is in now.
  void rewind(std::size_t offset) { at_ = begin_ + offset; }

 private:
  bool fail(std::string_view expected);
  bool skip_space();
  bool expect_literal(std::string_view word);
  bool unescape(const char* from, std::string& out);
  bool unescape_unicode(const char*& p, std::string& out);
  const char* scan_plain(const char* p) const;
  bool scan_string(std::string_view& body, bool& plain);
  bool check_number();

  const char* begin_;
  const char* at_;
  const char* end_;
  int depth_ = 0;
  std::string message_;
  std::deque<std::string> unescaped_;  // what read_string(string_view) could not take from the text itself
};

}  // namespace pintle::codec
