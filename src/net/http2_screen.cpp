#include "net/http2_screen.h"

#include <algorithm>

namespace pintle::net {

namespace {

enum Type : uint8_t {
  Data = 0,
  HeadersFrame = 1,
  Priority = 2,
  Reset = 3,
  Settings = 4,
  PushPromise = 5,
  Ping = 6,
  Goaway = 7,
  Window = 8,
  Continuation = 9
};
constexpr uint8_t flag_ack = 1, flag_end_stream = 1, flag_end_headers = 4, flag_padded = 8, flag_priority = 0x20;
constexpr int integer_shift_max = 28;                          // larger numbers are malformed for nghttp2 too
constexpr uint64_t path_index_first = 4, path_index_last = 5;  // of HPACK's static table
constexpr std::string_view path_name = ":path";

// `number` as a string's size (RFC 7541 5.1, prefix of 7 bits), not Huffman coded.
void append_size(std::size_t number, std::string& out) {
  if (number < 127) {
    out += static_cast<char>(number);
    return;
  }
  out += static_cast<char>(127);
  for (number -= 127; number >= 128; number >>= 7) out += static_cast<char>(number % 128 + 128);
  out += static_cast<char>(number);
}

}  // namespace

void HpackMask::begin_integer(uint8_t byte, int prefix_bits, State state) {
  const auto most = static_cast<uint8_t>((1 << prefix_bits) - 1);
  number_ = byte & most;
  shift_ = number_ == most ? 0 : -1;
  state_ = state;
}

bool HpackMask::integer_byte(uint8_t byte) {
  if (shift_ > integer_shift_max) {
    state_ = State::Broken;
    return false;
  }
  number_ += static_cast<uint64_t>(byte & 127) << shift_;
  shift_ += 7;
  if (byte & 128) return false;
  shift_ = -1;
  return true;
}

// The first byte of a field's representation.
void HpackMask::field(uint8_t byte) {
  name_.clear();
  literal_ = false;
  if (byte & 0x80) {
    begin_integer(byte, 7, State::Index);
  } else if (byte & 0x40) {
    literal_ = true;
    begin_integer(byte, 6, State::Index);
  } else if (byte & 0x20) {
    begin_integer(byte, 5, State::Index);  // the table's size
  } else {
    literal_ = true;
    begin_integer(byte, 4, State::Index);
  }
}

void HpackMask::string_size(uint8_t byte, std::string& out) {
  held_ += static_cast<char>(byte);
  if (held_.size() == 1) {
    begin_integer(byte, 7, state_);
  } else {
    integer_byte(byte);
  }
  if (state_ == State::Broken) {
    out += held_;
    return;
  }
  if (shift_ >= 0) return;
  const bool value = state_ == State::ValueSize;
  left_ = number_;
  shorten_ = number_ > http2_field_bytes_max;
  if (shorten_) {
    masked_ = true;
    keep_ = http2_masked_bytes;
    filler_ = value && name_ == path_name ? '/' : 'x';
    append_size(http2_masked_bytes, out);
  } else {
    out += held_;
  }
  held_.clear();
  state_ = value ? State::Value : State::Name;
  if (left_ == 0) after_string();
}

void HpackMask::after_string() { state_ = state_ == State::Name ? State::ValueSize : State::Field; }

void HpackMask::string_bytes(std::string_view& in, std::string& out) {
  const auto n = static_cast<std::size_t>(std::min<uint64_t>(left_, in.size()));
  if (shorten_) {
    const std::size_t kept = std::min(keep_, n);
    out.append(kept, filler_);
    keep_ -= kept;
  } else {
    if (state_ == State::Name && name_.size() <= path_name.size()) name_ += in.substr(0, std::min(n, path_name.size() + 1));
    out += in.substr(0, n);
  }
  in.remove_prefix(n);
  left_ -= n;
  if (left_ == 0) after_string();
}

void HpackMask::feed(std::string_view in, std::string& out) {
  while (!in.empty()) {
    if (state_ == State::Broken) {
      out += in;  // nghttp2 says what is wrong
      return;
    }
    if (state_ == State::Name || state_ == State::Value) {
      string_bytes(in, out);
      continue;
    }
    const auto byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    if (state_ == State::NameSize || state_ == State::ValueSize) {
      string_size(byte, out);
      continue;
    }
    out += static_cast<char>(byte);
    if (state_ == State::Field) {
      field(byte);
    } else {
      integer_byte(byte);
    }
    if (state_ == State::Broken || shift_ >= 0) continue;
    if (literal_ && number_ >= path_index_first && number_ <= path_index_last) name_ = path_name;
    state_ = !literal_ ? State::Field : number_ == 0 ? State::NameSize : State::ValueSize;
  }
}

bool Http2Screen::allow(rt::TimePoint now) {
  const double passed = std::chrono::duration<double>(now - refilled_).count();
  tokens_ = std::min<double>(http2_idle_frames_burst, tokens_ + passed * http2_idle_frames_rate);
  refilled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

bool Http2Screen::emit(uint8_t type, uint8_t flags, std::string_view payload, const Output& output) const {
  std::string frame;
  frame.reserve(http2_frame_head_bytes + payload.size());
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift & 0xff);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(block_stream_ >> shift & 0xff);
  frame += payload;
  return output.pass(frame);
}

// A frame's head is complete: whether it may come, and whether its payload is looked at.
Http2Screen::Verdict Http2Screen::begin_frame(rt::TimePoint now) {
  const auto type = static_cast<uint8_t>(head_[3]), flags = static_cast<uint8_t>(head_[4]);
  payload_left_ = length();
  const bool asks = (type == Ping || type == Settings) && !(flags & flag_ack);
  const bool empty_data = type == Data && payload_left_ == 0 && !(flags & flag_end_stream);
  if (asks || empty_data || type == Priority || type > Continuation) {
    if (!allow(now)) return Verdict::Flood;
  }
  const bool goes_on = in_block_ && type == Continuation && stream() == block_stream_;
  const bool begins = !in_block_ && type == HeadersFrame && !(flags & flag_end_headers);
  gather_ = (goes_on || begins) && payload_left_ <= http2_frame_bytes_max;
  if (!gather_) {
    in_block_ = false;  // a block of one frame, or what nghttp2 refuses
    return Verdict::Good;
  }
  if (begins) {
    block_stream_ = stream();
    block_bytes_ = continuations_ = 0;
    mask_.start();
  } else if (++continuations_ > http2_continuations_max) {
    return Verdict::Flood;
  }
  block_bytes_ += payload_left_;
  return block_bytes_ > block_bytes_max_ ? Verdict::Flood : Verdict::Good;
}

// A frame of a header block is there: it goes on with its strings shortened, and without padding.
Http2Screen::Verdict Http2Screen::end_block_frame(const Output& output) {
  auto type = static_cast<uint8_t>(head_[3]), flags = static_cast<uint8_t>(head_[4]);
  std::string_view payload = payload_;
  std::string out;
  gather_ = false;
  if (type == HeadersFrame) {
    const std::size_t padding = flags & flag_padded ? 1 + (payload.empty() ? 0 : static_cast<uint8_t>(payload[0])) : 0;
    const std::size_t priority = flags & flag_priority ? 5 : 0;
    if (padding + priority > payload.size()) {  // malformed: nghttp2 says so
      in_block_ = false;
      const bool passed = output.pass({head_.data(), head_.size()}) && output.pass(payload);
      payload_.clear();
      return passed ? Verdict::Good : Verdict::Stopped;
    }
    if (flags & flag_padded) payload = payload.substr(1, payload.size() - padding);
    flags &= static_cast<uint8_t>(~flag_padded);
    out = payload.substr(0, priority);
    payload.remove_prefix(priority);
  }
  mask_.feed(payload, out);
  payload_ = std::string();
  in_block_ = !(flags & flag_end_headers);
  if (!in_block_ && mask_.masked()) output.shortened(block_stream_);
  // What was kept back of the frame before may make this one too long.
  std::string_view rest = out;
  while (rest.size() > http2_frame_bytes_max) {
    if (!emit(type, flags & static_cast<uint8_t>(~flag_end_headers), rest.substr(0, http2_frame_bytes_max), output)) return Verdict::Stopped;
    rest.remove_prefix(http2_frame_bytes_max);
    if (type == HeadersFrame) flags &= flag_end_headers;
    type = Continuation;
  }
  return emit(type, flags, rest, output) ? Verdict::Good : Verdict::Stopped;
}

Http2Screen::Verdict Http2Screen::feed(std::string_view data, rt::TimePoint now, const Output& output) {
  if (refilled_ == rt::TimePoint{}) refilled_ = now;
  std::size_t passed = 0, at = std::min(preface_left_, data.size());  // data[passed, at) goes on as it is
  preface_left_ -= at;
  const auto skip = [&](std::size_t bytes) {
    const bool good = at == passed || output.pass(data.substr(passed, at - passed));
    passed = at += bytes;
    return good;
  };
  while (at < data.size()) {
    if (payload_left_ > 0) {
      const std::size_t n = std::min(payload_left_, data.size() - at);
      payload_left_ -= n;
      if (!gather_) {
        at += n;
        continue;
      }
      payload_ += data.substr(at, n);
      if (!skip(n)) return Verdict::Stopped;
      if (payload_left_ > 0) continue;
      if (const Verdict verdict = end_block_frame(output); verdict != Verdict::Good) return verdict;
      continue;
    }
    const bool split = head_have_ > 0 || data.size() - at < head_.size();
    const std::size_t n = std::min(head_.size() - head_have_, data.size() - at);
    std::copy_n(data.data() + at, n, head_.data() + head_have_);
    head_have_ += n;
    if (head_have_ < head_.size()) {
      if (!skip(n)) return Verdict::Stopped;
      break;
    }
    head_have_ = 0;
    if (const Verdict verdict = begin_frame(now); verdict != Verdict::Good) return verdict;
    if (!gather_ && !split) {
      at += n;
      continue;
    }
    if (!skip(n)) return Verdict::Stopped;
    if (!gather_) {
      if (!output.pass({head_.data(), head_.size()})) return Verdict::Stopped;
    } else if (payload_left_ == 0) {
      if (const Verdict verdict = end_block_frame(output); verdict != Verdict::Good) return verdict;
    }
  }
  return skip(0) ? Verdict::Good : Verdict::Stopped;
}

}  // namespace pintle::net
