#include "kubelet/server/log_lines.h"

namespace pintle::kubelet::server {

namespace {

constexpr std::size_t fraction_digits = 9;

// The word up to the next space, which is taken off with it.
std::optional<std::string_view> take_word(std::string_view& text) {
  const auto space = text.find(' ');
  if (space == text.npos) return std::nullopt;
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space + 1);
  return word;
}

// With nine digits of fraction, whatever the runtime wrote.
void append_timestamp(std::string_view timestamp, std::string& out) {
  const auto end = timestamp.find_first_of("Z+-", timestamp.find('T') + 1);
  const auto dot = timestamp.find('.');
  std::string_view digits;
  std::string_view seconds = timestamp.substr(0, end);
  if (dot < end) {
    digits = timestamp.substr(dot + 1, end - dot - 1);
    seconds = timestamp.substr(0, dot);
  }
  out.append(seconds).append(".").append(digits);
  if (digits.size() < fraction_digits) out.append(fraction_digits - digits.size(), '0');
  if (end != timestamp.npos) out.append(timestamp.substr(end));
}

bool before(const api::Time& a, const api::Time& b) { return a.seconds != b.seconds ? a.seconds < b.seconds : a.nanos < b.nanos; }

}  // namespace

std::optional<LogLine> parse_log_line(std::string_view line) {
  std::string_view rest = line;
  const auto timestamp = take_word(rest);
  const auto stream = timestamp ? take_word(rest) : std::nullopt;
  if (!stream || (*stream != "stdout" && *stream != "stderr") || timestamp->find('T') == timestamp->npos) return std::nullopt;
  const auto tags = take_word(rest);
  if (!tags) return std::nullopt;
  const bool partial = tags->substr(0, tags->find(':')) == "P";
  if (partial && rest.ends_with('\n')) rest.remove_suffix(1);
  return LogLine{*timestamp, *stream, rest};
}

void LogFilter::feed(std::string_view raw, std::string& out) {
  const auto line = parse_log_line(raw);
  if (!line || full()) return;
  ++lines_;
  const bool first = begins_;
  begins_ = line->text.empty() || line->text.back() == '\n';
  if (!selection_.since.zero()) {
    const auto when = api::parse_time(line->timestamp);
    if (!when || before(*when, selection_.since)) return;
  }
  if (line->stream == "stdout" ? !selection_.stdout : !selection_.stderr) return;
  const std::size_t start = out.size();
  if (selection_.timestamps && first) {
    append_timestamp(line->timestamp, out);
    out += ' ';
  }
  out += line->text;
  if (selection_.bytes_max && bytes_ + static_cast<int64_t>(out.size() - start) > *selection_.bytes_max)
    out.resize(start + static_cast<std::size_t>(*selection_.bytes_max - bytes_));
  bytes_ += static_cast<int64_t>(out.size() - start);
}

bool LogFilter::full() const {
  return (selection_.lines_max && lines_ >= *selection_.lines_max) || (selection_.bytes_max && bytes_ >= *selection_.bytes_max);
}

}  // namespace pintle::kubelet::server
