#include "codec/path_frame.h"

#include <algorithm>

#include "codec/json_text.h"

namespace pintle::codec {

std::string path_text(const PathFrame* frame) {
  std::vector<const PathFrame*> chain;
  for (; frame != nullptr; frame = frame->parent) chain.push_back(frame);
  std::string out;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    if ((*it)->index >= 0) {
      out += '[';
      out += std::to_string((*it)->index);
      out += ']';
    } else {
      if (!out.empty()) out += '.';
      out += (*it)->key;
    }
  }
  return out;
}

void Problems::add(std::string_view what, const PathFrame* at, std::string_view key) {
  if (out_.size() >= problems_max || written_bytes_ > problems_bytes_max) return;
  std::string path = path_text(at);
  if (at != nullptr) path += '.';
  path += key;
  std::string text(what);
  text += go_quote(path);
  written_bytes_ += text.size();
  if (std::find(out_.begin(), out_.end(), text) == out_.end()) out_.push_back(std::move(text));
}

}  // namespace pintle::codec
